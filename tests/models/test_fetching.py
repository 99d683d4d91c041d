"""Weights ahead, from servers of our own on 127.0.0.1: real files, and the hub's own client."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants, try_to_load_from_cache

from fusedream_sdk.errors import OutputError, WeightsError
from fusedream_sdk.models.fetching import Fetched, fetch_part
from fusedream_sdk.models.sources import HubFiles, WebFile
from fusedream_sdk.runtime import room
from tests.models.hub import COMMIT, Hub, asked_by_the_client

CONTENT = bytes(range(256)) * 4000
SHA = hashlib.sha256(CONTENT).hexdigest()
FILES = {
    "owner/model": {"config.json": b"{}", "model.safetensors": CONTENT, "pytorch_model.bin": b"old", "README.md": b"about"}
}
PART = HubFiles("owner/model", (("model.safetensors",), ("pytorch_model.bin",)), ("config.json", "vocab*"))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with asked_by_the_client(FILES, tmp_path / "hub", monkeypatch) as server:
        yield server


def fetch(part: WebFile | HubFiles, to: Path | None = None, sha256: str = "") -> tuple[list[Fetched], list[str]]:
    said: list[str] = []
    return list(fetch_part(part, to, said.append, sha256=sha256)), said


def web(hub: Hub, folder: Path, sha256: str = SHA) -> WebFile:
    url = f"{hub.endpoint}/owner/model/resolve/main/model.safetensors"
    return WebFile(url, folder / "cache" / "weights.bin", "MIT, by nobody", sha256)


def test_files_of_a_repository_come_into_the_cache_where_its_client_finds_them(hub: Hub):
    files, said = fetch(PART)
    assert said == [f"fetching 2 files of owner/model, 1.02 MB, at {COMMIT}. Licence: mit"]
    assert [(one.path.name, one.size, one.checked, one.licence) for one in files] == [
        ("model.safetensors", len(CONTENT), "the hub", "mit"),
        ("config.json", 2, "the hub", "mit"),
    ]
    assert files[0].sha256 == SHA
    found = try_to_load_from_cache("owner/model", "model.safetensors", cache_dir=constants.HF_HUB_CACHE)
    assert Path(str(found)) == files[0].path
    asked = len(hub.asked)
    fetch(PART)
    assert len(hub.asked) == asked


def test_a_connection_that_breaks_goes_on_in_the_next_call(hub: Hub, tmp_path: Path):
    for to in (None, tmp_path / "out"):
        hub.breaks = 1
        with pytest.raises(WeightsError, match=r"cannot fetch .*ended after 512000 of 1024000 bytes.*Try again to go on"):
            fetch(PART, to)
        assert not list(tmp_path.rglob("model.safetensors" if to is None else "out/model.safetensors"))
        files, _ = fetch(PART, to)
        assert files[0].path.read_bytes() == CONTENT
        assert ("model.safetensors", "bytes=512000-") in hub.asked
        hub.asked.clear()
    assert not list(tmp_path.rglob("*.partial"))


def test_a_file_that_is_not_what_the_hub_says_does_not_stay(hub: Hub, tmp_path: Path):
    hub.wrong.add("model.safetensors")
    for to in (None, tmp_path / "out"):
        with pytest.raises(WeightsError, match=r"model\.safetensors of owner/model is not what the hub says"):
            fetch(PART, to)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size >= len(CONTENT)]
    assert not list(tmp_path.rglob("model.safetensors"))


def test_files_are_gathered_in_a_folder_and_nothing_else_is(hub: Hub, tmp_path: Path):
    files, _ = fetch(PART, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_file()) == ["config.json", "model.safetensors"]
    assert [one.path.parent for one in files] == [tmp_path / "out"] * 2
    assert len(fetch(PART, tmp_path / "out")[0]) == 2  # what is there and right is taken
    (tmp_path / "out" / "config.json").write_text("mine")
    with pytest.raises(OutputError, match=r"config\.json is there and is not the file that is meant"):
        fetch(PART, tmp_path / "out")
    assert (tmp_path / "out" / "config.json").read_text() == "mine"


def test_what_is_not_there_is_one_sentence(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(WeightsError, match="nobody/nothing cannot be fetched: there is no such repository"):
        fetch(HubFiles("nobody/nothing", (("a",),)))
    with pytest.raises(WeightsError, match=r"expected other\.bin in the repository 'owner/model'; it holds README\.md"):
        fetch(HubFiles("owner/model", (("other.bin",),)))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE is set"):
        fetch(PART)


def test_a_disk_without_room_is_told_before_anything_is_written(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "free_disk", lambda folder: 1000)
    for part, to in ((PART, None), (PART, tmp_path / "out"), (web(hub, tmp_path), None)):
        with pytest.raises(OutputError, match="expected room for about"):
            fetch(part, to)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size > 1000]


def test_a_file_of_an_address_is_checked_and_goes_on_where_it_broke_off(hub: Hub, tmp_path: Path):
    part = web(hub, tmp_path, SHA[:8])
    hub.breaks = 1
    with pytest.raises(WeightsError, match="Try again to go on where it stopped"):
        fetch(part)
    assert not part.target.exists()
    (one,), said = fetch(part)
    assert hub.asked[-1] == ("model.safetensors", f"bytes={len(CONTENT) // 2}-")
    assert (one.path, one.size, one.sha256, one.checked) == (part.target, len(CONTENT), SHA, "the plugin")
    assert said == [f"fetching weights.bin from {part.url}. Licence: MIT, by nobody"]
    assert fetch(part)[1] == []


def test_an_address_that_holds_another_file_leaves_nothing(hub: Hub, tmp_path: Path):
    with pytest.raises(WeightsError, match=r"sha256: expected 0{64}, but weights\.bin of http.* has " + SHA):
        fetch(web(hub, tmp_path, ""), sha256="0" * 64)
    assert not list(tmp_path.rglob("weights.bin*"))
    (one,), _ = fetch(web(hub, tmp_path, ""), tmp_path / "to")
    assert (one.path, one.checked, one.sha256) == (tmp_path / "to" / "weights.bin", "", SHA)
    assert fetch(web(hub, tmp_path, ""), tmp_path / "to", SHA)[0][0].checked == "you"
    with pytest.raises(OutputError, match="is there and is not the file that is meant"):
        fetch(web(hub, tmp_path, ""), tmp_path / "to", "0" * 64)
