"""What the loop shows of itself."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.optim.loop import Selection
from fusedream_sdk.optim.optimisers import adam
from fusedream_sdk.optim.state import Best, Outcome, State, detached, finite_rows, join_states, marked, running, wide
from fusedream_sdk.optim.status import Status
from fusedream_sdk.protocols import Evaluation
from tests.optim.toys import Bowl, nan_loss, states

NUMBERS = st.floats(-9, 9, width=32)
JUDGED = st.one_of(NUMBERS, st.sampled_from([float("nan"), float("inf"), float("-inf")]))
CPU = torch.device("cpu")


def judged(losses: list[float], tolerance: float = 0.0) -> list[Best]:
    """One row that is offered one loss after the other; its latent says which."""
    best = [Best.begin({"x": torch.tensor([[-1.0]])}, torch.zeros(1))]
    for step, loss in enumerate(losses):
        point, alive = {"x": torch.tensor([[float(step)]])}, torch.tensor([True])
        best.append(best[-1].offered(point, torch.tensor([loss]), step, alive, tolerance))
    return best


def test_nothing_has_been_judged_at_the_beginning_and_the_start_is_what_is_known():
    start = torch.ones(2, 3)
    best = Best.begin({"x": start}, torch.tensor([4.0, torch.nan]))
    assert best.loss.tolist() == best.counted.tolist() == [torch.inf, torch.inf]
    assert best.step.tolist() == best.stale.tolist() == [0, 0]
    start.zero_()
    assert torch.equal(best.latents["x"], torch.ones(2, 3))


@given(st.lists(JUDGED, min_size=1, max_size=12))
def test_the_best_is_the_first_of_the_least_finite_losses(losses: list[float]):
    best = judged(losses)[-1]
    finite = [loss for loss in losses if abs(loss) < float("inf")]
    assert float(best.loss) == pytest.approx(min(finite, default=float("inf")), abs=0)
    first = losses.index(min(finite)) if finite else -1
    assert float(best.latents["x"]) == first
    assert int(best.step) == max(first, 0)


def test_what_a_stopped_row_is_offered_does_not_count():
    best = Best.begin({"x": torch.zeros(2, 1)}, torch.zeros(2))
    found = best.offered({"x": torch.ones(2, 1)}, torch.tensor([1.0, 1.0]), 3, torch.tensor([False, True]), 0.0)
    assert found.loss.tolist() == [torch.inf, 1.0]
    assert found.step.tolist() == [0, 3]
    assert found.latents["x"].flatten().tolist() == [0.0, 1.0]


def test_judgements_without_a_gain_that_counts_are_counted_and_small_gains_add_up():
    course = judged([5.0, 4.96, 4.92, 4.88, 4.0], tolerance=0.1)
    assert [int(best.stale) for best in course] == [0, 0, 1, 2, 0, 0]
    assert [round(float(best.loss), 2) for best in course[1:]] == [5.0, 4.96, 4.92, 4.88, 4.0]
    assert [round(float(best.counted), 2) for best in course[1:]] == [5.0, 5.0, 5.0, 4.88, 4.0]


def test_an_offer_leaves_the_best_that_it_was_made_to_as_it_was():
    best = judged([3.0])[-1]
    better = best.offered({"x": torch.tensor([[7.0]])}, torch.tensor([1.0]), 9, torch.tensor([True]), 0.0)
    assert (float(best.loss), int(best.step), float(best.latents["x"])) == (3.0, 0, 0.0)
    assert (float(better.loss), int(better.step), float(better.latents["x"])) == (1.0, 9, 7.0)


def test_states_and_what_they_hold_cannot_be_set():
    state = states(Bowl(), steps=1)[0]
    for held, name in ((state, "step"), (state.best, "loss"), (state.evaluation, "images"), (Outcome(state.best, ()), "steps")):
        with pytest.raises(FrozenInstanceError):
            setattr(held, name, 0)


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


def assert_same(a: State, b: State) -> None:
    pairs: list[tuple[Tensor, Tensor]] = [
        (a.params["x"], b.params["x"]),
        (a.best.latents["x"], b.best.latents["x"]),
        (a.best.loss, b.best.loss),
        (a.best.counted, b.best.counted),
        (a.best.stale, b.best.stale),
        (a.evaluation.primary, b.evaluation.primary),
        (a.evaluation.images, b.evaluation.images),
        (a.memory["x"]["exp_avg"], b.memory["x"]["exp_avg"]),
        (a.memory["x"]["step"], b.memory["x"]["step"]),
        (a.average["x"], b.average["x"]),
    ]
    assert (a.step, a.status) == (b.step, b.status)
    for x, y in pairs:
        torch.testing.assert_close(x, y, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("parts", [[[0], [1, 2]], [[0], [1], [2]], [[0, 1, 2]]])
def test_states_that_are_joined_are_those_that_were_kept(parts: list[list[int]]):
    selection = Selection(average=0.7)
    state = states(Bowl(1.0, nan_loss), steps=5, make_optimiser=adam(0.1), selection=selection)[-1]
    assert_same(join_states([state.keep(index) for index in parts]), state)


def test_joined_rows_count_the_steps_of_the_one_that_went_furthest():
    seen = states(Bowl(1.0), steps=5)
    joined = join_states([seen[2].keep([0]), seen[5].keep([1])])
    assert joined.step == 5
    assert joined.memory["x"]["step"] == 5
    assert torch.equal(joined.params["x"], torch.stack([seen[2].params["x"][0], seen[5].params["x"][1]]))


def test_only_a_running_row_is_marked():
    status = [Status.RUNNING, Status.RUNNING, Status.PLATEAU, Status.FAILED]
    good = torch.tensor([True, False, False, True])
    assert marked(status, good, Status.FAILED) == ["running", "failed", "plateau", "failed"]
    assert running(status, CPU).tolist() == [True, True, False, False]


def test_a_row_is_finite_only_where_it_is_in_every_tensor():
    tensors = {"a": torch.tensor([[1.0, torch.nan], [1, 1], [1, 1]]), "b": torch.tensor([1.0, 1.0, -torch.inf])}
    assert finite_rows(tensors, torch.zeros(3)).tolist() == [False, True, False]
    assert finite_rows({}, torch.zeros(2)).tolist() == [True, True]


@pytest.mark.parametrize("shape", [(2,), (2, 3), (2, 3, 4)])
def test_a_mask_of_rows_spreads_over_whatever_a_row_holds(shape: tuple[int, ...]):
    spread = wide(torch.tensor([True, False]), torch.zeros(shape)).expand(shape)
    assert spread[0].all()
    assert not spread[1].any()


def test_a_detached_evaluation_has_no_graph_and_shares_nothing():
    x = torch.ones(2, 3, requires_grad=True)
    seen = detached(Evaluation({"x": x}, x.view(2, 3, 1, 1), {"loss": x[:, 0]}))
    assert not any(part.requires_grad for part in (seen.latents["x"], seen.images, seen.primary))
    with torch.no_grad():
        x.zero_()
    assert all(part.eq(1).all() for part in (seen.latents["x"], seen.images, seen.primary))


def test_a_point_that_is_moved_to_is_kept_whatever_its_loss_unless_it_is_broken_or_stopped():
    best = judged([3.0])[-1]
    for loss, alive, there in ((9.0, True, True), (torch.nan, True, False), (9.0, False, False)):
        found = best.moved({"x": torch.tensor([[7.0]])}, torch.tensor([loss]), 4, torch.tensor([alive]))
        assert (float(found.loss), int(found.step), float(found.latents["x"])) == ((9.0, 4, 7.0) if there else (3.0, 0, 0.0))
        assert (found.counted, found.stale) == (best.counted, best.stale)
