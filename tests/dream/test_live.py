"""The pictures so far in a notebook, without a notebook: what would be shown is noted instead."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from fusedream_sdk.dream import live
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.live import Live, in_notebook
from fusedream_sdk.optim.state import State

pytest.importorskip("IPython")


class Screen:
    """What a frontend shows: one output, and everything that has stood there."""

    def __init__(self) -> None:
        self.outputs, self.seen = 0, list[str]()

    def display(self, html: Any, *, display_id: bool) -> Screen:
        assert display_id
        self.outputs += 1
        self.update(html)
        return self

    def update(self, html: Any) -> None:
        self.seen.append(html.data)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    made = Screen()
    monkeypatch.setattr("IPython.display.display", made.display)
    monkeypatch.setattr(live, "in_notebook", lambda: True)
    monkeypatch.setattr(live, "PAUSE", 0.0)
    return made


def test_every_step_is_shown_in_one_place_which_is_empty_at_the_end(dream: FuseDream, screen: Screen, capsys):
    quiet = dream.generate("a <b>red</b> ball", progress=False)
    assert screen.outputs == 0
    shown = dream.generate("a <b>red</b> ball")
    assert screen.outputs == 1
    assert [re.findall(r'<progress value="(\d)" max="6">', html) for html in screen.seen[:-1]] == [[str(n)] for n in range(7)]
    assert all("data:image/png;base64," in html and "&lt;b&gt;red" in html for html in screen.seen[:-1])
    assert screen.seen[-1] == ""
    assert shown.images.equal(quiet.images)
    assert capsys.readouterr().err == ""


def test_the_score_and_the_best_on_held_out_views_stand_below_the_picture(dream: FuseDream, screen: Screen):
    seen: list[State] = []
    dream.generate("a red ball", seeds=[3], watch=lambda state, rows: seen.append(state))
    last = seen[-1]
    assert f"augclip {-float(last.evaluation.primary[0]):.3f}" in screen.seen[-2]
    assert f"best on held-out views {-float(last.best.loss[0]):.3f}" in screen.seen[-2]
    assert "a red ball (seed 3)" in screen.seen[-2]


def test_several_rows_are_counted(dream: FuseDream, screen: Screen):
    dream.generate("a red ball", seeds=[0, 1, 2], steps=1)
    assert {found for html in screen.seen for found in re.findall(r"picture \d of 3", html)} == {
        f"picture {n} of 3" for n in (1, 2, 3)
    }


def test_what_ends_a_run_clears_the_place_too(dream: FuseDream, screen: Screen):
    def fail(state: State, rows: object) -> None:
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        dream.generate("a red ball", watch=fail)
    assert screen.seen[-1] == ""


def test_candidates_of_a_composition_are_shown_too(dream: FuseDream, screen: Screen):
    dream.compose("a red ball near a blue box", places=["left", "right"], steps=1, progress=False)
    assert screen.outputs == 0
    dream.compose("a red ball near a blue box", places=["left", "right"], steps=1)
    assert screen.outputs == 1
    assert any("left at 0.5" in html for html in screen.seen)
    assert screen.seen[-1] == ""


def test_pictures_come_no_faster_than_twice_a_second_and_the_last_one_always(dream: FuseDream, monkeypatch):
    made, times = Screen(), iter([0.0, 0.1, 0.2, 0.6, 0.7, 0.8, 0.9])
    monkeypatch.setattr("IPython.display.display", made.display)
    watch = Live(["a red ball (seed 0)"], 6, clock=lambda: next(times))
    dream.generate("a red ball", progress=False, watch=watch)
    assert [re.findall(r'value="(\d)"', html) for html in made.seen] == [["0"], ["3"], ["6"]]


def test_a_kernel_is_a_notebook_and_nothing_else_is(monkeypatch: pytest.MonkeyPatch):
    assert not in_notebook()
    for shell, expected in ((SimpleNamespace(kernel=object()), True), (SimpleNamespace(), False), (None, False)):
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda shell=shell: shell))
        assert in_notebook() == expected
    monkeypatch.delitem(sys.modules, "IPython")
    assert not in_notebook()
