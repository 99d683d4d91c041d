"""Weights over the network, from a server of our own on 127.0.0.1."""

from __future__ import annotations

import errno
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fusedream_sdk.errors import InvalidInput, OutputError, WeightsError
from fusedream_sdk.models import downloads
from fusedream_sdk.models.downloads import download

CONTENT = bytes(range(256)) * 5000
SHA = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT under every path but /none; `breaks` answers are cut in half."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []
        self.breaks = 0
        self.ranges = True

    def url(self, path: str = "model.pth") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        if "none" in self.path or begin >= len(CONTENT):
            self.send_error(416 if begin else 404)
            return
        body = CONTENT[begin:]
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.breaks:
            self.server.breaks -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Filling:
    """A file on a disk that has room for a thousand bytes."""

    def __init__(self, file: Any) -> None:
        self._file, self._written = file, 0

    def __enter__(self) -> Filling:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, content: bytes) -> None:
        if self._written + len(content) > 1000:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._written += len(content)
        self._file.write(content)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def get(server: Server, path: str = "model.pth", **changes: Any) -> Path:
    return download(server.url(path), **{"sha256": SHA, "licence": "MIT, by nobody", "plugin": "my_gan", **changes})


def test_a_file_is_fetched_once_checked_and_kept_in_the_cache_folder(server: Server, own_cache: Path, capsys: Any):
    path = get(server)
    assert path == own_cache / "weights" / "my_gan" / SHA[:12] / "model.pth"
    assert path.read_bytes() == CONTENT
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"fusedream: fetching model.pth of my_gan from {server.url()}. Licence: MIT, by nobody\n"
    server.shutdown()
    assert get(server) == path
    assert capsys.readouterr().err == ""
    assert len(server.asked) == 1


def test_what_is_said_can_go_elsewhere_and_the_name_can_be_another(server: Server):
    said: list[str] = []
    path = get(server, "get?id=3", name="weights.bin", sha256=SHA.upper(), tell=said.append)
    assert path.name == "weights.bin"
    assert len(said) == 1


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_connection_leaves_no_file_and_the_next_call_goes_on(server: Server, own_cache: Path, ranges: bool):
    server.breaks, server.ranges = 1, ranges
    with pytest.raises(WeightsError, match=r"cannot fetch .*Try again to go on .*by hand: .*model\.pth"):
        get(server)
    assert not list(own_cache.rglob("model.pth"))
    assert get(server).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={len(CONTENT) // 2}-"]
    assert not list(own_cache.rglob("*.partial"))


def test_a_partial_file_that_is_too_long_is_begun_again(server: Server, own_cache: Path):
    folder = own_cache / "weights" / "my_gan" / SHA[:12]
    folder.mkdir(parents=True)
    (folder / "model.pth.partial").write_bytes(CONTENT + b"more")
    assert get(server).read_bytes() == CONTENT


def test_another_file_is_never_kept(server: Server, own_cache: Path):
    other = "0" * 64
    with pytest.raises(WeightsError, match=f"is not the file that my_gan means: .*{other}.* has {SHA}"):
        get(server, sha256=other)
    assert not list(own_cache.rglob("model.*"))


def test_what_is_not_there_is_told_with_where_to_put_it(server: Server):
    with pytest.raises(WeightsError, match=r"cannot fetch http.*HTTPError: HTTP Error 404.*by hand"):
        get(server, "none.pth")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": "file:///etc/passwd"}, "url: expected an address that begins with https://"),
        ({"sha256": "9f86"}, "sha256: expected 64 hexadecimal digits, got 9f86"),
        ({"licence": " "}, "licence: expected the licence of the weights"),
        ({"name": "../x"}, "name: expected a name without spaces and slashes, got '../x'"),
        ({"plugin": ".."}, "plugin: expected a name"),
        ({"url": "https://example.org/"}, "name: expected a name"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_fetched(changes: dict[str, str], message: str):
    given: dict[str, Any] = {"url": "https://example.org/a.pth", "sha256": SHA, "licence": "MIT", "plugin": "my_gan", **changes}
    with pytest.raises(InvalidInput, match=message):
        download(**given)


def test_a_disk_that_fills_in_the_midst_is_one_sentence_and_the_next_call_goes_on(
    server: Server, own_cache: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(downloads, "PIECE", 1000)
        opened = Path.open

        def nearly_full(path: Path, *mode: Any, **how: Any) -> Any:
            file = opened(path, *mode, **how)
            if path.suffix != ".partial":
                return file
            return Filling(file)

        patch.setattr(Path, "open", nearly_full)
        with pytest.raises(OutputError, match=r"model\.pth\.partial could not be written \(No space left on device\)"):
            get(server)
    assert not list(own_cache.rglob("model.pth"))
    assert get(server).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000-"]
