"""Going on from a state: as if the run had never stopped."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor

from fusedream_sdk.latents import Latents
from fusedream_sdk.optim.loop import Selection, iterate
from fusedream_sdk.optim.optimisers import adam, sgd
from fusedream_sdk.optim.parametrise import Direct
from fusedream_sdk.optim.state import State
from fusedream_sdk.protocols import Evaluation, Params
from tests.optim.toys import SPACE, START, Bowl, nan_loss, states

OPTIMISERS = {
    "adam": adam(0.1),
    "falling": adam(0.1, falls_over=9),
    "ramped": adam(0.1, ramps_over=9),
    "nesterov": sgd(0.02, momentum=0.9, nesterov=True),
    "plain": sgd(0.02),
}
FIELDS = ("loss", "step", "counted", "stale")


class Mirror(Bowl):
    """Its pictures are the latents themselves, as those of a generator of pixels may be."""

    def __call__(self, latents: Latents, *, step: int) -> Evaluation:
        return Evaluation(latents, latents["x"].view(-1, 3, 1, 1), super().__call__(latents, step=step).losses)


def begun(start: Tensor) -> tuple[Direct, Params]:
    direct = Direct(SPACE, {"x": start})
    return direct, direct.params


def resume(state: State, steps: int, objective: Bowl, **options: object) -> list[State]:
    direct = Direct(SPACE, {"x": torch.full_like(state.params["x"], 9.0)})  # not where it goes on from
    return list(iterate(objective, direct, direct.params, steps=steps, resume=state, **options))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("make", OPTIMISERS.values(), ids=OPTIMISERS)
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
    for name in FIELDS:
        assert torch.equal(getattr(rest[-1].best, name), getattr(whole[-1].best, name)[kept])
    assert torch.equal(rest[-1].best.latents["x"], whole[-1].best.latents["x"][kept])


def test_a_row_that_had_failed_stays_where_it_was():
    first = states(Bowl(1.0, nan_loss), steps=6)[-1]
    rest = resume(first, 9, Bowl(1.0))
    assert rest[-1].status == ("running", "failed", "running")
    assert torch.equal(rest[-1].params["x"][1], first.params["x"][1])


def all_of(state: State) -> dict[str, Any]:
    """Everything that a state holds, copied."""
    best = {"latents": state.best.latents["x"], **{name: getattr(state.best, name) for name in FIELDS}}
    seen = {"latents": state.evaluation.latents["x"], "images": state.evaluation.images, **state.evaluation.losses}
    whole = {"params": state.params["x"], "best": best, "seen": seen, "memory": state.memory["x"]}
    return deepcopy({**whole, "status": state.status, "step": state.step})


def assert_same(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert a.keys() == b.keys()
    for name, x in a.items():
        if isinstance(x, dict):
            assert_same(x, b[name])
        else:
            assert torch.equal(x, b[name]) if isinstance(x, Tensor) else x == b[name]


@pytest.mark.parametrize("make", OPTIMISERS.values(), ids=OPTIMISERS)
def test_a_state_that_runs_go_on_from_is_not_changed_by_them(make: Callable):
    options = {"make_optimiser": make, "selection": Selection(Bowl(0.5), every=1, patience=9)}
    first = states(Bowl(0.5), steps=9, **options)[3]
    before = all_of(first)
    assert not torch.equal(resume(first, 9, Bowl(0.5), **options)[-1].params["x"], first.params["x"])
    assert_same(all_of(first), before)


@pytest.mark.parametrize("make", OPTIMISERS.values(), ids=OPTIMISERS)
def test_two_runs_from_one_state_come_to_what_each_comes_to_alone(make: Callable):
    options = {"make_optimiser": make, "selection": Selection(Bowl(0.5), every=2)}
    running = iterate(Bowl(0.5), *begun(START), steps=9, **options)
    first = next(state for state in running if state.step == 3)
    alone = [all_of(state) for state in resume(deepcopy(first), 9, Bowl(0.5), **options)]
    far = [all_of(state) for state in resume(deepcopy(first), 9, Bowl(-1.0), **options)]
    near_again = iterate(Bowl(0.5), *begun(START), steps=9, resume=first, **options)
    far_again = iterate(Bowl(-1.0), *begun(START), steps=9, resume=first, **options)
    for at, (near, other) in enumerate(zip(near_again, far_again, strict=True)):  # step by step, side by side
        assert_same(all_of(near), alone[at])
        assert_same(all_of(other), far[at])
    for at, state in enumerate(running, start=1):  # and the run that the state is of goes on as if nothing had happened
        assert_same(all_of(state), alone[at])
    assert not torch.equal(alone[-1]["params"], far[-1]["params"])


def test_a_state_is_what_it_was_when_the_run_has_gone_on():
    direct = Direct(SPACE, {"x": START})
    seen: list[tuple[State, dict[str, Any]]] = []
    for state in iterate(Mirror(0.5), direct, direct.params, steps=5, selection=Selection(every=1)):
        seen.append((state, all_of(state)))
    for state, before in seen:
        assert_same(all_of(state), before)


def test_what_is_done_to_a_state_does_not_reach_the_run():
    whole = states(Bowl(0.5), steps=5, selection=Selection(every=1))
    direct = Direct(SPACE, {"x": START})
    for state in iterate(Mirror(0.5), direct, direct.params, steps=5, make_optimiser=adam(0.1), selection=Selection(every=1)):
        assert torch.equal(state.params["x"], whole[state.step].params["x"])
        for x in (state.params["x"], state.evaluation.images, state.evaluation.latents["x"], state.memory["x"].get("exp_avg")):
            if x is not None:
                x.zero_()


def test_going_on_does_not_change_what_an_optimiser_kept():
    first = states(Bowl(0.0), steps=3)[-1].keep([0])
    before = first.memory["x"]["exp_avg"].clone()
    resume(first, 6, Bowl(0.0), make_optimiser=adam(0.1))
    assert torch.equal(first.memory["x"]["exp_avg"], before)


@pytest.mark.parametrize("kept", [[0, 1, 2], [2, 0]])
def test_the_average_of_the_steps_goes_on_too(kept: list[int]):
    options: dict[str, Any] = {"selection": Selection(Bowl(0.5), every=2, keep="last", average=0.7)}
    whole = states(Bowl(0.5), steps=9, **options)
    rest = resume(whole[4].keep(kept), 9, Bowl(0.5), make_optimiser=adam(0.1), **options)
    for ours, theirs in zip(rest, whole[4:], strict=True):
        assert torch.equal(ours.average["x"], theirs.average["x"][kept])
        assert torch.equal(ours.best.latents["x"], theirs.best.latents["x"][kept])
    assert not torch.equal(whole[4].average["x"], whole[9].average["x"])  # the state is not changed


def test_a_run_that_keeps_its_last_point_goes_on_from_it():
    options: dict[str, Any] = {"selection": Selection(Bowl(0.5), every=2, keep="last")}
    whole = states(Bowl(0.5), steps=9, **options)
    for at in (4, 5):
        rest = resume(whole[at], 9, Bowl(0.5), make_optimiser=adam(0.1), **options)
        assert torch.equal(rest[0].best.loss, whole[at].best.loss)
        for ours, theirs in zip(rest, whole[at:], strict=True):
            assert torch.equal(ours.best.latents["x"], theirs.best.latents["x"])
            assert torch.equal(ours.best.step, theirs.best.step)
