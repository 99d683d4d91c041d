"""A hub of our own on 127.0.0.1, as far as its client asks, for a process or for one test."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Repositories of files.

    Attributes:
        files: repository -> name -> content. Files that end in .bin or .safetensors are large ones, with a SHA-256.
        wrong: names whose stated hash is not that of their content.
        breaks: how many answers are cut in half.
        asked: the range of each request for content, by name.
    """

    daemon_threads = True

    def __init__(self, files: dict[str, dict[str, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.wrong: set[str] = set()
        self.breaks = 0
        self.asked: list[tuple[str, str | None]] = []

    @property
    def endpoint(self) -> str:
        """For HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def hashed(self, name: str, content: bytes) -> str:
        """What is stated of a file: a SHA-256 of a large one, git's hash of any other."""
        content = content + b"!" if name in self.wrong else content
        large = name.endswith((".bin", ".safetensors"))
        return hashlib.sha256(content).hexdigest() if large else hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    def about(self, repository: str) -> dict[str, Any]:
        """What its interface says of a repository."""
        siblings = []
        for name, content in self.files[repository].items():
            told: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": self.hashed(name, content)}
            if len(told["blobId"]) == 64:
                told["lfs"] = {"sha256": told["blobId"], "size": len(content), "pointerSize": 130}
            siblings.append(told)
        return {"id": repository, "sha": COMMIT, "siblings": siblings, "cardData": {"license": "mit"}, "tags": ["license:mit"]}


class Handler(BaseHTTPRequestHandler):
    """The three questions that the client asks."""

    server: Hub  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_HEAD(self) -> None:
        self._file(with_content=False)

    def do_GET(self) -> None:
        if not self.path.startswith("/api/models/"):
            self._file(with_content=True)
            return
        repository = "/".join(self.path.removeprefix("/api/models/").partition("?")[0].split("/")[:2])
        if repository not in self.server.files:
            self._absent("RepoNotFound")
            return
        body = json.dumps(self.server.about(repository)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _file(self, *, with_content: bool) -> None:
        owner, _, rest = self.path.removeprefix("/").partition("/")
        short, _, name = rest.partition("/resolve/")
        content = self.server.files.get(f"{owner}/{short}", {}).get(name.partition("/")[2])
        name = name.partition("/")[2]
        if content is None:
            self._absent("EntryNotFound")
            return
        wanted = self.headers.get("Range")
        begin = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
        if with_content:
            self.server.asked.append((name, wanted))
        body = content[begin:]
        self.send_response(206 if begin else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{self.server.hashed(name, content)}"')
        self.send_header("Content-Length", str(len(body)))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if not with_content:
            return
        if self.server.breaks and len(body) > 1000:
            self.server.breaks -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def _absent(self, code: str) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def running(files: dict[str, dict[str, bytes]]) -> Iterator[Hub]:
    """A hub that answers inside."""
    with Hub(files) as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield hub
        hub.shutdown()
        thread.join()


@contextmanager
def asked_by_the_client(files: dict[str, dict[str, bytes]], cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The same, which the hub's own client of this process asks, with a cache of its own."""
    with running(files) as hub:
        template = hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield hub
