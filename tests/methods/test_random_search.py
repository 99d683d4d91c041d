"""Random search over generations."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.methods.random_search import RandomSearch, random_search
from fusedream_sdk.protocols import Params
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring.views import NO_VIEWS
from fusedream_sdk.testing import check_method

SEEDS = [3, 8, 2**62]


def search(rows: list[int] | None = None, k: int = 1, **options: Any) -> RandomSearch:
    """A population around starts of its own in each row."""
    chosen = [0, 1, 2] if rows is None else rows
    starts = {"x": torch.arange(1.0, 4.0).view(3, 1, 1).expand(3, k, 2)[chosen], "y": torch.zeros(len(chosen), k, 1, 2)}
    own = {"members": 5, "spread": 0.5, "cooling": 0.9, **options}
    return RandomSearch(starts, [SEEDS[row] for row in chosen], **own)


def bowl(params: Params) -> dict[str, Tensor]:
    return {"bowl": params["x"].square().sum(dim=2) + params["y"].square().flatten(2).sum(dim=2)}


def generations(population: RandomSearch, count: int) -> list[Params]:
    seen = []
    for _ in range(count):
        seen.append(population.ask())
        population.tell(seen[-1], bowl(seen[-1]))
    return seen


def test_its_constants_are_those_of_the_docstring():
    method = random_search()
    assert method.members == 16
    population = method.population({"x": torch.zeros(1, 16, 2)}, [0])  # pyright: ignore[reportOptionalCall]
    assert isinstance(population, RandomSearch)
    assert (population.members, population.spread, population.cooling) == (16, 0.5, 0.97)
    settings = method.settings_for(Settings(), {})
    assert (settings.samples, settings.basis, settings.noise) == (1, 1, 0.0)
    assert {"lr", "noise", "bank", "samples", "basis", "mix"} <= method.unused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"population": 1}, "population: expected an integer of at least 2, got 1"),
        ({"spread": 0}, "spread: expected a positive number, got 0"),
        ({"cooling": -1.0}, "cooling: expected a number above 0 and at most 1, got -1.0"),
    ],
)
def test_numbers_that_make_no_search_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        random_search(**options)


def test_the_first_generation_is_the_starts_and_steps_from_the_first_of_them():
    starts = search(k=5).starts
    assert all(torch.equal(x, starts[name]) for name, x in search(k=5).ask().items())
    asked = search(k=2).ask()
    assert asked["x"].shape == (3, 5, 2)
    assert torch.equal(asked["x"][:, :2], search(k=2).starts["x"])
    assert asked["x"].unique(dim=1).shape[1] == 4  # both starts are one point, the others none


def test_steps_are_gaussian_and_shrink_with_the_generations():
    population = search(members=4001, spread=0.5, cooling=0.5)
    for generation in range(3):
        asked = population.ask()
        steps = asked["x"][:, 1:] - population.leaders["x"]
        assert steps.std() == pytest.approx(0.5 * 0.5**generation, rel=0.03)
        population.tell(asked, {"flat": torch.zeros(3, 4001)})


def test_the_best_is_in_the_next_generation_and_so_never_gets_worse():
    seen = generations(search(), 12)
    best = torch.stack([bowl(params)["bowl"].min(dim=1).values for params in seen])
    assert (best.diff(dim=0) <= 0).all()
    assert (best[-1] < best[0]).all()
    for now, following in pairwise(seen):
        first = bowl(now)["bowl"].argmin(dim=1)
        assert torch.equal(following["x"][:, 0], now["x"][torch.arange(3), first])


@given(st.permutations([0, 1, 2]), st.integers(1, 3))
def test_a_group_is_the_same_alone_as_among_others(order: list[int], count: int):
    together, some = generations(search(), 4), generations(search(order[:count]), 4)
    for all_of_them, ours in zip(together, some, strict=True):
        assert all(torch.equal(all_of_them[name][order[:count]], x) for name, x in ours.items())


def test_groups_of_different_seeds_go_different_ways():
    asked = search().ask()
    steps = asked["x"] - search().leaders["x"]
    assert not any(torch.equal(steps[a], steps[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_where_nothing_is_finite_the_leader_stays():
    population = search()
    before = population.leaders["x"].clone()
    asked = population.ask()
    losses = bowl(asked)["bowl"]
    losses[1] = torch.inf
    population.tell(asked, {"bowl": losses})
    assert torch.equal(population.leaders["x"][1], before[1])
    assert not torch.equal(population.leaders["x"][0], before[0])


def test_on_the_same_views_a_picture_never_gets_worse(dream: FuseDream):
    states = list(dream.iterate(["red", "blue"], method="random-search?population=6", steps=8, augment=NO_VIEWS))
    losses = torch.stack([state.evaluation.primary for state in states])
    assert (losses.diff(dim=0) <= 1e-6).all()
    assert (losses[-1] < losses[0]).all()


@pytest.mark.parametrize("population", [2, 5])
def test_it_keeps_the_contract_of_a_method(population: int):
    check_method(random_search(population=population))
