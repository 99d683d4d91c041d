"""Folders that fill picture by picture."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.imaging import pictures as imaging
from fusedream_sdk.optim.state import State
from fusedream_sdk.run import folder as folders
from fusedream_sdk.run.folder import MANIFEST, PARTS, Folder, other
from fusedream_sdk.run.result import Result
from fusedream_sdk.testing import ToyGenerator
from tests.run.toys import PROMPTS, ROWS, SEEDS, content, draw, interrupt_at
from tests.scenes.toys import composer

MakeDream = Callable[..., FuseDream]


def test_a_finished_folder_has_what_save_writes_and_a_manifest(make_dream: MakeDream, tmp_path: Path, undisturbed: dict):
    saved = make_dream().generate(PROMPTS, seeds=SEEDS, progress=False)
    saved.save(tmp_path / "saved")
    assert undisturbed.keys() == content(tmp_path / "saved").keys() | {MANIFEST}
    assert {name: undisturbed[name] for name in content(tmp_path / "saved")} == content(tmp_path / "saved")
    manifest = json.loads(undisturbed[MANIFEST])
    assert manifest["done"] is True
    assert manifest["pictures"] == [f"{row}.png" for row in ROWS]
    assert (manifest["asked"]["prompts"], manifest["asked"]["seeds"]) == (["red", "red", "blue", "blue"], [0, 1, 0, 1])


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-40])])
@pytest.mark.parametrize("part", [True, False])
def test_what_is_not_whole_is_made_again(
    make_dream: MakeDream, tmp_path: Path, undisturbed: dict, damage: Callable[[Path], object], part: bool
):
    draw(make_dream(), tmp_path / "out", watch=interrupt_at(3))
    name = f"{PARTS}/{ROWS[1]}.safetensors" if part else f"{ROWS[1]}.png"
    damage(tmp_path / "out" / name)
    draw(make_dream(), Folder(tmp_path / "out", resume=True))
    assert content(tmp_path / "out") == undisturbed


@pytest.mark.parametrize(
    ("changes", "got"),
    [({"steps": 7}, "7 for recipe.settings.steps, which was 6"), ({"method": "clip-adam"}, "recipe.settings")],
)
def test_another_request_is_not_gone_on_with(make_dream: MakeDream, tmp_path: Path, changes: dict, got: str):
    draw(make_dream(), tmp_path / "out", watch=interrupt_at(1))
    before = content(tmp_path / "out")
    with pytest.raises(InvalidInput, match=f"resume: expected what .* was begun with, got .*{got}"):
        draw(make_dream(), Folder(tmp_path / "out", resume=True), **changes)
    assert content(tmp_path / "out") == before


def test_without_resume_or_overwrite_a_begun_folder_is_left_alone(make_dream: MakeDream, tmp_path: Path, undisturbed: dict):
    draw(make_dream(), tmp_path / "out", watch=interrupt_at(1))
    with pytest.raises(OutputError, match="exists"):
        draw(make_dream(), tmp_path / "out")
    draw(make_dream(), Folder(tmp_path / "out", overwrite=True))
    assert content(tmp_path / "out") == undisturbed


def test_a_single_picture_has_no_manifest_and_nothing_to_go_on_from(make_dream: MakeDream, tmp_path: Path):
    make_dream().generate("red", into=tmp_path / "red.png", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["red.png"]
    with pytest.raises(InvalidInput, match=r"resume: expected a folder, got the file .*red2.png"):
        make_dream().generate("red", into=Folder(tmp_path / "red2.png", resume=True), progress=False)


@pytest.mark.parametrize("where", ["part", "picture", "tensors"])
def test_a_ctrl_c_while_saving_waits_until_it_is_saved(
    make_dream: MakeDream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict, where: str
):
    interrupted: list[bool] = []

    def once(write: Callable[..., Any]) -> Callable[..., Any]:
        def writing(*args: Any, **options: Any) -> Any:
            if not interrupted:
                interrupted.append(True)
                raise KeyboardInterrupt
            return write(*args, **options)

        return writing

    if where == "part":
        monkeypatch.setattr(Result, "save_part", once(Result.save_part))
    elif where == "picture":
        monkeypatch.setattr(folders, "save_png", once(folders.save_png))
    else:
        monkeypatch.setattr(Folder, "_finish", once(Folder._finish))
    folder = Folder(tmp_path / "out")
    if where == "tensors":
        with pytest.raises(KeyboardInterrupt):
            draw(make_dream(), folder)
        assert len(folder.pictures) == 4
    else:
        assert len(draw(make_dream(), folder)) == len(folder.pictures) == 1
    draw(make_dream(), Folder(tmp_path / "out", resume=True))
    assert content(tmp_path / "out") == undisturbed


def test_a_full_disk_is_told_and_the_picture_kept_elsewhere(
    make_dream: MakeDream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path
):
    write = imaging.atomic_path

    def full(path: Path, **options: Any) -> Any:
        if Path(path).name == f"{ROWS[1]}.png" and own_cache not in Path(path).parents:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, **options)

    monkeypatch.setattr(imaging, "atomic_path", full)
    with pytest.raises(OutputError) as told:
        draw(make_dream(), tmp_path / "out")
    message = str(told.value)
    assert f"{ROWS[1]}.png could not be written (No space left on device)" in message
    assert "1 of 4 pictures are saved. Make room, and go on with --resume." in message
    (kept,) = (own_cache / "rescued").iterdir()
    assert str(kept) in message
    assert Result.load(kept).prompts == ("red",)


def test_the_first_difference_of_two_requests_is_named_by_its_path():
    assert other({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "c": 4}) == "3 for a.b, which was 1"
    assert other({"a": 1}, {"a": 1, "b": [1]}) == "[1] for b, which was None"


def test_a_folder_that_goes_away_in_the_midst_is_told_and_the_picture_kept_elsewhere(
    make_dream: MakeDream, tmp_path: Path, own_cache: Path
):
    def watch(state: State, rows: Any) -> None:
        if (rows[0], state.step) == (1, 3):
            shutil.rmtree(tmp_path / "out")

    with pytest.raises(OutputError, match=r"01-red-seed1.png could not be written .* It is kept in .*rescued") as told:
        draw(make_dream(), tmp_path / "out", watch=watch)
    (kept,) = (own_cache / "rescued").iterdir()
    assert str(kept) in str(told.value)
    assert Result.load(kept).seeds == (1,)


def test_a_place_that_cannot_be_written_is_told_before_anything_is_drawn(tmp_path: Path):
    class Untouched(ToyGenerator):
        def __call__(self, latents: Any) -> Any:
            raise AssertionError("drew a picture")

    dream, place = composer(Untouched(16)), tmp_path / "missing" / "out"
    for ask in (
        lambda: dream.generate("red", seeds=[0, 1], into=place, progress=False),
        lambda: dream.compose("red", into=place, progress=False),
        lambda: dream.invert([torch.zeros(3, 16, 16)] * 2, into=place, progress=False),
    ):
        with pytest.raises(OutputError, match=r"out: expected an existing folder, got .*missing"):
            ask()
