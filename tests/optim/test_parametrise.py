"""From free parameters to latents."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Box, Latents, LatentSpec, OneHot, contains, map_latents, select
from fusedream_sdk.optim.parametrise import BasisMix, Direct

SPACE = {
    "z": LatentSpec((5,), Box(-2.0, 2.0)),
    "y": LatentSpec((2, 3)),
    "text": LatentSpec((4,), frozen=True),
}


def basis(rows: int, k: int, seed: int = 0, size: float = 1.0) -> Latents:
    rng = torch.Generator().manual_seed(seed)
    drawn = {name: size * torch.randn(rows, k, *spec.shape, generator=rng) for name, spec in SPACE.items()}
    return {**drawn, "z": drawn["z"].clamp(-2, 2)}


def test_a_mix_is_the_softmax_of_the_logits_over_the_basis_coordinate_by_coordinate():
    mix = BasisMix(SPACE, basis(2, 3), mix="random", seeds=[8, 9])
    mixed = mix(mix.params)
    logits, points = mix.params["weight.y"], mix.params["basis.y"]
    for row in range(2):
        weights = logits[row, :, 1, 2].exp() / logits[row, :, 1, 2].exp().sum()
        torch.testing.assert_close(mixed["y"][row, 1, 2], (weights * points[row, :, 1, 2]).sum())


def test_the_papers_mixture_is_the_plain_mean_of_the_basis():
    start = basis(3, 5)
    mix = BasisMix(SPACE, start, mix="paper")
    assert mix.params["weight.z"].softmax(dim=1).eq(1 / torch.tensor(5.0)).all()
    torch.testing.assert_close(mix(mix.params)["z"], start["z"].mean(dim=1))


@pytest.mark.parametrize("k", [2, 5, 10])
def test_the_best_mixture_puts_nine_tenths_on_the_best_and_shares_the_rest(k: int):
    weights = BasisMix(SPACE, basis(2, k), mix="best").params["weight.y"].softmax(dim=1)
    torch.testing.assert_close(weights[:, 0], torch.full((2, 2, 3), 0.9))
    torch.testing.assert_close(weights[:, 1:], torch.full((2, k - 1, 2, 3), 0.1 / (k - 1)))


def test_the_random_mixture_comes_from_the_rows_seed_alone():
    start = basis(3, 4)
    together = BasisMix(SPACE, start, mix="random", seeds=[1, 2, 1]).params
    alone = BasisMix(SPACE, select(start, [1]), mix="random", seeds=[2]).params
    for name in ("weight.z", "weight.y"):
        assert torch.equal(together[name][1:2], alone[name])
        assert torch.equal(together[name][0], together[name][2])
        assert not torch.equal(together[name][0], together[name][1])


def test_random_logits_are_standard_normal():
    drawn = BasisMix({"z": LatentSpec((2000,))}, {"z": torch.zeros(1, 5, 2000)}, mix="random", seeds=[0]).params["weight.z"]
    assert drawn.mean().abs() < 0.03
    assert (drawn.std() - 1).abs() < 0.03


@given(st.integers(0, 2**31), st.integers(1, 10), st.floats(0, 50))
def test_a_mix_of_points_in_a_box_stays_in_it_whatever_the_weights(seed: int, k: int, size: float):
    mix = BasisMix(SPACE, basis(2, k, seed, size=3), mix="paper")
    weights = size * torch.randn(2, k, 5, generator=torch.Generator().manual_seed(seed))
    assert contains(mix({**mix.params, "weight.z": weights}), SPACE)


@given(st.integers(0, 2**31))
def test_projecting_parameters_puts_their_latents_inside_and_touches_only_the_basis(seed: int):
    mix = BasisMix(SPACE, basis(2, 3), mix="random", seeds=[0, 1])
    rng = torch.Generator().manual_seed(seed)
    moved = map_latents(lambda x: x + 4 * torch.randn(x.shape, generator=rng), mix.params)
    projected = mix.project(moved)
    assert contains(mix(projected), SPACE)
    assert projected["basis.z"].abs().max() <= 2
    assert all(torch.equal(projected[name], moved[name]) for name in ("basis.y", "weight.z", "weight.y"))


def test_a_basis_of_one_is_the_latent_itself_and_gets_its_gradient():
    start = basis(2, 1)
    mix = BasisMix(SPACE, start)
    direct = Direct(SPACE, map_latents(lambda x: x[:, 0], start))
    for name, x in mix(mix.params).items():
        torch.testing.assert_close(x, direct(direct.params)[name])
    leaf = mix.params["basis.z"].requires_grad_()
    (gradient,) = torch.autograd.grad(mix(mix.params)["z"].square().sum(), leaf)
    torch.testing.assert_close(gradient, 2 * leaf.detach())


@pytest.mark.parametrize("k", [1, 4])
def test_frozen_entries_are_no_parameters_and_pass_unmixed(k: int):
    start = basis(2, k)
    for parametrisation in (BasisMix(SPACE, start), Direct(SPACE, map_latents(lambda x: x[:, 0], start))):
        assert not any("text" in name for name in parametrisation.params)
        assert torch.equal(parametrisation(parametrisation.params)["text"], start["text"][:, 0])
        assert torch.equal(parametrisation(parametrisation.project(parametrisation.params))["text"], start["text"][:, 0])


def test_parameters_do_not_share_memory_with_the_start():
    start = basis(1, 2)
    before = start["z"].clone()
    BasisMix(SPACE, start).params["basis.z"].add_(1)
    Direct(SPACE, map_latents(lambda x: x[:, 0], start)).params["z"].add_(1)
    assert torch.equal(start["z"], before)


def test_direct_projects_every_parameter():
    direct = Direct(SPACE, map_latents(lambda x: x[:, 0], basis(2, 1)))
    projected = direct.project(map_latents(lambda x: x + 10, direct.params))
    assert projected["z"].eq(2).all()
    assert torch.equal(projected["y"], direct.params["y"] + 10)


def test_an_unknown_mixture_is_refused():
    with pytest.raises(InvalidInput, match="mix: expected one of 'best', 'paper', 'random', got worst"):
        BasisMix(SPACE, basis(1, 2), mix="worst")  # pyright: ignore[reportArgumentType]


def test_a_random_mixture_without_a_seed_per_row_is_refused():
    with pytest.raises(InvalidInput, match="seeds: expected one for each of 2 rows, got 0 seeds"):
        BasisMix(SPACE, basis(2, 2), mix="random")


@pytest.mark.parametrize("spec", [LatentSpec((4,), OneHot()), LatentSpec((4,), mixable=False)])
@pytest.mark.parametrize("mix", ["best", "paper", "random"])
def test_what_may_not_be_mixed_is_the_first_basis_latents_and_moves_by_itself(spec: LatentSpec, mix: Any):
    space = {"z": SPACE["z"], "label": spec}
    labels = torch.eye(4)[torch.tensor([[0, 1, 2], [3, 3, 1]])]
    made = BasisMix(space, {"z": basis(2, 3)["z"], "label": labels}, mix=mix, seeds=[1, 2])
    assert set(made.params) == {"basis.z", "weight.z", "basis.label"}
    latents = made(made.params)
    assert torch.equal(latents["label"], labels[:, 0])
    assert contains(latents, space)
    moved = made.project({**made.params, "basis.label": made.params["basis.label"] + 0.3 * torch.rand(2, 1, 4)})
    assert contains(made(moved), space)


def test_where_nothing_may_be_mixed_there_are_no_weights():
    made = BasisMix({"label": LatentSpec((4,), OneHot())}, {"label": torch.eye(4)[None, :2]}, mix="random", seeds=[0])
    assert set(made.params) == {"basis.label"}
