"""Finding and fetching files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pytorch_pretrained_biggan import model as package

from fusedream_biggan import files
from fusedream_biggan.files import download, locate
from fusedream_sdk.errors import WeightsError

CONTENT = bytes(range(256)) * 40


@dataclass
class Server:
    """A web server on this machine that serves CONTENT and remembers what was asked."""

    url: str = ""
    ranges: list[str | None] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    seen = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            seen.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            body = CONTENT[start:]
            if self.path != "/weights" or not body:
                self.send_error(404 if body else 416)
                return
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(body)))
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        seen.url = f"http://127.0.0.1:{http.server_port}/weights"
        yield seen
        http.shutdown()
        thread.join()


def test_a_download_is_kept_and_asked_for_once(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "new" / "file"
    for _ in range(2):
        assert download(server.url, target).read_bytes() == CONTENT
    assert server.ranges == [None] or server.ranges == ["bytes=0-"]


def test_a_broken_download_is_resumed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_bytes(CONTENT[:1000])
    assert download(server.url, tmp_path / "file").read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-"]
    assert not (tmp_path / "file.partial").exists()


def test_a_part_that_is_too_long_is_dropped_so_that_the_next_try_works(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_bytes(CONTENT)
    with pytest.raises(WeightsError, match="Try again"):
        download(server.url, tmp_path / "file")
    assert download(server.url, tmp_path / "file").read_bytes() == CONTENT


def test_a_failed_download_leaves_no_target(server: Server, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"cannot download .*/nothing"):
        download(server.url.replace("weights", "nothing"), tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_a_pretrained_name_comes_from_the_addresses_of_the_package(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(package.PRETRAINED_CONFIG_ARCHIVE_MAP, "biggan-deep-512", server.url)
    monkeypatch.setitem(package.PRETRAINED_MODEL_ARCHIVE_MAP, "biggan-deep-512", server.url)
    found = locate("biggan-deep-512", cache_dir=tmp_path)
    assert found.weights == tmp_path / "biggan-deep-512" / "pytorch_model.bin"
    assert found.config is not None
    assert found.weights.read_bytes() == found.config.read_bytes() == CONTENT


@pytest.mark.parametrize("content", [[], ["config.json"], ["model.safetensors"], ["config.json", "weights.pt"]])
def test_a_folder_without_weights_says_what_is_expected(tmp_path: Path, content: list[str]) -> None:
    for name in content:
        (tmp_path / name).touch()
    with pytest.raises(WeightsError, match=r"expected config.json and model.safetensors or pytorch_model.bin in the folder"):
        locate(tmp_path)


@pytest.mark.parametrize("weights", ["biggan-deep-1024", "./no/such/folder", "", "a/b/c"])
def test_a_name_that_means_nothing_lists_what_does(weights: str) -> None:
    with pytest.raises(WeightsError, match=r"expected one of biggan-deep-128, .* a folder, or a repository id"):
        locate(weights)


@pytest.mark.parametrize("name", ["biggan-256.pth", "G_ema.safetensors"])
def test_a_file_is_taken_by_itself(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert locate(tmp_path / name) == files.Files(None, tmp_path / name, str(tmp_path / name))


@pytest.mark.parametrize("weights", ["biggan-256.pth", "weights/biggan-256.pth"])
def test_a_file_that_is_not_there_is_no_repository(weights: str) -> None:
    with pytest.raises(WeightsError, match=rf"no such file: '{weights}'"):
        locate(weights)


def repository(cache: Path, *names: str) -> Path:
    """A repository in the hub's cache, as the hub's client lays it out."""
    folder = cache / "models--someone--biggan"
    commit = folder / "snapshots" / ("a" * 40)
    commit.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("a" * 40)
    for name in names:
        (commit / name).write_text(name)
    return commit


@pytest.mark.parametrize("revision", [None, "main", "a" * 40])
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_repository_in_the_cache_is_used_without_asking_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, revision: str | None
) -> None:
    asked = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *where, **_: asked.append(where))
    commit = repository(tmp_path, "config.json", name)
    found = locate("someone/biggan", cache_dir=tmp_path, revision=revision)
    assert (found.config, found.weights) == (commit / "config.json", commit / name)
    assert not asked


def test_a_repository_that_is_not_cached_says_so_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="'someone/biggan' is not in the cache, and the hub cannot be reached"):
        locate("someone/biggan", cache_dir=tmp_path)
