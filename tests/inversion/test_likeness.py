"""How far the pictures of latents are from others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.resize import cover
from fusedream_sdk.inversion.likeness import InversionSettings, Likeness, cover_all, recommended_lr
from fusedream_sdk.models.compiled import compiled_generator
from fusedream_sdk.testing import ToyGenerator, random_latents
from tests.inversion.toys import TOY, distance, drawn

TARGETS = torch.stack(drawn(3))
LATENTS = random_latents(TOY, 3, seed=7)


def likeness(targets: Tensor = TARGETS, **weights: float) -> Likeness:
    return Likeness(TOY, targets, distance, InversionSettings(**weights))  # pyright: ignore[reportArgumentType]


def test_the_loss_is_the_weighted_sum_of_its_two_parts_which_are_told_too():
    seen = likeness(pixels=3.0, perceptual=0.5)(LATENTS, step=0)
    square = (TOY(LATENTS) - TARGETS).square().mean(dim=(1, 2, 3))
    torch.testing.assert_close(seen.losses["pixels"], square)
    torch.testing.assert_close(seen.losses["perceptual"], distance(TOY(LATENTS), TARGETS))
    torch.testing.assert_close(seen.primary, 3.0 * square + 0.5 * seen.losses["perceptual"])
    assert next(iter(seen.losses)) == "likeness"
    assert torch.equal(seen.images, TOY(LATENTS))


def test_the_latents_of_a_picture_lose_nothing():
    own = {name: x.clone() for name, x in random_latents(TOY, 3, seed=123).items()}
    assert likeness()(own, step=0).primary.eq(0).all()
    assert (likeness()(LATENTS, step=0).primary > 0).all()


def test_every_row_has_its_own_loss_and_gradient():
    leaves = {name: x.clone().requires_grad_() for name, x in LATENTS.items()}
    loss = likeness()(leaves, step=0).primary
    alone = likeness(TARGETS[1:2])({name: x[1:2] for name, x in LATENTS.items()}, step=0).primary
    torch.testing.assert_close(loss[1:2], alone)
    (gradient,) = torch.autograd.grad(loss[1], leaves["z"])
    assert gradient[1].abs().sum() > 0
    assert not gradient[[0, 2]].any()


def test_some_of_the_targets_may_be_compared_each_as_often_as_it_is_named():
    some = likeness().of([2, 0, 2])
    assert torch.equal(some.targets, TARGETS[[2, 0, 2]])
    latents = {name: x[[0, 1, 0]] for name, x in LATENTS.items()}
    loss = some(latents, step=0).primary
    assert torch.equal(loss[0], loss[2])
    torch.testing.assert_close(loss[1:2], likeness(TARGETS[:1])({n: x[1:2] for n, x in LATENTS.items()}, step=0).primary)


def test_models_run_in_their_precision():
    inside: list[bool] = []

    @contextmanager
    def precision() -> Iterator[None]:
        inside.append(True)
        yield

    whole = Likeness(TOY, TARGETS, distance, InversionSettings(), precision=precision)
    whole(LATENTS, step=0)
    whole.of([0, 1, 2])(LATENTS, step=0)
    assert len(inside) == 2


def test_pictures_of_any_size_cover_the_canvas():
    pictures = [torch.rand(3, 40, 100), torch.rand(3, 32, 32), torch.rand(3, 16, 20)]
    covered = cover_all(TOY, pictures)
    assert covered.shape == (3, 3, 32, 32)
    assert torch.equal(covered[1], pictures[1])
    assert torch.equal(covered[0], cover(pictures[0], (32, 32)))


def test_the_learning_rate_is_the_generators_or_the_papers():
    class Plain(ToyGenerator):
        recommended = {}  # noqa: RUF012

    assert recommended_lr(TOY) == TOY.recommended["lr"] == 0.05
    assert recommended_lr(Plain()) == 5e-3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps: expected an integer of at least 1, got 0"),
        ({"candidates": 1.5}, "candidates: expected an integer"),
        ({"starts": True}, "starts: expected an integer"),
        ({"trial": 0}, "trial: expected an integer"),
        ({"lr": 0}, "lr: expected a positive number"),
        ({"pixels": -1}, "pixels: expected a number of at least 0"),
        ({"perceptual": float("inf")}, "perceptual: expected a number of at least 0"),
        ({"pixels": 0, "perceptual": 0}, "pixels: expected a loss"),
        ({"seed": -1}, "seed: expected an integer from 0"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(changes: dict, message: str):
    with pytest.raises(InvalidInput, match=message):
        InversionSettings(**changes)


def test_an_unknown_setting_is_refused_with_the_nearest():
    with pytest.raises(InvalidInput, match=r"stepz: expected a setting of an inversion: .* Did you mean 'steps'\?"):
        InversionSettings().replace(stepz=3)


def test_settings_survive_json():
    own = InversionSettings(steps=3, lr=0.5, seed=2**63 - 1)
    assert InversionSettings().replace(**json.loads(json.dumps(own.to_json()))) == own


def test_a_compiled_generator_draws_where_a_gradient_is_taken(monkeypatch: pytest.MonkeyPatch):
    calls: list[str] = []
    monkeypatch.setattr(torch, "compile", lambda function, **options: lambda given: calls.append("compiled") or function(given))
    generator = ToyGenerator(16)
    likeness = Likeness(compiled_generator(generator), torch.zeros(1, 3, 16, 16), distance, InversionSettings())
    assert likeness.generator is generator
    latents = random_latents(generator, 1)
    found = likeness.of([0])(latents, step=0).primary
    assert calls == ["compiled"]
    with torch.no_grad():
        assert torch.equal(likeness(latents, step=0).primary, found)
    assert torch.equal(likeness.uncompiled(latents, step=0).primary, found)
    assert calls == ["compiled"]
