"""Candidates asked for, and told what they came to."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents, contains
from fusedream_sdk.methods.random_search import RandomSearch
from fusedream_sdk.optim.loop import Selection, optimise
from fusedream_sdk.optim.optimisers import sgd
from fusedream_sdk.optim.parametrise import Direct
from fusedream_sdk.optim.population import Refinement, as_vectors, evolve, from_vectors, ranked
from fusedream_sdk.optim.state import State
from fusedream_sdk.protocols import Evaluation, Params
from tests.optim.toys import SPACE, START, Bowl

GROUPS, MEMBERS = len(START), 5


class Ladder:
    """Group b's members stand on rungs b, b + 0.1, ...; every generation a rung higher. It remembers what it was told."""

    def __init__(self, groups: int = 2, members: int = 3) -> None:
        rungs = torch.arange(groups)[:, None] + 0.1 * torch.arange(members)
        self.rungs = rungs[..., None].expand(groups, members, 3).clone()
        self.told: list[tuple[Tensor, Tensor]] = []

    def ask(self) -> Params:
        return {"x": self.rungs}

    def tell(self, params: Params, losses: Mapping[str, Tensor]) -> None:
        self.told.append((params["x"].clone(), losses["bowl"].clone()))
        params["x"].zero_()  # what it is given is its own to do with as it likes
        self.rungs += 0.1


class Breaking(Bowl):
    """Some members of the flat batch have another value from a step on."""

    def __init__(self, rows: list[int], value: float, since: int = 0) -> None:
        super().__init__(0.0)
        self.rows, self.value, self.since = rows, value, since

    def __call__(self, latents: Latents, *, step: int) -> Evaluation:
        seen = super().__call__(latents, step=step)
        if step >= self.since:
            seen.primary[self.rows] = self.value
        return seen


def direct(groups: int, members: int) -> Direct:
    return Direct(SPACE, {"x": torch.zeros(groups * members, 3)})


def search(rows: list[int], spread: float = 0.5) -> RandomSearch:
    starts = {"x": START[rows].unsqueeze(1)}
    return RandomSearch(starts, [7 + row for row in rows], members=MEMBERS, spread=spread, cooling=0.9)


def states(rows: list[int], objective: Bowl, steps: int = 6, **options: Any) -> list[State]:
    return list(evolve(objective, direct(len(rows), MEMBERS), search(rows), steps=steps, **options))


def climb(objective: Bowl, ladder: Ladder, steps: int = 3, **options: Any) -> list[State]:
    groups, members = ladder.rungs.shape[:2]
    return list(evolve(objective, direct(groups, members), ladder, steps=steps, **options))


def test_every_generation_is_a_state_with_its_members_and_the_best_of_each_group():
    ladder = Ladder()
    seen = climb(Bowl(0.0), ladder)
    assert [state.step for state in seen] == [0, 1, 2, 3]
    for step, state in enumerate(seen):
        assert torch.equal(state.params["x"], ladder.told[step][0])
        torch.testing.assert_close(state.params["x"][1, 2], torch.full((3,), 1.2 + 0.1 * step))
        torch.testing.assert_close(state.evaluation.latents["x"], state.params["x"][:, 0])  # the lowest rung is the best
        torch.testing.assert_close(state.evaluation.primary, state.evaluation.latents["x"].square().sum(dim=1))
        assert state.evaluation.images.shape == (2, 3, 1, 1)


def test_the_population_is_told_the_loss_of_every_member_after_it_was_put_inside_the_constraints():
    ladder = Ladder()
    ladder.rungs += 1.5  # the second group is outside the box
    seen = climb(Bowl(0.0), ladder)
    for params, losses in ladder.told:
        assert contains({"x": params}, SPACE)
        torch.testing.assert_close(losses, params.square().sum(dim=2))
    assert ladder.told[0][0][1].eq(2).all()
    assert all(contains(state.evaluation.latents, SPACE) for state in seen)


@given(st.permutations(range(GROUPS)), st.integers(1, GROUPS), st.floats(0.1, 2))
def test_a_group_alone_goes_the_way_of_the_group_among_others(order: list[int], count: int, goal: float):
    rows = order[:count]
    together, alone = states(list(range(GROUPS)), Bowl(goal)), states(rows, Bowl(goal))
    for whole, some in zip(together, alone, strict=True):
        assert torch.equal(some.params["x"], whole.params["x"][rows])
        assert torch.equal(some.evaluation.primary, whole.evaluation.primary[rows])
        assert torch.equal(some.best.latents["x"], whole.best.latents["x"][rows])
        assert torch.equal(some.best.loss, whole.best.loss[rows])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_member_that_is_not_finite_never_leads(value: float):
    ladder = Ladder()
    seen = climb(Breaking([0, 3], value), ladder)  # the first member of each group, which would lead
    for state, (_, losses) in zip(seen, ladder.told, strict=True):
        assert losses[:, 0].tolist() == [torch.inf, torch.inf]
        assert torch.equal(state.evaluation.latents["x"], state.params["x"][:, 1])
        assert state.status == ("running", "running")
    outcome = optimise(iter(seen))
    assert outcome.status == ("done", "done")
    assert torch.equal(outcome.best.latents["x"], seen[0].params["x"][:, 1])


def test_a_group_without_a_finite_member_has_failed_and_the_others_go_on_as_without_it():
    rows = list(range(MEMBERS, 2 * MEMBERS))  # all of the second group
    seen, whole = states([0, 1, 2], Breaking(rows, torch.nan, since=3)), states([0, 1, 2], Bowl(0.0))
    assert [state.status[1] for state in seen] == ["running"] * 3 + ["failed"] * 4
    for ours, theirs in zip(seen, whole, strict=True):
        assert torch.equal(ours.evaluation.primary[[0, 2]], theirs.evaluation.primary[[0, 2]])
    outcome = optimise(iter(seen))
    assert outcome.status == ("done", "failed", "done")
    assert torch.isfinite(outcome.best.loss).all()
    assert torch.equal(outcome.best.latents["x"][1], seen[2].best.latents["x"][1])


def test_a_group_that_recovers_stays_failed():
    class Once(Bowl):
        def __call__(self, latents: Latents, *, step: int) -> Evaluation:
            seen = super().__call__(latents, step=step)
            seen.primary[:MEMBERS] += torch.nan if step == 2 else 0.0
            return seen

    seen = states([0, 1], Once(0.0))
    assert [state.status[0] for state in seen] == ["running"] * 2 + ["failed"] * 5
    assert all(torch.equal(state.best.loss[:1], seen[2].best.loss[:1]) for state in seen[2:])


def test_the_search_ends_when_every_group_has_failed():
    assert len(climb(Breaking(list(range(6)), torch.nan, since=2), Ladder(), steps=9)) == 3


def test_the_best_of_a_group_is_judged_on_the_holdout_and_at_the_last_generation_always():
    judge = Bowl(1.05)
    seen = climb(Bowl(0.0), Ladder(groups=1), steps=13, selection=Selection(judge, every=5))
    assert [len(points) for points in judge.points] == [1] * 4  # generations 0, 5, 10 and 13, the leader alone
    best = seen[-1].best
    assert best.step.tolist() == [10]
    torch.testing.assert_close(best.latents["x"], torch.full((1, 3), 1.0))
    torch.testing.assert_close(best.loss, judge(best.latents, step=0).primary)


def test_a_group_that_gains_nothing_for_long_enough_is_on_a_plateau():
    seen = climb(Bowl(0.0), Ladder(), steps=9, selection=Selection(every=1, patience=2))  # it climbs away from its goal
    assert seen[-1].status == ("plateau", "plateau")
    assert seen[-1].step == 2


def test_the_best_point_is_without_the_noise_that_the_objective_put_on_it():
    class Noisy(Bowl):
        def __call__(self, latents: Latents, *, step: int) -> Evaluation:
            return super().__call__({"x": latents["x"] + 0.5}, step=step)

    seen = climb(Noisy(0.0), Ladder())
    assert torch.equal(seen[-1].best.latents["x"], seen[0].params["x"][:, 0])
    assert torch.equal(seen[0].evaluation.latents["x"], seen[0].params["x"][:, 0] + 0.5)


def test_no_gradient_is_taken():
    class Asking(Bowl):
        def __call__(self, latents: Latents, *, step: int) -> Evaluation:
            assert not torch.is_grad_enabled()
            return super().__call__(latents, step=step)

    assert not climb(Asking(0.0), Ladder())[-1].evaluation.primary.requires_grad


def test_a_state_is_what_it_was_when_the_search_has_gone_on():
    ladder, kept = Ladder(), []
    for state in evolve(Bowl(0.0), direct(2, 3), ladder, steps=4):
        kept.append((state, deepcopy((state.params, state.best.latents, state.evaluation.latents))))
    for state, (params, best, latents) in kept:
        assert torch.equal(state.params["x"], params["x"])
        assert torch.equal(state.best.latents["x"], best["x"])
        assert torch.equal(state.evaluation.latents["x"], latents["x"])


def test_no_steps_are_refused():
    with pytest.raises(InvalidInput, match="steps: expected an integer of at least 1, got 0"):
        climb(Bowl(0.0), Ladder(), steps=0)


def test_the_leader_of_the_last_generation_is_kept_where_that_is_asked_for():
    judge = Bowl(1.05)
    seen = climb(Bowl(0.0), Ladder(groups=1), steps=13, selection=Selection(judge, every=5, keep="last"))
    assert len(judge.points) == 1
    assert seen[-1].best.step.tolist() == [13]
    assert torch.equal(seen[-1].best.latents["x"], seen[-1].evaluation.latents["x"])


def refined(updates: int = 2, last: int = 4, lr: float = 0.1) -> Refinement:
    return Refinement(updates, last, make_optimiser=sgd(lr))


def test_members_go_down_the_gradient_before_their_losses_are_told():
    ladder = Ladder()
    seen = climb(Bowl(0.0), ladder, refine=refined())
    for generation, (params, losses) in enumerate(ladder.told):
        updates = 4 if generation == 3 else 2
        begun = Ladder().rungs + 0.1 * generation
        torch.testing.assert_close(params, begun * 0.8**updates)  # a step of 0.1 along 2 x
        torch.testing.assert_close(losses, params.square().sum(dim=2))
        assert torch.equal(seen[generation].params["x"], params)
    assert not any(state.evaluation.primary.requires_grad for state in seen)


def test_every_point_of_a_refinement_sees_views_of_its_own():
    steps: list[int] = []

    class Asked(Bowl):
        def __call__(self, latents: Latents, *, step: int) -> Evaluation:
            steps.append(step)
            return super().__call__(latents, step=step)

    climb(Asked(0.0), Ladder(), refine=refined())
    assert steps == list(range(3 * 3 + 5))
    assert len(steps) == refined().points(3)


def test_a_refinement_of_no_steps_is_none():
    plain, none = climb(Bowl(0.0), Ladder()), climb(Bowl(0.0), Ladder(), refine=Refinement(0, 0))
    for ours, theirs in zip(none, plain, strict=True):
        assert torch.equal(ours.params["x"], theirs.params["x"])
        assert torch.equal(ours.evaluation.primary, theirs.evaluation.primary)


def test_refined_members_stay_inside_the_constraints():
    ladder = Ladder()
    seen = climb(Bowl(5.0), ladder, refine=refined(lr=1.0))
    assert all(contains({"x": params}, SPACE) for params, _ in ladder.told)
    assert seen[-1].params["x"].eq(2).all()


@given(st.permutations(range(GROUPS)), st.integers(1, GROUPS))
def test_a_refined_group_alone_goes_the_way_of_the_group_among_others(order: list[int], count: int):
    rows = order[:count]
    together, alone = (states(chosen, Bowl(1.0), refine=refined()) for chosen in (list(range(GROUPS)), rows))
    for whole, some in zip(together, alone, strict=True):
        assert torch.equal(some.params["x"], whole.params["x"][rows])
        assert torch.equal(some.best.loss, whole.best.loss[rows])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_refined_member_that_is_not_finite_never_leads(value: float):
    ladder = Ladder()
    seen = climb(Breaking([0, 3], value), ladder, refine=refined())
    for state, (_, losses) in zip(seen, ladder.told, strict=True):
        assert losses[:, 0].tolist() == [torch.inf, torch.inf]
        assert state.status == ("running", "running")


@pytest.mark.parametrize("numbers", [(-1, 3), (3, -1), (1.5, 3), (10**7, 3)])
def test_a_refinement_of_another_number_of_steps_is_refused(numbers: Any):
    with pytest.raises(InvalidInput, match=r"(updates|last): expected an integer of at least 0"):
        Refinement(*numbers)


@given(st.integers(1, 3), st.integers(1, 4))
def test_members_are_vectors_and_come_back_as_they_were(groups: int, members: int):
    params = {"x": torch.randn(groups, members, 2, 3), "y": torch.randn(groups, members, 1)}
    vectors = as_vectors(params)
    assert vectors.shape == (groups, members, 7)
    assert vectors.dtype == "float64"
    back = from_vectors(vectors, params)
    assert all(torch.equal(back[name], x) for name, x in params.items())


def test_what_is_not_finite_ranks_last():
    assert ranked(torch.tensor([1.0, torch.inf, -2.0, torch.nan])).tolist() == [1.0, 2.0, -2.0, 2.0]
    assert ranked(torch.full((2,), torch.inf)).tolist() == [0.0, 0.0]
