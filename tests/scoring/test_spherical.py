"""Squared angles in place of cosines."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.scoring.spherical import SphericalTarget, spherical
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.testing import ToyReward, ToyScorer

SCORER = ToyScorer(8)


def pictures(n: int, seed: int = 0) -> Tensor:
    return torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def target_of(*prompts: str | Prompt) -> SphericalTarget:
    asked = [Prompt(p) if isinstance(p, str) else p for p in prompts]
    made = spherical(make_target(SCORER, asked), asked)
    assert isinstance(made, SphericalTarget)
    return made


def angles(images: Tensor, word: str) -> Tensor:
    return (SCORER.encode_image(images) @ SCORER.encode_text([word])[0]).double().clamp(-1, 1).arccos().float()


def test_the_score_is_minus_half_the_squared_angle():
    found = target_of("red", "blue")(pictures(3), torch.tensor([0, 1, 0]))
    expected = torch.stack([angles(pictures(3), "red"), angles(pictures(3), "blue")])[[0, 1, 0], [0, 1, 2]]
    torch.testing.assert_close(found, -expected.square() / 2, atol=1e-4, rtol=1e-4)


@given(st.floats(-2, 2).filter(lambda w: abs(w) > 0.1))
def test_the_angles_of_several_parts_add_up_by_their_shares(weight: float):
    found = target_of(Prompt("red") + weight * Prompt("white"), "blue")(pictures(2), torch.tensor([0, 0]))
    halves = (angles(pictures(2), word).square() / 2 for word in ("red", "white"))
    expected = sum(share * half for share, half in zip((1.0, weight), halves, strict=True))
    torch.testing.assert_close(found, -torch.as_tensor(expected) / (1 + abs(weight)), atol=1e-4, rtol=1e-4)


def test_a_row_alone_is_the_row_among_others():
    whole = target_of("red | white:-0.3", "blue", "green | red | white")
    row = torch.tensor([1, 0, 2])
    for i in range(3):
        alone = whole.take([int(row[i])])(pictures(3)[i : i + 1], torch.tensor([0]))
        torch.testing.assert_close(alone, whole(pictures(3), row)[i : i + 1])
    assert whole.resolution == 8


def test_a_text_is_not_encoded_again_where_it_is_known():
    asked = [Prompt("red"), Prompt("blue")]
    plain = make_target(SCORER, asked)
    mute: Any = type("Mute", (ToyScorer,), {"encode_text": lambda self, prompts: 1 / 0})(8)
    made = spherical(plain.seen_by(mute), asked)
    assert torch.isfinite(made(pictures(2), torch.tensor([0, 1]))).all()


def test_the_gradient_is_finite_at_both_ends():
    for sign in (1.0, -1.0):
        embedding = torch.zeros(1, 1, 4)
        embedding[..., 0] = sign

        class Fixed(ToyScorer):
            def encode_image(self, images: Tensor) -> Tensor:
                return torch.nn.functional.normalize(images.flatten(1)[:, :4], dim=1)

        picture = torch.zeros(1, 3, 8, 8)
        picture[0, 0, 0, 0] = 1.0
        picture.requires_grad_()
        score = SphericalTarget(Fixed(8), embedding, torch.ones(1, 1))(picture, torch.tensor([0]))
        assert float(score.detach()) == pytest.approx(0.0 if sign > 0 else -(math.pi**2) / 2, abs=2e-2)
        assert torch.isfinite(torch.autograd.grad(score.sum(), picture)[0]).all()


def test_a_reward_has_no_angles_and_stays_as_it_is():
    target = make_target(ToyReward(), ["red"])
    assert spherical(target, [Prompt("red")]) is target
