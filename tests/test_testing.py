"""The contract checks that plugin authors call, and the toy models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, PluginContractError
from fusedream_sdk.latents import Latents
from fusedream_sdk.methods.base import Method
from fusedream_sdk.models.checks import check_first_use, conditioned
from fusedream_sdk.optim.directions import Descent
from fusedream_sdk.protocols import Generator, Params, Reward, Scorer
from fusedream_sdk.run.task import Task, drawn
from fusedream_sdk.scoring.target import PromptTarget
from fusedream_sdk.testing import (
    ToyConditioned,
    ToyGenerator,
    ToyReward,
    ToyScorer,
    check_generator,
    check_method,
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
    check_first_use(ToyConditioned(16), ToyReward())


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


def test_a_conditioned_toy_draws_the_tint_of_its_prompt():
    generator = ToyConditioned(16)
    drawn = generator.sample(2, rng=torch.Generator().manual_seed(0), prompts=["a rose", "moon"])
    assert conditioned(generator)
    assert drawn["tint"].tolist() == [[1, 1, 1], [0, 0, 2]]
    assert drawn["z"].abs().max() <= 0.5
    white = generator({**drawn, "tint": drawn["tint"] + 9})
    assert (white > generator(drawn)).any()


def test_a_method_is_tried_on_models_that_it_may_not_take_for_granted(own_cache: Path):
    seen = set()

    def starts(task: Task) -> Latents:
        seen.add((type(task.generator).__name__, isinstance(task.rows.target, PromptTarget)))
        return drawn(task)

    check_method(Method(starts=starts, settings={"basis": 1}))
    assert seen == {("ToyConditioned", True), ("ToyGenerator", False)}
    assert not list(own_cache.rglob("*"))


def needs_embeddings(task: Task) -> Latents:
    return task.engine.bank(task.settings).latents(task.generator, torch.zeros(len(task.rows), 1, dtype=torch.long))


def ignores_prompts(task: Task) -> Latents:
    one = task.generator.sample(len(task.rows), rng=torch.Generator().manual_seed(task.rows.seeds[0]))
    return {name: x.unsqueeze(1) for name, x in one.items()}


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (Method(starts=needs_embeddings), "to draw with ToyConditioned and ToyScorer, got InvalidInput: bank: expected"),
        (Method(starts=ignores_prompts), r"expected starts of shape \(3, 1, 3\) for 'tint', got \(0, 1\)"),
        (
            Method(direction=lambda losses, params: {"z": params["z"]}),
            "to draw with ToyConditioned and ToyScorer, got KeyError",
        ),
        (Method(settings={"views": 0}), "method.settings: .* views: expected an integer of at least 1, got 0"),
    ],
)
def test_a_faulty_method_is_told_its_fault(method: Method, message: str):
    """The whole table: tests/methods/test_checks.py."""
    with pytest.raises(PluginContractError, match=message):
        check_method(method)


@pytest.mark.parametrize("steps", [1, 5])
def test_a_method_is_tried_for_as_many_steps_as_one_likes(steps: int):
    counted = []

    def penalised(losses: Any, params: Params) -> Params:
        counted.append(0)
        return Descent()(losses, params)

    check_method(Method(direction=penalised), steps=steps)
    assert len(counted) == 12 * steps  # together, again, from other seeds and each of three rows alone, on two pairs


def test_no_steps_are_no_check():
    with pytest.raises(InvalidInput, match="steps: expected an integer of at least 1, got 0"):
        check_method(Method(), steps=0)
