"""ReNO: a reward climbed in the noise, and the noise kept as likely as a Gaussian's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import fusedream_sdk as fd
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.methods.reno import NORM, PUBLISHED, REWARD, REWARDS, Rewarded, gaussian_names, reno
from fusedream_sdk.optim.directions import Clipped, WeightedSum
from fusedream_sdk.optim.optimisers import Momentum
from fusedream_sdk.protocols import Evaluation
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import direct, drawn
from fusedream_sdk.scoring.augclip import reno_norm
from fusedream_sdk.scoring.views import NO_VIEWS
from fusedream_sdk.testing import ToyConditioned, ToyGenerator, check_method


class Noisy(ToyGenerator):
    """The toy disc from latents without constraints, as noise is."""

    space: Mapping[str, fd.LatentSpec] = {"z": fd.LatentSpec((4,)), "colour": fd.LatentSpec((3,))}


def test_its_constants_are_those_of_the_public_code():
    method = reno()  # arguments.py: lr 5, 50 iterations, grad_clip 0.1, reg_weight 0.01; optim.py: momentum 0.9, nesterov
    settings = method.settings_for(Settings(), {})
    assert (settings.steps, settings.lr, settings.noise, settings.samples, settings.basis) == (50, 5.0, 0.0, 1, 1)
    assert settings.augment == NO_VIEWS
    made = method.optimiser(settings)([torch.zeros(1)])
    assert isinstance(made, Momentum)
    assert (made.lr, made.momentum, made.nesterov) == (5.0, 0.9, True)
    assert isinstance(method.direction, Clipped)
    assert method.direction.norm == 0.1
    assert isinstance(method.direction.direction, WeightedSum)
    assert method.direction.direction.weights == {REWARD: 1.0, NORM: 1.0}
    assert method.objective.keywords == {"penalty": 0.01}  # pyright: ignore[reportFunctionMemberAccess]
    assert (method.starts, method.parametrise) == (drawn, direct)


def test_the_weights_of_rewards_are_the_published_ones_in_the_units_of_the_scorers_here():
    assert PUBLISHED == {"clip": 0.01, "hpsv2": 5.0, "imagereward": 1.0, "pickscore": 0.05}
    clip = "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"  # rewards/clip.py
    assert {clip: 1.0, "hpsv2": 5.0, "imagereward": 1.0, "pickscore": 5.0} == REWARDS


def test_its_numbers_may_be_left_to_the_models():
    settings = reno(published=False).settings_for(Settings(steps=7, lr=0.5), {})
    assert (settings.steps, settings.lr, settings.augment) == (7, 0.5, NO_VIEWS)


def test_it_penalises_what_is_optimised_and_without_a_constraint():
    assert gaussian_names(ToyConditioned.space) == ["colour"]
    assert gaussian_names(Noisy.space) == ["z", "colour"]


def test_its_losses_are_the_reward_and_the_penalty(make_dream):
    state = next(make_dream(Noisy(16)).iterate(["red", "blue"], method=reno()))
    losses, latents = state.evaluation.losses, state.evaluation.latents
    assert list(losses) == [REWARD, NORM]
    expected = sum(reno_norm(name)(latents) for name in ("z", "colour"))
    torch.testing.assert_close(losses[NORM], expected)


@given(st.lists(st.floats(-4, 4), min_size=3, max_size=6).filter(lambda z: math.hypot(*z) > 0.1))
def test_the_penalty_pulls_a_norm_to_the_likeliest(values: list[float]):
    z = torch.tensor([values], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(reno_norm("z", 1.0)({"z": z}).sum(), z)
    radius = z.detach().norm()
    torch.testing.assert_close(slope, z.detach() * (1 - (len(values) - 1) / radius**2))


def test_the_kept_point_is_that_of_the_best_reward_whatever_its_norm(make_dream):
    states = list(make_dream(Noisy(16)).iterate("red", method=reno(penalty=10), steps=12))
    rewards = torch.stack([state.evaluation.losses[REWARD] for state in states])
    torch.testing.assert_close(states[-1].best.loss, rewards.min(dim=0).values)


def test_a_row_moves_no_further_than_the_clip_allows(make_dream):
    states = list(make_dream(Noisy(16)).iterate(["red", "blue"], method=reno(momentum=0), steps=3))
    for one, two in pairwise(states):
        moved = [(two.params[name] - one.params[name]).flatten(1) for name in one.params]
        assert (torch.cat(moved, dim=1).norm(dim=1) <= 5.0 * 0.1 + 1e-5).all()


def test_it_raises_the_reward_of_a_draw(make_dream):
    states = list(make_dream(Noisy(16)).iterate(["red", "blue", "green"], method=reno(), steps=20, lr=1.0))
    assert (states[-1].best.loss < states[0].evaluation.losses[REWARD] - 0.02).all()


def test_without_a_gaussian_latent_nothing_is_penalised():
    point = Evaluation({"z": torch.zeros(2, 4)}, torch.zeros(2, 3, 4, 4), {REWARD: torch.ones(2)})
    found = Rewarded(lambda latents, *, step: point, [])(point.latents, step=0)
    assert torch.equal(found.losses[NORM], torch.zeros(2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"penalty": -1}, "penalty: expected"),
        ({"clip": 0}, "clip: expected a positive number, got 0"),
        ({"momentum": 2}, "momentum: expected"),
    ],
)
def test_a_constant_that_cannot_be_is_refused(options: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        reno(**options)


@pytest.mark.parametrize("name", ["views", "bank", "basis", "samples", "noise"])
def test_it_has_no_use_for_views_search_and_noise(name: str, make_dream):
    with pytest.raises(InvalidInput, match=f"{name}: expected nothing, as reno has no use for it"):
        make_dream().generate("red", method=reno(), **{name: getattr(Settings(), name)})


def test_it_keeps_the_contract_of_a_method():
    check_method(reno())
