"""Dropping candidates on the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents, LatentSpec
from fusedream_sdk.optim.halving import Race, stages
from fusedream_sdk.optim.loop import Selection, iterate
from fusedream_sdk.optim.optimisers import adam
from fusedream_sdk.optim.parametrise import Direct
from fusedream_sdk.optim.state import State
from fusedream_sdk.protocols import Evaluation

GOALS = torch.tensor([3.0, 1.0, 2.0, 4.0, 9.0, 5.0])
SPACE = {"x": LatentSpec((2,))}


class Bowls:
    """Row i's distance to goal i."""

    def __init__(self, rows: list[int]) -> None:
        self.goals = GOALS[rows]

    def __call__(self, latents: Latents, *, step: int) -> Evaluation:
        loss = (latents["x"] - self.goals[:, None]).square().sum(dim=1)
        return Evaluation(latents, torch.zeros(len(loss), 3, 1, 1), {"bowl": loss})


def run(rows: list[int], until: int, state: State | None) -> Iterator[State]:
    direct = Direct(SPACE, {"x": torch.zeros(len(rows), 2)})
    options = {"selection": Selection(every=2), "make_optimiser": adam(0.1)}
    return iterate(Bowls(rows), direct, direct.params, steps=until, resume=state, **options)  # pyright: ignore[reportArgumentType]


def race(groups: list[list[int]], factor: int | None, *, steps: int = 12, chunk: int = 1) -> Race:
    made = Race(groups, run, chunk)
    made.go(stages(len(groups[0]), steps, factor, 2))
    return made


@given(st.integers(1, 60), st.integers(1, 400), st.one_of(st.none(), st.integers(2, 9)), st.integers(1, 20))
def test_stages_end_on_judged_steps_keep_fewer_and_fewer_and_finish(n: int, steps: int, factor: int | None, every: int):
    plan = stages(n, steps, factor, every)
    ends, kept = [end for end, _ in plan], [count for _, count in plan]
    assert ends == sorted(set(ends))
    assert ends[-1] == steps
    assert all(end > 0 and end % every == 0 for end in ends[:-1])
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] == (n if factor is None else 1)
    assert factor is not None or plan == [(steps, n)]


def test_every_stage_costs_about_the_same():
    assert stages(9, 90, 3) == [(7, 3), (28, 1), (90, 1)]
    assert stages(8, 100, 2, 10) == [(10, 4), (20, 2), (50, 1), (100, 1)]


@pytest.mark.parametrize("factor", [1, 0, -2, 1.5, True, "2"])
def test_another_factor_is_refused(factor: object):
    with pytest.raises(InvalidInput, match="halving: expected an integer of at least 2, or None, got"):
        stages(9, 90, factor)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("chunk", [1, 2, 6])
def test_the_best_of_each_group_goes_on_and_the_others_are_dropped(chunk: int):
    rows, outcome = race([[0, 1, 2], [3, 4, 5]], 3, chunk=chunk).outcome()
    assert rows == list(range(6))
    assert outcome.status == ("dropped", "done", "dropped", "done", "dropped", "dropped")


def test_a_survivor_has_exactly_the_run_of_the_brute_force():
    (_, whole), (_, halved) = race([[0, 1, 2]], None).outcome(), race([[0, 1, 2]], 2).outcome()
    assert torch.equal(whole.best.latents["x"][1], halved.best.latents["x"][1])
    assert torch.equal(whole.history["bowl"][:, 1], halved.history["bowl"][:, 1])
    assert whole.best.step[1] == halved.best.step[1]


def test_the_history_of_a_dropped_row_ends_where_it_was_dropped():
    _, outcome = race([[0, 1, 2]], 3).outcome()
    assert torch.isfinite(outcome.history["bowl"]).sum(dim=0).tolist() == [5, 13, 5]


def test_every_evaluation_is_watched_once():
    seen: list[tuple[int, int]] = []
    made = Race([[0, 1, 2]], run, 1, watch=lambda rows, state: seen.append((rows[0], state.step)))
    made.go(stages(3, 12, 3, 2))
    assert len(seen) == len(set(seen)) == 5 + 13 + 5


def test_ctrl_c_keeps_what_is_ready_and_what_has_begun():
    def stop(rows: list[int], state: State) -> None:
        if rows == [1] and state.step == 3:
            raise KeyboardInterrupt

    made = Race([[0, 1, 2]], run, 1, watch=stop)
    made.go(stages(3, 12, None, 2))
    rows, outcome = made.outcome()
    assert rows == [0, 1]
    assert outcome.status == ("done", "cancelled")
    assert torch.isfinite(outcome.history["bowl"]).sum(dim=0).tolist() == [13, 4]


def test_ctrl_c_before_any_evaluation_is_passed_on():
    def never(rows: list[int], until: int, state: State | None) -> Iterator[State]:
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        Race([[0]], never, 1).go([(3, 1)])
