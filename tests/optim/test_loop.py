"""The loop, on problems whose answers are known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents, contains
from fusedream_sdk.optim.loop import Selection, iterate, optimise
from fusedream_sdk.optim.optimisers import adam
from fusedream_sdk.optim.parametrise import BasisMix, Direct
from fusedream_sdk.optim.state import State
from tests.optim.toys import SPACE, START, Bowl, nan_gradient, nan_loss, run, states


def test_the_start_and_every_update_are_evaluated_the_last_included():
    objective = Bowl(goal=0.0)
    seen = states(objective, steps=8)
    assert [s.step for s in seen] == list(range(9))
    assert len(objective.points) == 9
    assert torch.equal(seen[0].params["x"], START)
    assert torch.equal(objective.points[-1], seen[-1].params["x"])
    assert not torch.equal(seen[-1].params["x"], seen[-2].params["x"])


def test_a_state_keeps_the_point_that_its_loss_belongs_to():
    for state in states(Bowl(goal=0.0)):
        torch.testing.assert_close(state.evaluation.primary, state.params["x"].square().sum(dim=1))
        assert torch.equal(state.evaluation.latents["x"], state.params["x"])


@given(st.floats(-9, 9), st.floats(1e-3, 10), st.integers(0, 2**31))
@hypothesis_settings(max_examples=20)
def test_latents_stay_inside_the_box_after_every_step(goal: float, lr: float, seed: int):
    start = (2 * torch.randn(2, 3, generator=torch.Generator().manual_seed(seed))).clamp(-2, 2)
    assert all(contains(s.evaluation.latents, SPACE) for s in states(Bowl(goal), start, lr=lr))
    mix = BasisMix(SPACE, {"x": torch.stack([start, -start, start.flip(0)], dim=1)}, mix="paper")
    for state in iterate(Bowl(goal), mix, mix.params, steps=5, make_optimiser=adam(lr)):
        assert contains(state.evaluation.latents, SPACE)
        assert state.params["basis.x"].abs().max() <= 2


def test_the_bowl_is_descended_to_the_nearest_permitted_point():
    outcome = run(Bowl(goal=5.0), steps=80)
    assert outcome.status == ("done",) * 3
    torch.testing.assert_close(outcome.best.latents["x"], torch.full((3, 3), 2.0))


def test_the_start_that_was_given_is_not_changed():
    direct = Direct(SPACE, {"x": START})
    before = direct.params["x"].clone()
    list(iterate(Bowl(), direct, direct.params, steps=3))
    assert torch.equal(direct.params["x"], before)


def test_the_best_point_is_judged_on_the_holdout_not_on_the_objective():
    outcome = run(Bowl(goal=2.0), steps=60, selection=Selection(Bowl(goal=0.0), every=1))
    torch.testing.assert_close(outcome.best.loss, outcome.best.latents["x"].square().sum(dim=1))
    assert outcome.best.latents["x"][1].abs().max() < 0.5  # row 1 began near the holdout's goal and was driven away
    assert outcome.best.step[1] < 10


@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 12))
@hypothesis_settings(max_examples=25)
def test_the_best_is_never_worse_than_the_start_or_the_last_point_and_holds_together(seed: int, every: int, steps: int):
    goal = 4 * torch.randn(1, generator=torch.Generator().manual_seed(seed)).item()
    holdout = Bowl(goal)
    seen = states(Bowl(-goal / 2), steps=steps, lr=0.5, selection=Selection(holdout, every=every))
    best = seen[-1].best
    for state in (seen[0], seen[-1]):
        assert (best.loss <= holdout({"x": state.params["x"]}, step=0).primary).all()
    torch.testing.assert_close(best.loss, holdout(best.latents, step=0).primary)
    for row, step in enumerate(best.step.tolist()):
        assert torch.equal(seen[step].params["x"][row], best.latents["x"][row])


def test_without_a_holdout_the_objective_judges():
    noisy = Bowl(0.0, lambda x, step: torch.full((len(x),), 100.0 * (step != 2)))
    outcome = run(noisy, selection=Selection(every=1))
    assert outcome.best.step.tolist() == [2, 2, 2]


@pytest.mark.parametrize("breaks", [nan_loss, nan_gradient])
def test_a_row_that_breaks_is_reported_and_left_at_its_best_while_the_others_go_on(breaks: Callable[[Tensor, int], Tensor]):
    seen = states(Bowl(1.0, breaks), selection=Selection(Bowl(1.0), every=1))
    assert [s.status[1] for s in seen] == ["running"] * 4 + ["failed"] * 5
    assert all(torch.equal(s.params["x"][1], seen[4].params["x"][1]) for s in seen[4:])
    assert torch.isfinite(seen[-1].best.latents["x"]).all()
    assert seen[-1].best.step[1] == 3
    outcome, whole = optimise(iter(seen)), run(Bowl(1.0), selection=Selection(Bowl(1.0), every=1))
    assert outcome.status == ("done", "failed", "done")
    assert torch.equal(outcome.best.latents["x"][[0, 2]], whole.best.latents["x"][[0, 2]])


def test_a_row_that_is_broken_from_the_start_keeps_its_start():
    outcome = run(Bowl(1.0, lambda x, step: torch.tensor([torch.nan, 0.0, 0.0]) * x[:, 0]))
    assert outcome.status == ("failed", "done", "done")
    assert torch.equal(outcome.best.latents["x"][0], START[0])
    assert outcome.best.loss[0] == torch.inf


def test_the_loop_ends_when_every_row_has_failed():
    assert len(states(Bowl(1.0, lambda x, step: torch.full((len(x),), torch.nan)))) == 1


def test_a_row_on_a_plateau_stops_is_frozen_and_the_loop_ends_with_the_last_one():
    start = torch.tensor([[2.0, 2.0, 2.0], [-2.0, -2.0, -2.0]])  # the first row is at its goal already
    seen = states(Bowl(5.0), start, steps=500, selection=Selection(every=2, patience=2))
    stopped = next(s.step for s in seen if s.status[0] == "plateau")
    assert stopped == 4
    assert [s.status[1] for s in seen[: stopped + 1]] == ["running"] * (stopped + 1)
    assert all(torch.equal(s.params["x"][0], seen[stopped].params["x"][0]) for s in seen[stopped:])
    assert seen[-1].status == ("plateau", "plateau")
    assert seen[-1].step < 200
    assert optimise(iter(seen)).status == ("plateau", "plateau")


def test_a_gain_below_the_tolerance_does_not_count():
    def creep(x: Tensor, step: int) -> Tensor:
        return torch.full((len(x),), -1e-6 * step) - (x - 5).square().sum(dim=1).detach()

    flat = Bowl(5.0, creep)
    assert states(flat, steps=100, lr=1e-6, selection=Selection(every=1, patience=3))[-1].step == 3


@pytest.mark.parametrize(
    "make",
    [
        adam(0.2),
        lambda params: torch.optim.SGD(params, lr=0.02, momentum=0.9, nesterov=True),
        lambda params: torch.optim.AdamW(params, lr=0.2, weight_decay=0.5),
    ],
    ids=["adam", "nesterov", "adamw"],
)
def test_no_optimiser_moves_a_stopped_row_by_momentum_or_decay(make: Callable):
    seen = states(Bowl(1.0, nan_loss), steps=12, make_optimiser=make)
    assert all(torch.equal(s.params["x"][1], seen[4].params["x"][1]) for s in seen[4:])
    assert not torch.equal(seen[-1].params["x"][0], seen[4].params["x"][0])


@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_row_alone_takes_the_path_of_the_row_in_a_batch(row: int):
    together, alone = states(Bowl(1.0)), states(Bowl(1.0), START[row : row + 1])
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a.params["x"][row], b.params["x"][0])


def test_another_direction_is_followed():
    def uphill(losses: object, params: Latents) -> Latents:
        return {"x": -torch.ones_like(params["x"])}

    seen = states(Bowl(), steps=1, direction=uphill, make_optimiser=lambda p: torch.optim.SGD(p, lr=0.25))
    torch.testing.assert_close(seen[1].params["x"], (START + 0.25).clamp(-2, 2))


def test_the_history_has_the_held_out_loss_of_every_look():
    looks = Selection(Bowl(goal=1.0), every=2)
    seen = list(states(Bowl(goal=0.0), steps=5, selection=looks))
    assert [state.held_out is not None for state in seen] == [True, False, True, False, True, True]
    assert seen[2].held_out is not None
    torch.testing.assert_close(seen[2].held_out, (seen[2].params["x"] - 1).square().sum(dim=1))
    outcome = optimise(iter(seen))
    assert torch.isfinite(outcome.history["held_out"]).all(dim=1).tolist() == [True, False, True, False, True, True]
    assert torch.equal(outcome.history["held_out"][2], seen[2].held_out)
    assert "held_out" not in optimise(iter(states(Bowl(goal=0.0), steps=2))).history  # without a holdout there is none


def test_the_history_has_every_loss_of_every_step_and_row():
    outcome = run(Bowl(0.0), steps=4)
    assert outcome.history["bowl"].shape == (5, 3)
    assert outcome.steps == 4
    torch.testing.assert_close(outcome.history["bowl"][0], START.square().sum(dim=1))


@pytest.mark.parametrize("where", ["objective", "watch"])
def test_ctrl_c_returns_the_best_so_far(where: str):
    def interrupt(x: Tensor, step: int) -> Tensor:
        if where == "objective" and step == 5:
            raise KeyboardInterrupt
        return nan_loss(x, step)

    def watch(state: State) -> None:
        if where == "watch" and state.step == 5:
            raise KeyboardInterrupt

    direct = Direct(SPACE, {"x": START})
    objective = Bowl(1.0, interrupt)
    running = iterate(objective, direct, direct.params, steps=50, selection=Selection(Bowl(1.0), every=1))
    outcome = optimise(running, watch=watch)
    assert outcome.status == ("cancelled", "failed", "cancelled")
    assert outcome.best.step[0] == (4 if where == "objective" else 5)
    assert torch.isfinite(outcome.best.loss).all()
    assert len(outcome.history["bowl"]) == outcome.steps + 1


def test_ctrl_c_before_the_first_evaluation_is_passed_on():
    def interrupt(x: Tensor, step: int) -> Tensor:
        raise KeyboardInterrupt

    direct = Direct(SPACE, {"x": START})
    with pytest.raises(KeyboardInterrupt):
        optimise(iterate(Bowl(1.0, interrupt), direct, direct.params, steps=5))


def test_no_steps_are_refused():
    with pytest.raises(InvalidInput, match="steps: expected an integer of at least 1, got 0"):
        states(Bowl(), steps=0)


def test_an_iterator_without_states_is_refused():
    with pytest.raises(InvalidInput, match="states: expected an iterator that yields at least one state"):
        optimise(iter(()))


def test_the_last_point_is_kept_where_that_is_asked_for_and_judged_once():
    holdout = Bowl(goal=0.0)
    seen = states(Bowl(goal=2.0), steps=13, selection=Selection(holdout, every=5, keep="last"))
    assert len(holdout.points) == 1
    best = seen[-1].best
    assert best.step.tolist() == [13] * 3
    assert torch.equal(best.latents["x"], seen[-1].params["x"])
    torch.testing.assert_close(best.loss, best.latents["x"].square().sum(dim=1))
    assert states(Bowl(goal=2.0), steps=13, selection=Selection(Bowl(goal=0.0), every=5))[-1].best.step[1] < 13


def test_a_run_that_is_stopped_has_the_point_at_which_it_stood_as_its_last():
    for state in states(Bowl(goal=2.0), steps=6, selection=Selection(Bowl(goal=0.0), every=5, keep="last"))[:-1]:
        assert state.best.step.tolist() == [state.step] * 3
        assert torch.equal(state.best.latents["x"], state.params["x"])
        assert torch.equal(state.best.loss, state.evaluation.primary)


@pytest.mark.parametrize("breaks", [nan_loss, nan_gradient])
def test_the_last_point_of_a_row_that_breaks_is_the_last_that_was_good(breaks: Callable[[Tensor, int], Tensor]):
    seen = states(Bowl(1.0, breaks), selection=Selection(Bowl(1.0), keep="last"))
    assert seen[-1].best.step.tolist() == [8, 3, 8]
    assert torch.equal(seen[-1].best.latents["x"][1], seen[3].params["x"][1])


def test_rows_stop_by_their_patience_whichever_point_is_kept():
    start = torch.tensor([[2.0, 2.0, 2.0], [0.0, 0.0, 0.0], [2.0, 2.0, 2.0]])
    seen = states(Bowl(5.0), start, steps=500, selection=Selection(every=2, patience=2, keep="last"))
    assert seen[-1].status[0] == "plateau"
    assert seen[-1].step < 500


@pytest.mark.parametrize("decay", [0.0, 0.7, 0.99])
def test_what_is_kept_may_be_the_average_of_the_steps(decay: float):
    holdout = Bowl(goal=2.0)
    seen = states(Bowl(goal=2.0), steps=9, selection=Selection(holdout, keep="last", average=decay))
    for state in seen:
        shares = torch.tensor([decay ** (state.step - i) for i in range(state.step + 1)])
        points = torch.stack([earlier.params["x"] for earlier in seen[: state.step + 1]])
        average = (points * (shares / shares.sum()).view(-1, 1, 1)).sum(dim=0)
        torch.testing.assert_close(state.average["x"], average)
        assert torch.equal(state.best.latents["x"], state.average["x"])
    assert torch.equal(holdout.points[-1], seen[-1].average["x"])  # what is judged is what is kept
    plain = states(Bowl(goal=2.0), steps=9)
    assert all(torch.equal(a.params["x"], b.params["x"]) for a, b in zip(seen, plain, strict=True))  # the path is the same
    assert not plain[-1].average


def test_the_best_average_may_be_kept_too():
    seen = states(Bowl(goal=2.0), steps=9, lr=1.0, selection=Selection(Bowl(goal=0.0), every=1, average=0.5))
    best, row = seen[-1].best, torch.arange(3)
    assert torch.equal(best.latents["x"], torch.stack([s.average["x"] for s in seen])[best.step, row])


def test_the_average_of_a_row_that_breaks_stays_where_it_was():
    seen = states(Bowl(1.0, nan_loss), selection=Selection(keep="last", average=0.7))
    assert torch.equal(seen[-1].average["x"][1], seen[4].average["x"][1])
    alone = states(Bowl(1.0), START[[0, 2]], selection=Selection(keep="last", average=0.7))
    assert torch.equal(seen[-1].average["x"][[0, 2]], alone[-1].average["x"])


@pytest.mark.parametrize("decay", [1, -0.1, float("nan"), "much", True])
def test_a_decay_that_is_none_is_refused(decay: object):
    with pytest.raises(InvalidInput, match="average: expected a number of at least 0 and below 1, or None"):
        Selection(average=decay)  # pyright: ignore[reportArgumentType]
