"""Folders that fill picture by picture, and are gone on with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.inversion.result import Inversion
from fusedream_sdk.optim.state import State
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.folder import MANIFEST, Folder
from fusedream_sdk.run.result import Result
from fusedream_sdk.scenes.result import CANDIDATES
from fusedream_sdk.testing import ToyGenerator, random_latents
from tests.run.toys import ROWS, content, draw, fault_at, interrupt_at
from tests.scenes.toys import SquareDistance, composer

MakeDream = Callable[..., FuseDream]


def test_every_picture_is_there_as_soon_as_it_is_done(make_dream: MakeDream, tmp_path: Path):
    seen: list[list[str]] = []

    def watch(state: State, rows: Any) -> None:
        if state.step == 0:
            seen.append(sorted(path.name for path in (tmp_path / "out").glob("*.png")))

    draw(make_dream(), tmp_path / "out", watch=watch)
    assert seen == [[f"{row}.png" for row in ROWS[:done]] for done in range(4)]


@pytest.mark.parametrize("row", [0, 1, 3])
def test_a_run_that_broke_goes_on_to_the_very_same_bytes(make_dream: MakeDream, tmp_path: Path, row: int, undisturbed: dict):
    with pytest.raises(ZeroDivisionError):
        draw(make_dream(), tmp_path / "out", watch=fault_at(row))
    assert len(list((tmp_path / "out").glob("*.png"))) == row
    drawn: list[int] = []
    again = Folder(tmp_path / "out", resume=True)
    result = draw(make_dream(), again, watch=lambda state, rows: drawn.extend(rows))
    assert set(drawn) == set(range(row, 4))
    assert content(tmp_path / "out") == undisturbed
    assert len(result) == len(again.pictures) == 4


def test_after_ctrl_c_the_row_in_its_midst_is_kept_but_drawn_again(make_dream: MakeDream, tmp_path: Path, undisturbed: dict):
    stopped = draw(make_dream(), tmp_path / "out", watch=interrupt_at(1))
    assert stopped.status == ("done", "cancelled")
    assert len(Result.load(tmp_path / "out")) == 2
    assert json.loads((tmp_path / "out" / MANIFEST).read_text())["done"] is False
    whole = draw(make_dream(), Folder(tmp_path / "out", resume=True))
    assert whole.status == ("done",) * 4
    assert content(tmp_path / "out") == undisturbed


def test_a_finished_folder_is_not_drawn_again(make_dream: MakeDream, tmp_path: Path, undisturbed: dict):
    drawn: list[int] = []
    whole = draw(make_dream(), Folder(tmp_path / "whole", resume=True), watch=lambda state, rows: drawn.extend(rows))
    assert (len(whole), drawn) == (4, [])
    assert content(tmp_path / "whole") == undisturbed


def test_a_composition_goes_on_to_the_very_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ask: dict[str, Any] = {"prompts": ["red", "blue"], "places": ["left", "top"], "seeds": [0, 1], "progress": False}
    whole = composer().compose(**ask, into=tmp_path / "whole")
    states = 0

    compare = SquareDistance.__call__

    def interrupting(self: SquareDistance, a: Any, b: Any) -> Any:
        nonlocal states
        states += 1
        if states == 30:
            raise KeyboardInterrupt
        return compare(self, a, b)

    with monkeypatch.context() as patch:
        patch.setattr(SquareDistance, "__call__", interrupting)
        stopped = composer().compose(**ask, into=tmp_path / "out")
    assert 0 < len(stopped) < 4
    again = composer().compose(**ask, into=Folder(tmp_path / "out", resume=True))
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert CANDIDATES in content(tmp_path / "out")
    for _ in range(2):
        assert (again.groups, again.winner, again.placements) == (whole.groups, whole.winner, whole.placements)
        again = composer().compose(**ask, into=Folder(tmp_path / "out", resume=True))  # nothing is left to do
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_an_inversion_goes_on_to_the_very_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    toy = ToyGenerator(16)
    pictures = list(toy(random_latents(toy, 3, 4)))
    ask: dict[str, Any] = {"steps": 3, "trial": 2, "starts": 2, "progress": False}
    composer().invert(pictures, into=tmp_path / "whole", **ask)
    add = Folder.add

    def broken(self: Folder, row: int, part: Inversion) -> None:
        if row == 1:
            raise ZeroDivisionError
        add(self, row, part)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "add", broken)
        with pytest.raises(ZeroDivisionError):
            composer().invert(pictures, into=tmp_path / "out", **ask)
    assert [path.name for path in (tmp_path / "out").glob("*.png")] == ["00.png"]
    found = composer().invert(pictures, into=Folder(tmp_path / "out", resume=True), **ask)
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert found.status == (Status.DONE,) * 3
