"""Writing whole files, and the cache folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch

from fusedream_sdk.errors import OutputError
from fusedream_sdk.runtime.files import atomic_folder, atomic_path, cache_folder, check_writable, read_bundle, save_bundle


def write(path: Path, content: str, *, overwrite: bool = True) -> None:
    with atomic_path(path, overwrite=overwrite) as temporary:
        temporary.write_text(content)


def test_a_finished_block_replaces_the_file_and_leaves_nothing_else(tmp_path: Path):
    for content in ("one", "two"):
        write(tmp_path / "a.txt", content)
    assert (tmp_path / "a.txt").read_text() == "two"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_file_has_the_permissions_that_the_user_asks_for(tmp_path: Path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_an_error_in_the_block_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    write(tmp_path / "a.txt", "old")
    with pytest.raises(TypeError):
        write(tmp_path / "a.txt", 3)  # pyright: ignore[reportArgumentType]
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_longest_name_that_the_file_system_takes_can_be_written(tmp_path: Path):
    write(tmp_path / ("n" * 251 + ".txt"), "x")
    assert len(os.listdir(tmp_path)) == 1


def test_places_that_cannot_be_written_are_told_with_a_fix(tmp_path: Path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(OutputError, match=r"out: expected a file to write, got the folder .* Add a file name"):
        check_writable(tmp_path)
    with pytest.raises(OutputError, match=r"out: expected an existing folder, got .*none. Make it first: mkdir -p"):
        check_writable(tmp_path / "none" / "a.txt")
    with pytest.raises(OutputError, match=r"out: expected a file name of at most 255 bytes, got n+\.\.\. Shorten it"):
        check_writable(tmp_path / ("n" * 252 + ".png"))
    with pytest.raises(OutputError, match=r"out: expected a new file, but .*a.txt exists. Choose another name"):
        write(tmp_path / "a.txt", "new", overwrite=False)
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_folder_without_write_permission_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere, so pretend
    with pytest.raises(OutputError, match="out: expected a writable folder"):
        check_writable(tmp_path / "a.txt")


def test_the_cache_lies_where_the_variable_says_and_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FUSEDREAM_CACHE", str(tmp_path / "new" / "cache"))
    assert cache_folder("banks") == tmp_path / "new" / "cache" / "banks"
    assert (tmp_path / "new" / "cache" / "banks").is_dir()


def test_without_the_variable_the_cache_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("FUSEDREAM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path in cache_folder("banks").parents


def test_a_cache_that_cannot_be_made_is_told_with_the_variable_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FUSEDREAM_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"cache: expected a writable folder.*FUSEDREAM_CACHE"):
        cache_folder("banks")


def test_a_folder_appears_whole(tmp_path: Path):
    with atomic_folder(tmp_path / "new") as temporary:
        (temporary / "a.txt").write_text("x")
        assert not (tmp_path / "new").exists()
    assert (tmp_path / "new" / "a.txt").read_text() == "x"
    assert (tmp_path / "new").stat().st_mode & 0o500 == 0o500
    assert os.listdir(tmp_path) == ["new"]


def test_an_error_in_the_block_leaves_no_folder(tmp_path: Path):
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "new") as temporary:
        (temporary / "a.txt").write_text(str(1 / 0))
    assert os.listdir(tmp_path) == []


def test_a_folder_that_somebody_made_meanwhile_is_kept(tmp_path: Path):
    with pytest.raises(OutputError, match="expected a new folder"), atomic_folder(tmp_path / "new"):
        write(tmp_path / "new", "theirs")
    assert (tmp_path / "new").read_text() == "theirs"
    assert os.listdir(tmp_path) == ["new"]


def test_no_folder_is_begun_where_something_lies(tmp_path: Path):
    (tmp_path / "old").mkdir()
    with pytest.raises(OutputError, match="old exists"), atomic_folder(tmp_path / "old"):
        pass
    assert os.listdir(tmp_path) == ["old"]


def test_tensors_and_what_is_said_of_them_are_read_back(tmp_path: Path):
    tensors = {"a.b": torch.rand(2, 3).T, "n": torch.tensor([1, 2])}  # one that does not lie in order
    about = {"words": ["ein grüner Hund 🐶"], "seed": 2**63 - 1, "none": None}
    save_bundle(tmp_path / "x", {**tensors, "a.b": tensors["a.b"].clone().requires_grad_()}, about)
    said, found = read_bundle(tmp_path / "x")
    assert said == about
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], x) and found[name].dtype == x.dtype for name, x in tensors.items())
    assert os.listdir(tmp_path) == ["x"]


def test_what_cannot_be_said_in_json_writes_nothing(tmp_path: Path):
    with pytest.raises(TypeError):
        save_bundle(tmp_path / "x", {}, {"path": tmp_path})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("named", [True, False])
def test_a_disk_that_turns_out_full_is_told_with_the_path_that_was_asked_for(tmp_path: Path, named: bool):
    path = tmp_path / "a.png"
    told = r"^out: .*/a.png could not be written \(No space left on device\). Make room"
    with pytest.raises(OutputError, match=told), atomic_path(path) as temporary:
        raise OSError(errno.ENOSPC, "No space left on device", *([str(temporary)] if named else []))
    assert os.listdir(tmp_path) == []
