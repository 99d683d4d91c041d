"""Going on from a state: as if the run had never stopped."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from fusedream_sdk.optim.loop import Selection, State, adam, iterate
from fusedream_sdk.optim.parametrise import Direct
from tests.optim.test_loop import SPACE, Bowl, nan_loss, states

OPTIMISERS = [
    adam(0.1),
    lambda params: torch.optim.SGD(params, lr=0.02, momentum=0.9, nesterov=True),
    lambda params: torch.optim.SGD(params, lr=0.02),
]


def resume(state: State, steps: int, objective: Bowl, **options: object) -> list[State]:
    direct = Direct(SPACE, {"x": torch.full_like(state.params["x"], 9.0)})  # not where it goes on from
    return list(iterate(objective, direct, direct.params, steps=steps, resume=state, **options))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("make", OPTIMISERS, ids=["adam", "nesterov", "plain"])
@pytest.mark.parametrize("kept", [[0, 1, 2], [2], [2, 0]])
def test_a_run_that_goes_on_takes_the_path_of_one_that_never_stopped(make: Callable, kept: list[int]):
    options = {"make_optimiser": make, "selection": Selection(Bowl(0.5), every=2)}
    whole = states(Bowl(0.5), steps=9, **options)
    first = states(Bowl(0.5), steps=4, **options)[-1].keep(kept)
    rest = resume(first, 9, Bowl(0.5), **options)
    assert [s.step for s in rest] == [4, 5, 6, 7, 8, 9]
    for ours, theirs in zip(rest, whole[4:], strict=True):
        assert torch.equal(ours.params["x"], theirs.params["x"][kept])
        assert torch.equal(ours.evaluation.primary, theirs.evaluation.primary[kept])
    for name in ("loss", "step", "counted", "stale"):
        assert torch.equal(getattr(rest[-1].best, name), getattr(whole[-1].best, name)[kept])
    assert torch.equal(rest[-1].best.latents["x"], whole[-1].best.latents["x"][kept])


def test_a_row_that_had_failed_stays_where_it_was():
    first = states(Bowl(1.0, nan_loss), steps=6)[-1]
    rest = resume(first, 9, Bowl(1.0))
    assert rest[-1].status == ("running", "failed", "running")
    assert torch.equal(rest[-1].params["x"][1], first.params["x"][1])


def test_rows_that_are_kept_are_all_of_a_state():
    state = states(Bowl(1.0, nan_loss), steps=5)[-1]
    kept = state.keep([2, 1])
    assert kept.status == ("running", "failed")
    assert torch.equal(kept.params["x"], state.params["x"][[2, 1]])
    assert torch.equal(kept.evaluation.latents["x"], state.evaluation.latents["x"][[2, 1]])
    assert torch.equal(kept.evaluation.images, state.evaluation.images[[2, 1]])
    assert torch.equal(kept.best.loss, state.best.loss[[2, 1]])
    assert torch.equal(kept.memory["x"]["exp_avg"], state.memory["x"]["exp_avg"][[2, 1]])
    assert kept.memory["x"]["step"] == state.memory["x"]["step"]


def test_going_on_does_not_change_what_an_optimiser_kept():
    first = states(Bowl(0.0), steps=3)[-1].keep([0])
    before = first.memory["x"]["exp_avg"].clone()
    resume(first, 6, Bowl(0.0), make_optimiser=adam(0.1))
    assert torch.equal(first.memory["x"]["exp_avg"], before)
