"""The faults that real scorers, rewards and distances came with, each with an error of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_sdk.errors import PluginContractError
from fusedream_sdk.models.contract_scorer import check_perceptual, check_reward, check_scorer
from fusedream_sdk.testing import ToyReward, ToyScorer


class Scoring(ToyScorer):
    """A toy with a fault."""

    def __init__(self, text: Callable = lambda x: x, image: Callable = lambda x: x, given: Callable = lambda x: x) -> None:
        super().__init__(8)
        self._text, self._image, self._given = text, image, given

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        return self._text(ToyScorer(8).encode_text(prompts))

    def encode_image(self, images: Tensor) -> Tensor:
        return self._image(ToyScorer(8).encode_image(self._given(images)))


def strict(images: Tensor) -> Tensor:
    if images.min() < 0 or images.max() > 1:
        raise ValueError("pixel values must be in [0, 1]")
    return images


def root(images: Tensor) -> Tensor:
    """As of a gamma curve: not a number below 0."""
    return (images + 1e-3).sqrt()


def in_place(images: Tensor) -> Tensor:
    images.data.sub_(0.5)
    return images


def noisy(x: Tensor) -> Tensor:
    return F.normalize(x + 0.1 * torch.randn_like(x), dim=1)


CALLS = count()


def noisy_by_itself(x: Tensor) -> Tensor:
    return F.normalize(x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(next(CALLS))), dim=1)


def from_four(x: Tensor) -> Tensor:
    return F.normalize(x + x.mean(dim=0), dim=1) if len(x) >= 4 else x


FAULTS: dict[str, tuple[Any, str]] = {
    "stochastic image": (Scoring(image=noisy), "scorer.encode_image: expected no use of torch's global random state.* eval"),
    "stochastic text": (Scoring(text=noisy), "scorer: expected no use of torch's global random state"),
    "own noise": (Scoring(image=noisy_by_itself), "scorer.encode_image: expected the same answer twice, got two"),
    "own noise in text": (Scoring(text=noisy_by_itself), "scorer.encode_text: expected the same answer twice, got two"),
    "prompt-blind": (
        Scoring(text=lambda x: x[:1].expand_as(x) * 0 + 24**-0.5),
        "expected other embeddings for other prompts, got",
    ),
    "refuses": (Scoring(given=strict), r"got ValueError: pixel values must be in \[0, 1\]. Views leave \[0, 1\]"),
    "nan below 0": (Scoring(given=root), r"scorer.encode_image: expected unit norms, got nan.* Views leave \[0, 1\]"),
    "not unit": (Scoring(image=lambda x: 7 * x), "scorer.encode_image: expected unit norms, got 7 to 7"),
    "not unit text": (Scoring(text=lambda x: 7 * x), "scorer.encode_text: expected unit norms, got 7 to 7"),
    "no gradient": (Scoring(image=Tensor.detach), "scorer.encode_image: expected a finite gradient .*got none"),
    "zero gradient": (Scoring(image=lambda x: x.detach() + 0 * x), "scorer.encode_image: expected a finite gradient"),
    "in place": (Scoring(given=in_place), "scorer.encode_image: expected what it is given to stay as it was"),
    "mixing from 4": (Scoring(image=from_four), "scorer.encode_image: expected a row alone to equal the row in a batch"),
    "mixing text": (Scoring(text=from_four), "scorer.encode_text: expected a row alone to equal the row in a batch.*Padding"),
}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_fault_of_a_scorer_is_found_and_has_an_error_of_its_own(fault: str):
    scorer, message = FAULTS[fault]
    with pytest.raises(PluginContractError, match=message):
        check_scorer(scorer)


def test_a_reward_is_told_that_it_is_one():
    with pytest.raises(PluginContractError, match=r"got a Reward \(ToyReward\). Check it with check_reward"):
        check_scorer(ToyReward())


def test_a_side_that_is_none_is_named():
    scorer = ToyScorer(8)
    scorer.resolution = (8, 8)  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(PluginContractError, match=r"scorer.resolution: expected the side of a square, in pixels, got \(8, 8\)"):
        check_scorer(scorer)


class Layered(ToyScorer):
    """With the optional layers."""

    def __init__(self, change: Callable[[Tensor], Any]) -> None:
        super().__init__(8)
        self.change = change

    def layers(self, images: Tensor) -> Any:
        return self.change(images)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x, r"expected a list of \(B, N, D\) or \(B, D, h, w\), got Tensor"),
        (lambda x: [], "expected a list of"),
        (lambda x: [x, x[:1]], r"got \[\(5, 3, 8, 8\), \(1, 3, 8, 8\)\]"),
        (lambda x: [x.flatten(1)], r"got \[\(5, 192\)\]"),
        (lambda x: [x.detach()], "expected finite features with a gradient"),
        (lambda x: 3, "got int"),
    ],
)
def test_layers_that_are_none_are_named(change: Callable[[Tensor], Any], message: str):
    with pytest.raises(PluginContractError, match=f"scorer.layers: .*{message}"):
        check_scorer(Layered(change))
    check_scorer(Layered(lambda x: [x, x.flatten(2).transpose(1, 2)]))


class Rewarding(ToyReward):
    """A reward with a fault."""

    def __init__(self, change: Callable[[Tensor, Tensor], Any]) -> None:
        self.change = change

    def score(self, images: Tensor, prompts: Sequence[str]) -> Any:
        return self.change(super().score(images, prompts), images)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, images: x[:, None], r"reward.score: expected shape \(5,\), got \(5, 1\)"),
        (lambda x, images: float(x.detach().sum()), r"reward.score: expected shape \(5,\), got float"),
        (lambda x, images: x.log(), "reward.score: expected finite scores"),
        (lambda x, images: x.detach(), "reward.score: expected a finite gradient to the images that is not zero, got none"),
        (lambda x, images: x + x.mean() if len(x) > 3 else x, "reward.score: expected a row alone to equal the row in a batch"),
        (lambda x, images: x + torch.rand(len(x)), "reward.score: expected no use of torch's global random state"),
        (lambda x, images: x + 0 * strict(images).sum(), r"got ValueError: pixel values .* Views leave \[0, 1\]"),
        (lambda x, images: x[:, None] @ x[None, 1:3, None], "got RuntimeError|got IndexError"),
    ],
)
def test_a_fault_of_a_reward_is_found(change: Callable[[Tensor, Tensor], Any], message: str):
    with pytest.raises(PluginContractError, match=message):
        check_reward(Rewarding(change))


def test_a_reward_may_be_blind_to_prompts_and_is_given_one_for_each_picture():
    check_reward(ToyReward())
    check_reward(Rewarding(lambda x, images: images.mean(dim=(1, 2, 3))))
    with pytest.raises(PluginContractError, match=r"reward: expected the members resolution, score; .* lacks \['score'\]"):
        check_reward(ToyScorer())


def distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().mean(dim=(1, 2, 3))


@pytest.mark.parametrize(
    ("perceptual", "message"),
    [
        (lambda a, b: distance(a, b) + 0.01 * torch.rand(len(a)), "perceptual: expected no use of torch's global random state"),
        (lambda a, b: distance(in_place(a), b), "perceptual: expected what it is given to stay as it was"),
        (lambda a: a.mean(), r"an answer to perceptual\(\(3, 3, 64, 64\) float32, \(3, 3, 64, 64\) float32\), got TypeError"),
        (lambda a, b: 0.5, r"perceptual: expected shape \(3,\), got float"),
        ("lpips", "perceptual: expected a function of two pictures, got a str"),
    ],
)
def test_a_fault_of_a_distance_is_found(perceptual: Any, message: str):
    """The others: tests/test_testing.py."""
    with pytest.raises(PluginContractError, match=message):
        check_perceptual(perceptual)
