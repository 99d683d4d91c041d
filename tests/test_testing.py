"""The contract checks that plugin authors call, and the toy models."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_sdk.errors import PluginContractError
from fusedream_sdk.latents import Latents
from fusedream_sdk.protocols import Generator, Reward, Scorer
from fusedream_sdk.testing import (
    ToyGenerator,
    ToyReward,
    ToyScorer,
    check_generator,
    check_perceptual,
    check_scorer,
    random_latents,
)


def distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().mean(dim=(1, 2, 3))


def test_the_toys_keep_their_contracts():
    check_generator(ToyGenerator(16))
    check_scorer(ToyScorer(8))
    check_perceptual(distance)


def test_the_toys_satisfy_the_protocols_and_a_reward_is_no_scorer():
    assert isinstance(ToyGenerator(), Generator)
    assert isinstance(ToyScorer(), Scorer)
    assert isinstance(ToyReward(), Reward)
    assert not isinstance(ToyReward(), Scorer)


class Generating(ToyGenerator):
    """A toy with a fault."""

    def __init__(self, sample: Callable | None = None, draw: Callable = lambda x: x) -> None:
        super().__init__(16)
        self._sample, self._draw = sample, draw

    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        return self._sample(super().sample, n, rng) if self._sample else super().sample(n, rng=rng)

    def __call__(self, latents: Latents) -> Tensor:
        return self._draw(super().__call__(latents))


@pytest.mark.parametrize(
    ("generator", "message"),
    [
        (Generating(lambda draw, n, rng: draw(n, rng=torch.Generator().manual_seed(torch.seed() % 2**31))), "other randomness"),
        (Generating(lambda draw, n, rng: draw(n, rng=torch.Generator().manual_seed(1))), "ignores `rng`"),
        (Generating(lambda draw, n, rng: {"z": torch.zeros(n, 4)}), "generator.sample: expected the entries"),
        (Generating(draw=lambda x: 2 * x - 1), r"expected images in \[0, 1\]"),
        (Generating(draw=lambda x: x.detach()), "expected images with a gradient"),
        (Generating(draw=lambda x: (x + x.mean(dim=0)) / 2), "generator: expected a row alone to equal the row in a batch"),
    ],
)
def test_a_faulty_generator_is_told_its_fault(generator: Generating, message: str):
    with pytest.raises(PluginContractError, match=message):
        check_generator(generator)


class Scoring(ToyScorer):
    """A toy with a fault."""

    def __init__(self, text: Callable = lambda x: x, image: Callable = lambda x: x) -> None:
        super().__init__(8)
        self._text, self._image = text, image

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        return self._text(ToyScorer(8).encode_text(prompts))

    def encode_image(self, images: Tensor) -> Tensor:
        return self._image(super().encode_image(images))


def rotated(x: Tensor) -> Tensor:
    """Unit rows that depend on how many there are."""
    return x.roll(len(x), dims=1)


@pytest.mark.parametrize(
    ("scorer", "message"),
    [
        (Scoring(text=lambda x: 2 * x), "scorer.encode_text: expected unit norms"),
        (Scoring(image=lambda x: x[0]), "scorer.encode_image: expected shape"),
        (Scoring(text=lambda x: F.normalize(x[:, :5], dim=1)), "scorer: expected one size of embedding, got 5"),
        (Scoring(image=lambda x: x.detach() + 0 * x), "expected a finite gradient to the images"),
        (Scoring(text=rotated), "scorer.encode_text: expected a row alone"),
        (Scoring(image=rotated), "scorer.encode_image: expected a row alone"),
    ],
)
def test_a_faulty_scorer_is_told_its_fault(scorer: Scoring, message: str):
    with pytest.raises(PluginContractError, match=message):
        check_scorer(scorer)


@pytest.mark.parametrize(
    ("perceptual", "message"),
    [
        (lambda a, b: distance(a, b).mean(), r"expected shape \(3,\)"),
        (lambda a, b: -distance(a, b), "expected a positive distance"),
        (lambda a, b: distance(a, b) + 1, "expected 0 between a picture and itself"),
        (lambda a, b: distance(a.detach(), b) + 0 * a.sum(), "expected a finite gradient to the first"),
        (lambda a, b: distance(a, b.detach()), "expected a finite gradient to the second"),
        (lambda a, b: distance(a, b).detach(), "expected a finite gradient to the first"),
        (lambda a, b: (a - b).abs().amax(dim=(1, 2, 3)).sqrt() * (0 * a.sum(dim=(1, 2, 3))).sqrt().add(1), "a finite gradient"),
        (lambda a, b: distance(a, b) * len(a), "perceptual: expected a row alone to equal the row in a batch"),
    ],
)
def test_a_faulty_distance_is_told_its_fault(perceptual: Callable, message: str):
    with pytest.raises(PluginContractError, match=message):
        check_perceptual(perceptual)


def test_seeded_latents_are_the_same_each_time():
    a, b = random_latents(ToyGenerator(), 3, seed=2), random_latents(ToyGenerator(), 3, seed=2)
    assert all(torch.equal(a[name], b[name]) for name in a)
