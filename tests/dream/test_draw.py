"""The rows of a task, drawn by a method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from fusedream_sdk.dream.draw import Watch, draw
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.latents import map_latents
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.recipe import Recipe, Verb
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.rows import each_with_each
from fusedream_sdk.run.task import Task, direct, searched
from tests.dream.test_fusedream import MakeDream, same_rows

RECIPE = Recipe(Verb.GENERATE, version="of a test")
PROMPTS = ["red", "blue"]


def task_of(dream: FuseDream, **changes: Any) -> Task:
    return Task(dream.engine, dream.engine.rows(each_with_each(PROMPTS, [3, 4])), dream.settings.replace(**changes))


def drawn(dream: FuseDream, method: Method | None = None, watch: Watch | None = None, **changes: Any) -> Result:
    method, task = method or Method(), task_of(dream, **changes)
    return draw(task, method, method.starts(task), RECIPE, watch)


def test_every_row_of_the_task_is_drawn_and_carries_the_recipe(dream: FuseDream):
    result = drawn(dream)
    assert (result.prompts, result.seeds) == (("red", "red", "blue", "blue"), (3, 4, 3, 4))
    assert result.recipe == RECIPE
    assert result.status == ("done",) * 4
    assert set(result.scores) == {"augclip", "clip"}


def test_rows_begin_where_they_are_told(dream: FuseDream):
    task = task_of(dream, steps=1, lr=1e-9, basis=1)
    starts = searched(task)
    result = draw(task, Method(parametrise=direct), map_latents(lambda x: x.flip(0), starts), RECIPE)
    torch.testing.assert_close(result.latents["z"], starts["z"][:, 0].flip(0))


def test_the_watcher_is_told_the_rows_of_every_state(make_dream: MakeDream):
    seen: list[tuple[int, Sequence[int], int]] = []

    def watch(state: State, rows: Sequence[int]) -> None:
        seen.append((state.step, rows, len(state.status)))

    same_rows(drawn(make_dream(memory_gb=1e-9), watch=watch, steps=2), drawn(make_dream(memory_gb=4), steps=2))
    assert seen == [(step, range(row, row + 1), 1) for row in range(4) for step in range(3)]


@pytest.mark.usefixtures("together")
def test_a_population_counts_with_all_its_members(make_dream: MakeDream, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fusedream_sdk.run.task.rows_that_fit", lambda build, two, budget: 8)
    for population, widths in ((4, {2}), (2, {4}), (16, {1})):
        seen: set[int] = set()
        method = load_method("random-search", population=population)
        drawn(make_dream(), method, lambda state, rows, seen=seen: seen.add(len(rows)), basis=1, steps=1)
        assert seen == widths


def interrupt_at(step: int, row: int) -> Watch:
    def watch(state: State, rows: Sequence[int]) -> None:
        if (state.step, rows[0]) == (step, row):
            raise KeyboardInterrupt

    return watch


def test_ctrl_c_leaves_out_the_rows_that_had_not_begun(make_dream: MakeDream):
    result = drawn(make_dream(memory_gb=1e-9), watch=interrupt_at(1, 2))
    assert result.status == ("done", "done", "cancelled")
    assert result.seeds == (3, 4, 3)
    assert result.history["augclip"].shape == (7, 3)


def test_ctrl_c_before_anything_is_drawn_is_passed_on(dream: FuseDream):
    def interrupted(task: Task) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drawn(dream, Method(objective=interrupted))


@pytest.mark.usefixtures("together")
def test_bars_say_what_is_done_and_how_many_rows_there_are(make_dream: MakeDream, monkeypatch: pytest.MonkeyPatch):
    shown: list[tuple[str, bool]] = []

    class Bar:
        def __init__(self, label: str, wanted: bool) -> None:
            shown.append((label, wanted))

        def __enter__(self) -> Callable[..., None]:
            return lambda done, total, about=None: None

        def __exit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr("fusedream_sdk.dream.draw.bar", Bar)
    drawn(make_dream(memory_gb=4))
    assert shown == [("dreaming", False), ("scoring", False)]
    shown.clear()
    dream = make_dream(memory_gb=1e-9)
    task = replace(task_of(dream), progress=True)
    draw(task, Method(), searched(task), RECIPE)
    assert [label for label, _ in shown] == [label for n in range(1, 5) for label in (f"dreaming {n} of 4", "scoring")]
    assert all(wanted for _, wanted in shown)
