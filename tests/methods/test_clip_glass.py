"""CLIP-GLaSS: a genetic algorithm, with a discriminator's opinion where there is one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, PluginImportError
from fusedream_sdk.latents import Box, Free, LatentSpec, OneHot, Simplex
from fusedream_sdk.models.calls import global_randomness
from fusedream_sdk.protocols import Params
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring.views import NO_VIEWS
from fusedream_sdk.testing import ToyGenerator, check_method

pytest.importorskip("pymoo")

from fusedream_sdk.methods.clip_glass import Genetic, clip_glass, limits

SEEDS = [3, 8, 2**62]
SPACE = {"x": LatentSpec((2,), Box(-2.0, 2.0)), "y": LatentSpec((1, 2))}
MakeDream = Callable[..., FuseDream]


class Critic(ToyGenerator):
    """The disc, and a discriminator that likes dark pictures."""

    def realism(self, images: Tensor) -> Tensor:
        return 4 - 8 * images.mean(dim=(1, 2, 3))


def search(rows: list[int] | None = None, k: int = 8) -> Genetic:
    chosen, draws = [0, 1, 2] if rows is None else rows, torch.Generator().manual_seed(1)
    x, y = torch.randn(3, k, 2, generator=draws).clamp(-2, 2), torch.randn(3, k, 1, 2, generator=draws)
    return Genetic({"x": x[chosen], "y": y[chosen]}, [SEEDS[row] for row in chosen], members=8, space=SPACE)


def bowl(params: Params) -> dict[str, Tensor]:
    return {"bowl": (params["x"] - 1).square().sum(dim=2) + params["y"].square().flatten(2).sum(dim=2)}


def two(params: Params) -> dict[str, Tensor]:
    """Two losses that pull the first coordinate apart."""
    return {"left": (params["x"][..., 0] + 1).square(), "right": (params["x"][..., 0] - 1).square()}


def generations(population: Genetic, count: int, losses: Callable[[Params], dict[str, Tensor]] = bowl) -> list[Params]:
    seen = []
    for _ in range(count):
        seen.append({name: x.clone() for name, x in population.ask().items()})
        seen[-1]["x"].clamp_(-2, 2)
        population.tell(seen[-1], losses(seen[-1]))
    return seen


def test_its_constants_are_those_of_the_repository():
    method = clip_glass()
    assert method.members == 64
    settings = method.settings_for(Settings(), {})
    assert (settings.steps + 1, settings.augment, settings.samples, settings.noise) == (500, NO_VIEWS, 1, 0.0)
    population = search()
    generations(population, 1)
    mating = population.groups[0].mating
    assert (mating.crossover.prob.value, mating.crossover.eta.value, mating.crossover.prob_var.value) == (1.0, 3.0, 0.5)
    assert (mating.mutation.prob.value, mating.mutation.eta.value, mating.mutation.prob_var.value) == (1.0, 3.0, 0.5)
    assert mating.selection.pressure == 2


@pytest.mark.parametrize("population", [1, 0, 2.5, "many"])
def test_numbers_that_make_no_search_are_refused(population: Any):
    message = f"population: expected an integer of at least 2, got {population}. The default is 64."
    with pytest.raises(InvalidInput, match=message):
        clip_glass(population=population)


def test_without_pymoo_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pymoo", None)
    with pytest.raises(PluginImportError, match=r"'clip-glass' of .* pip install \"fusedream-sdk\[populations\]\""):
        fd.load_method("clip-glass")


def test_the_first_generation_is_the_starts_each_several_times_where_they_are_few():
    assert all(torch.equal(x, search().starts[name]) for name, x in search().ask().items())
    asked = search(k=3).ask()["x"]
    assert torch.equal(asked[:, 3:6], asked[:, :3])


@pytest.mark.parametrize("k", [1, 8])
def test_the_best_lives_on_and_a_later_generation_is_better(k: int):
    population = search(k=k)
    losses = torch.stack([bowl(params)["bowl"].min(dim=1).values for params in generations(population, 40)])
    assert (losses[-1] < losses[0]).all()
    for row, group in enumerate(population.groups):
        assert group.pop.get("F").min() == pytest.approx(float(losses[:, row].min()), rel=1e-5)


def test_two_losses_are_weighed_by_dominance_and_both_ends_live_on():
    population = search()
    generations(population, 30, two)
    for group in population.groups:
        found = group.pop.get("X")[:, 0]
        assert type(group).__name__ == "NSGA2"
        assert found.min() < -0.8
        assert found.max() > 0.8


def test_a_member_lives_where_it_was_put():
    population = search()
    asked = population.ask()
    put = {**asked, "x": asked["x"].clamp(-0.1, 0.1)}
    population.tell(put, bowl(put))
    for group in population.groups:
        assert np.abs(group.pop.get("X")[:, :2]).max() <= 0.1 + 1e-6


def test_a_latent_moves_in_its_box_or_within_the_range_of_its_draws():
    draws = torch.tensor([[1.0, 3.0]])
    for constraint, low, high in (
        (Box(-2.0, 2.0), -2, 2),
        (Box((-1.0, -3.0), (1.0, 3.0), axis=-1), [-1, -3], [1, 3]),
        (Free(), 1, 3),
        (Simplex(), 0, 1),
        (OneHot(), 0, 1),
    ):
        found = limits(LatentSpec((2,), constraint), draws)
        np.testing.assert_allclose(found[0], low)
        np.testing.assert_allclose(found[1], high)
    assert [side.tolist() for side in limits(LatentSpec((1,)), torch.tensor([[7.0]]))] == [[6], [8]]


@given(st.permutations([0, 1, 2]), st.integers(1, 3))
def test_a_group_is_the_same_alone_as_among_others(order: list[int], count: int):
    together, some = generations(search(), 4), generations(search(order[:count]), 4)
    for all_of_them, ours in zip(together, some, strict=True):
        assert all(torch.equal(all_of_them[name][order[:count]], x) for name, x in ours.items())


def test_no_global_random_number_is_drawn_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]):
    before = global_randomness()
    generations(search(), 5)
    generations(search(), 5, two)
    assert global_randomness() == before
    assert capfd.readouterr() == ("", "")


def test_members_that_are_not_finite_do_not_live_on():
    population = search()
    for _ in range(4):
        asked = population.ask()
        losses = bowl(asked)["bowl"]
        losses[0, :5] = torch.inf
        losses[1] = torch.inf
        population.tell(asked, {"bowl": losses})
    assert all(torch.isfinite(x).all() for x in population.ask().values())


def test_where_the_generator_has_an_opinion_it_is_a_second_loss(make_dream: MakeDream):
    dream = make_dream(Critic(16))
    states = list(dream.iterate(["a white disc", "a red disc"], method=clip_glass(population=8), steps=6))
    for state in states:
        opinion = Critic().realism(state.evaluation.images)
        torch.testing.assert_close(state.evaluation.losses["realism"], torch.relu(1 - opinion))
        assert list(state.evaluation.losses) == ["augclip", "realism"]
    assert list(next(make_dream().iterate("a red disc", method=clip_glass(population=4), steps=1)).evaluation.losses) == [
        "augclip"
    ]


def test_an_opinion_keeps_darker_pictures_alive(make_dream: MakeDream):
    def brightness(generator: ToyGenerator) -> float:
        *_, last = make_dream(generator).iterate("a white disc", method=clip_glass(population=12), steps=25, seeds=[0, 1, 2])
        members = {name: x.flatten(0, 1) for name, x in last.params.items()}
        return float(generator(members).mean())

    assert brightness(Critic(16)) < brightness(ToyGenerator(16)) - 0.02


def test_a_picture_gets_better(make_dream: MakeDream):
    states = list(make_dream().iterate(["red", "blue"], method=clip_glass(population=10), steps=20))
    losses = torch.stack([state.evaluation.primary for state in states])
    assert (losses[-3:].min(dim=0).values < losses[0]).all()


@pytest.mark.parametrize("population", [2, 6])
def test_it_keeps_the_contract_of_a_method(population: int):
    check_method(clip_glass(population=population))


def test_it_keeps_the_contract_with_two_losses_too(make_dream: MakeDream):
    options: dict[str, Any] = {"method": clip_glass(population=6), "steps": 4, "progress": False}
    together = make_dream(Critic(16)).generate(["red", "blue"], **options)
    alone = make_dream(Critic(16)).generate("blue", **options)
    assert torch.equal(together.images[1], alone.images[0])
