"""Paths as users write them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.runtime.paths import check_folder, check_writable, readable_file, user_path


def test_the_home_folder_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert user_path("out", "~/a.png") == Path("/home/me/a.png")
    assert user_path("out", Path("a/b")) == Path("a/b")


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800", "~nobody-here/a", b"a", 3, None])
def test_what_no_system_has_is_refused_by_its_argument(path: Any):
    for check in (user_path, readable_file):
        with pytest.raises(InvalidInput, match=r"^sheet: expected a path"):
            check("sheet", path)
    with pytest.raises(InvalidInput, match=r"^sheet: expected a path"):
        check_writable(path, argument="sheet")


def test_only_files_that_end_are_read(tmp_path: Path):
    (tmp_path / "a").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    os.symlink("a", tmp_path / "link")
    os.symlink("loop", tmp_path / "loop")
    assert readable_file("picture", tmp_path / "a") == tmp_path / "a"
    assert readable_file("picture", tmp_path / "link") == tmp_path / "link"
    for name, message in {
        "gone": "picture: expected an existing file, got .*gone",
        "a/b": "picture: expected an existing file, got .*a/b",
        "loop": "picture: expected an existing file, got .*loop .Too many levels",
        "pipe": "picture: expected a readable file, got the pipe or device .*pipe",
        ".": "picture: expected a readable file, got the folder",
        "n" * 300: "picture: expected an existing file, got .*File name too long",
    }.items():
        with pytest.raises(InvalidInput, match=message):
            readable_file("picture", tmp_path / name)


def test_what_is_there_is_kept_whatever_it_is(tmp_path: Path):
    os.symlink("nothing", tmp_path / "broken.png")
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("broken.png", "pipe.png"):
        with pytest.raises(OutputError, match=f"out: expected a new file, but .*{name} exists"):
            check_writable(tmp_path / name, overwrite=False)
    check_writable(tmp_path / "broken.png")
    with pytest.raises(OutputError, match="out: expected a file to write, got the pipe or device"):
        check_writable(tmp_path / "pipe.png")


def test_a_file_in_the_way_is_named_instead_of_what_would_not_help(tmp_path: Path):
    (tmp_path / "a.txt").write_text("x")
    for place in ("a.txt/x.png", "a.txt/b/c/x.png"):
        with pytest.raises(OutputError, match=r"out: expected a folder, got the file .*a\.txt\. Choose another place\."):
            check_writable(tmp_path / place)


def test_a_folder_is_tried_and_left_as_it_was(tmp_path: Path):
    check_writable(tmp_path / "a.png")
    check_folder(tmp_path)
    check_folder(tmp_path / "new")
    assert os.listdir(tmp_path) == []
    with pytest.raises(OutputError, match="progress: expected a writable folder, got /proc"):
        check_folder("/proc", "progress")
    os.symlink("nothing", tmp_path / "broken")
    with pytest.raises(OutputError, match=r"out: expected a folder, got the file .*broken"):
        check_folder(tmp_path / "broken")


@pytest.mark.parametrize("name", [".png", ".GIF", ".mp4"])
def test_a_suffix_alone_is_no_name(name: str, tmp_path: Path):
    with pytest.raises(OutputError, match=f"out: expected a file name before the suffix, got .*{name}"):
        check_writable(tmp_path / name)
