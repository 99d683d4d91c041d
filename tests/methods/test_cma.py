"""CMA-ES over the latents."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
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
from fusedream_sdk.latents import Latents, LatentSpec
from fusedream_sdk.models.calls import global_randomness
from fusedream_sdk.protocols import Params
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring.views import NO_VIEWS
from fusedream_sdk.testing import ToyGenerator, check_method

pytest.importorskip("cma")

from fusedream_sdk.methods.cma import CMA, cma, units

SEEDS = [3, 8, 2**62]
MakeDream = Callable[..., FuseDream]


def starts(rows: list[int], k: int = 6) -> Params:
    draws = torch.Generator().manual_seed(1)
    x, y = torch.randn(3, k, 2, generator=draws), 0.1 * torch.randn(3, k, 1, 2, generator=draws)
    return {"x": x[rows], "y": y[rows]}


def search(rows: list[int] | None = None, k: int = 6, **options: Any) -> CMA:
    chosen = [0, 1, 2] if rows is None else rows
    own = {"members": 8, "sigma": 0.5, **options}
    return CMA(starts(chosen, k), [SEEDS[row] for row in chosen], **own)


def bowl(params: Params) -> dict[str, Tensor]:
    """A narrow valley: a step in one coordinate counts a hundred times that in another."""
    return {"bowl": params["x"].square().sum(dim=2) + 100 * params["y"].square().flatten(2).sum(dim=2)}


def generations(population: CMA, count: int) -> list[Params]:
    seen = []
    for _ in range(count):
        seen.append({name: x.clone() for name, x in population.ask().items()})
        population.tell(seen[-1], bowl(seen[-1]))
    return seen


def test_its_constants_are_those_of_pix2latent():
    method = cma()
    assert method.members == 18 == 4 + int(3 * np.log(128))  # pycma's own, for BigGAN's 128 coordinates
    population: Any = method.population({"x": torch.zeros(1, 2, 128)}, [0])  # pyright: ignore[reportOptionalCall]
    assert [group.sigma0 for group in population.groups] == [0.5]
    settings = method.settings_for(Settings(), {})
    assert (settings.steps, settings.basis, settings.noise) == (200, 1, 0.0)
    assert method.refine is None
    assert method.evaluations(settings) == 18 * 201 + 21


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"population": 1}, "population: expected an integer of at least 4, got 1. The default is 18."),
        ({"population": 2.5}, "population: expected an integer of at least 4, got 2.5"),
        ({"sigma": 0}, "sigma: expected a positive number, got 0"),
        ({"diagonal": "no"}, "diagonal: expected True or False, got no"),
    ],
)
def test_numbers_that_make_no_search_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        cma(**options)


def test_without_pycma_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "cma", None)
    with pytest.raises(PluginImportError, match=r"'cma' of fusedream-sdk .* pip install \"fusedream-sdk\[populations\]\""):
        fd.load_method("cma")


def test_the_first_generation_is_gaussian_around_the_first_start_in_units_of_each_latent():
    population = search(members=4000, sigma=0.5)
    asked, begun = population.ask(), starts([0, 1, 2])
    for name, x in asked.items():
        unit = torch.stack([row.std(correction=0) for row in begun[name]])
        assert x.shape == (3, 4000, *begun[name].shape[2:])
        steps = (x - begun[name][:, :1]).flatten(1)
        torch.testing.assert_close(steps.std(dim=1), 0.5 * unit, rtol=0.03, atol=0)
        torch.testing.assert_close(x.mean(dim=1), begun[name][:, 0], rtol=0, atol=0.05)


def test_the_unit_of_a_latent_that_does_not_vary_is_1():
    assert units({"x": torch.full((3, 2), 7.0), "y": torch.tensor([[[1.0, 3.0]]])}).tolist() == [1, 1, 1, 1]


def test_it_comes_down_a_narrow_valley():
    seen = generations(search(), 60)
    best = torch.stack([bowl(params)["bowl"].min(dim=1).values for params in seen])
    assert (best[-5:].min(dim=0).values < 1e-3 * best[0]).all()


@pytest.mark.parametrize("diagonal", [False, True])
def test_a_diagonal_learns_a_step_for_each_coordinate_and_no_direction(diagonal: bool):
    population = search(diagonal=diagonal)
    generations(population, 20)
    for group in population.groups:
        correlated = np.abs(group.sm.correlation_matrix - np.eye(4)).max() if not diagonal else 0.0
        assert (correlated > 0.05) == (not diagonal)
        assert np.ptp(group.stds) > 0


def test_it_is_diagonal_by_default_only_where_a_matrix_would_be_large():
    large = {"x": torch.zeros(1, 1, 1025)}
    assert CMA(large, [0], members=4, sigma=1.0).groups[0].opts["CMA_diagonal"] is True
    assert search().groups[0].opts["CMA_diagonal"] is False


@given(st.permutations([0, 1, 2]), st.integers(1, 3))
def test_a_group_is_the_same_alone_as_among_others(order: list[int], count: int):
    together, some = generations(search(), 4), generations(search(order[:count]), 4)
    for all_of_them, ours in zip(together, some, strict=True):
        assert all(torch.equal(all_of_them[name][order[:count]], x) for name, x in ours.items())


@pytest.mark.parametrize("diagonal", [False, True])
def test_no_global_random_number_is_drawn_and_nothing_is_printed_or_written(
    diagonal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cma_signals.in").write_text("{'timeout': 0}")  # which pycma would read
    before = global_randomness()
    wide = {"x": torch.randn(1, 2, 400, generator=torch.Generator().manual_seed(0))}
    population = CMA(wide, [0], members=6, sigma=0.5, diagonal=diagonal)
    for _ in range(6):
        asked = {name: x.clamp(-1, 1) for name, x in population.ask().items()}
        population.tell(asked, {"bowl": asked["x"].square().sum(dim=2)})
    assert global_randomness() == before
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["cma_signals.in"]


def test_a_member_that_was_put_elsewhere_is_told_where_it_was_put():
    population, seen = search(), []
    for group in population.groups:
        group.tell = lambda points, losses: seen.append((points, losses))
    asked = population.ask()
    sampled = population.sampled.copy()
    clamped = {**asked, "x": asked["x"].clamp(-0.1, 0.1)}
    population.tell(clamped, bowl(clamped))
    for row, (points, losses) in enumerate(seen):
        told = np.stack(points)
        torch.testing.assert_close(torch.from_numpy(told[:, :2]).float(), clamped["x"][row])
        assert np.array_equal(told[:, 2:], sampled[row, :, 2:])  # in full precision, where nothing moved
        torch.testing.assert_close(torch.tensor(losses), bowl(clamped)["bowl"][row])


def test_of_basins_it_is_told_where_its_members_began():
    population, seen = search(basins=True), []
    for group in population.groups:
        group.tell = lambda points, losses: seen.append((points, losses))
    asked = population.ask()
    sampled, ended = population.sampled.copy(), {name: 0.5 * x for name, x in asked.items()}
    population.tell(ended, bowl(ended))
    assert all(np.array_equal(np.stack(points), sampled[row]) for row, (points, _) in enumerate(seen))
    torch.testing.assert_close(torch.tensor([losses for _, losses in seen]), bowl(ended)["bowl"])


def test_members_that_are_not_finite_are_the_worst_and_a_group_without_a_finite_one_goes_on():
    population = search()
    for generation in range(5):
        asked = population.ask()
        losses = bowl(asked)["bowl"]
        losses[0, :3] = torch.inf
        losses[1] = torch.inf if generation == 2 else losses[1]
        population.tell(asked, {"bowl": losses})
    assert all(torch.isfinite(x).all() for x in population.ask().values())


def test_a_single_coordinate_is_searched_too():
    population = CMA({"x": torch.ones(1, 1, 1)}, [0], members=6, sigma=0.5)
    for _ in range(30):
        asked = population.ask()
        assert asked["x"].shape == (1, 6, 1)
        population.tell(asked, {"bowl": (asked["x"][..., 0] - 3).square()})
    assert population.ask()["x"].mean() == pytest.approx(3, abs=0.1)


class Still(ToyGenerator):
    """The disc with a label that decides between two grounds."""

    space: Mapping[str, LatentSpec] = {**ToyGenerator.space, "label": LatentSpec((2,), fd.OneHot())}

    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        label = torch.eye(2)[torch.randint(2, (n,), generator=rng)]
        return {**super().sample(n, rng=rng), "label": label}

    def __call__(self, latents: Latents) -> Tensor:
        return super().__call__(latents) * latents["label"][:, :1, None, None].clamp(0.5, 1)


def test_it_keeps_to_labels_that_are_no_numbers(make_dream: MakeDream):
    states = list(make_dream(Still(16)).iterate("a red disc", method=cma(population=6), steps=4))
    for state in states:
        assert set(state.params["label"].flatten().tolist()) == {0.0, 1.0}


def test_it_begins_at_the_best_of_the_search(dream: FuseDream):
    found = next(dream.iterate("a red disc", basis=1, noise=0.0)).evaluation.latents
    near = next(dream.iterate("a red disc", method=cma(sigma=1e-6), steps=1)).evaluation.latents
    assert all(torch.allclose(near[name], x, atol=1e-4) for name, x in found.items())


def test_a_picture_gets_better(dream: FuseDream):
    states = list(dream.iterate(["red", "blue"], method=cma(population=8), steps=25, augment=NO_VIEWS))
    losses = torch.stack([state.evaluation.primary for state in states])
    assert (losses[-5:].min(dim=0).values < losses[0]).all()


@pytest.mark.parametrize("options", [{}, {"population": 5, "diagonal": True}])
def test_it_keeps_the_contract_of_a_method(options: dict[str, Any]):
    check_method(cma(**options))
