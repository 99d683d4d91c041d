"""Pictures on the disk."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.imaging.pictures import read_recipe
from fusedream_sdk.run.saving import OTHER_FORMATS, Writer, plan_files, save, slug, stems_of


def write_notes(path: Path) -> None:
    path.write_text("notes")


@dataclass
class Sheets:
    """Plain pictures of one grey each, and a file of notes beside them."""

    greys: tuple[int, ...] = (10, 20)
    names: Sequence[str] = ()

    @property
    def pil(self) -> list[Image.Image]:
        return [Image.new("RGB", (3, 2), (grey,) * 3) for grey in self.greys]

    def row_json(self, row: int) -> Mapping[str, Any]:
        return {"grey": self.greys[row]}

    def stems(self) -> list[str]:
        return list(self.names) or [f"grey-{grey}" for grey in self.greys]

    def beside(self) -> Mapping[str, Writer]:
        return {"notes.txt": write_notes}


def put(path: str | Path, *greys: int, overwrite: bool = False) -> list[Path]:
    return save(Sheets(greys or (10, 20)), path, overwrite=overwrite)


def test_a_folder_takes_a_picture_with_its_recipe_for_each_row_and_what_is_beside(tmp_path: Path):
    assert put(tmp_path / "out") == [tmp_path / "out" / "grey-10.png", tmp_path / "out" / "grey-20.png"]
    assert sorted(os.listdir(tmp_path / "out")) == ["grey-10.png", "grey-20.png", "notes.txt"]
    for grey in (10, 20):
        assert read_recipe(tmp_path / "out" / f"grey-{grey}.png") == {"grey": grey}
        assert Image.open(tmp_path / "out" / f"grey-{grey}.png").getpixel((0, 0)) == (grey,) * 3


@pytest.mark.parametrize("name", ["a.png", "A.PNG", "with space.png"])
def test_a_single_row_is_a_file_with_nothing_beside_it(tmp_path: Path, name: str):
    assert put(str(tmp_path / name), 7) == [tmp_path / name]
    assert os.listdir(tmp_path) == [name]
    assert read_recipe(tmp_path / name) == {"grey": 7}


def test_a_single_row_may_go_into_a_folder_too(tmp_path: Path):
    assert put(tmp_path, 7) == [tmp_path / "grey-7.png"]
    assert sorted(os.listdir(tmp_path)) == ["grey-7.png", "notes.txt"]


@pytest.mark.parametrize("taken", ["grey-20.png", "notes.txt"])
def test_nothing_is_written_when_one_target_exists_unless_overwriting_is_allowed(tmp_path: Path, taken: str):
    (tmp_path / taken).write_text("mine")
    with pytest.raises(OutputError, match=r"exists. Choose another name, or allow overwriting"):
        put(tmp_path)
    assert os.listdir(tmp_path) == [taken]
    assert (tmp_path / taken).read_text() == "mine"
    put(tmp_path, overwrite=True)
    assert (tmp_path / taken).read_bytes() != b"mine"


@pytest.mark.parametrize("suffix", sorted(OTHER_FORMATS))
def test_another_format_is_refused_rather_than_made_a_folder(tmp_path: Path, suffix: str):
    with pytest.raises(InvalidInput, match=r"out: expected a folder or a file that ends in .png \(it carries the recipe\)"):
        put(tmp_path / f"a{suffix}", 7)
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written_are_told_before_anything_is_drawn(tmp_path: Path):
    (tmp_path / "file").touch()
    cases = {
        tmp_path / "a.png": "out: expected a folder for 2 pictures, got the file .*a.png",
        tmp_path / "file": "out: expected a folder, got the file",
        tmp_path / "none" / "out": "out: expected an existing folder, got .*none. Make it first: mkdir -p",
    }
    for path, message in cases.items():
        with pytest.raises(OutputError, match=message):
            plan_files(path, ["a", "b"], ["notes.txt"], overwrite=False)
    with pytest.raises(OutputError, match="out: expected an existing folder"):
        plan_files(tmp_path / "none" / "a.png", ["a"], [], overwrite=False)


def test_a_plan_is_what_is_written_and_writes_nothing_itself(tmp_path: Path):
    assert plan_files(tmp_path / "new", ["a", "b"], [], overwrite=False) == [tmp_path / "new" / f"{n}.png" for n in "ab"]
    assert plan_files(tmp_path / "a.png", ["whatever"], [], overwrite=False) == [tmp_path / "a.png"]
    assert not list(tmp_path.iterdir())


def test_a_home_folder_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert put("~/a.png", 7) == [tmp_path / "a.png"]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("A Red Apple!", "a-red-apple"),
        ("../../etc/passwd", "etc-passwd"),
        ("?!", "picture"),
        ("über 日本", "über-日本"),
        ("x" * 500, "x" * 60),
    ],
)
def test_a_prompt_becomes_a_harmless_file_name(prompt: str, expected: str):
    assert slug(prompt) == expected


@given(st.lists(st.text(), max_size=4))
def test_every_row_has_a_name_of_its_own_that_any_file_system_takes(prompts: list[str]):
    stems = stems_of(prompts, [2**63 - 1] * len(prompts))
    assert len(set(stems)) == len(prompts)
    for stem in stems:
        assert len(f"{stem}.png".encode()) <= 255
        assert not set(stem) & set('/\\:*?"<>|\0\n')


def test_a_name_says_what_was_asked_for():
    assert stems_of(["red dog", "red dog"], [0, 5]) == ["00-red-dog-seed0", "01-red-dog-seed5"]


def test_the_longest_prompt_in_any_script_can_be_saved(tmp_path: Path):
    longest = Sheets(names=stems_of((chr(0x20000) * 300, "é" * 300), (2**63 - 1, 0)))
    assert len(save(longest, tmp_path / "out", overwrite=False)) == 2
