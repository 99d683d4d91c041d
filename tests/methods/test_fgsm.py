"""The fast gradient sign method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import fusedream_pixels
import fusedream_sdk as fd
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.methods.fgsm import EPSILON, Pixels, Signed, fgsm, logits
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring.views import NO_VIEWS, Views
from fusedream_sdk.testing import ToyScorer, check_method

SIDE = 16
BYTE = 1 / 255


def pixel_dream(**settings: Any) -> FuseDream:
    return FuseDream(generator=fusedream_pixels.pixels(side=SIDE), scorer=ToyScorer(8), settings=settings)


def picture(seed: int = 0) -> torch.Tensor:
    drawn = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    drawn[:, :4], drawn[:, 4:8] = 0.0, 1.0  # black and white, which no sigmoid reaches
    return drawn


def start(shown: torch.Tensor) -> dict[str, torch.Tensor]:
    return fusedream_pixels.pixels(side=SIDE).encode(shown[None])


def test_its_constants_are_those_of_its_sources():
    settings = fgsm().settings_for(Settings(), {})
    assert pytest.approx(8 / 255) == EPSILON == settings.lr  # Madry et al. 2018
    assert (settings.steps, settings.noise, settings.keep, settings.augment) == (1, 0.0, "last", NO_VIEWS)
    assert fgsm(score="augclip").settings_for(Settings(), {}).augment == Views()


def test_every_colour_moves_by_epsilon_or_to_the_end_of_the_range():
    shown = picture()
    before = fusedream_pixels.pixels(side=SIDE)(start(shown))[0]
    after = pixel_dream().generate("red", method="fgsm", start=start(shown), progress=False).images[0]
    moved = (after - before).abs()
    assert moved.max() <= EPSILON + BYTE
    inner = (before > EPSILON + BYTE) & (before < 1 - EPSILON - BYTE)
    torch.testing.assert_close(moved[inner], torch.full_like(moved[inner], EPSILON), atol=1e-4, rtol=0)
    black, white = after[:, :4], after[:, 4:8]
    assert ((black < BYTE) | ((black - EPSILON).abs() < BYTE)).all()
    assert ((white > 1 - BYTE) | ((1 - white - EPSILON).abs() < BYTE)).all()
    assert (black > BYTE).any()  # black and white have a gradient too
    assert (white < 1 - BYTE).any()


@pytest.mark.parametrize("score", ["plain", "augclip"])
def test_the_score_that_is_asked_for_rises(score: Any):
    dream = pixel_dream(views=16)
    method = fgsm(epsilon=0.02, score=score)
    result = dream.generate("red", method=method, start=start(picture()), progress=False)
    scorer = ToyScorer(8)
    pictures = torch.stack([fusedream_pixels.pixels(side=SIDE)(start(picture()))[0], result.images[0]])
    plain = scorer.encode_image(torch.nn.functional.avg_pool2d(pictures, 2)) @ scorer.encode_text(["red"])[0]
    assert plain[1] > plain[0] + 0.01
    assert result.history["augclip"].shape == (2, 1)


def test_a_picture_of_the_user_is_where_it_begins(tmp_path: Path):
    shown = torch.full((3, SIDE, SIDE), 0.5)
    to_pil(shown).save(tmp_path / "grey.png")
    dream = FuseDream(generator=fusedream_pixels.pixels(side=SIDE), scorer=ToyScorer(8), perceptual="scorer")
    after = dream.generate("red", method="fgsm?epsilon=0.1", start=tmp_path / "grey.png", progress=False).images[0]
    assert (after - 0.5).abs().max() == pytest.approx(0.1, abs=0.02)


def test_of_another_generator_every_number_of_the_latents_moves(dream: FuseDream):
    states = list(dream.iterate("red", method=fgsm(epsilon=0.125)))
    assert len(states) == 2
    for name, x in states[0].params.items():
        moved = (states[1].params[name] - x).abs()
        assert torch.allclose(moved, torch.full_like(moved, 0.125)) or moved.max() <= 0.1251


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_a_sign_knows_nothing_of_the_gradient_s_size(seed: int, scale: float):
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(seed)).requires_grad_()
    signs = [Signed()({"loss": (factor * x.square()).flatten(1).sum(dim=1)}, {"x": x})["x"] for factor in (1.0, scale)]
    assert torch.equal(signs[0], x.detach().sign())
    assert torch.equal(signs[0], signs[1])


def test_colours_are_drawn_as_they_are_to_half_a_step_of_8_bits():
    colours = torch.linspace(0, 1, 256).requires_grad_()
    drawn = torch.sigmoid(logits(colours))
    assert (drawn - colours).abs().max() <= BYTE / 2 + 1e-6
    (gradient,) = torch.autograd.grad(drawn.sum(), colours)
    torch.testing.assert_close(gradient, torch.ones(256), atol=1e-3, rtol=0)  # at black and white too


def test_colours_are_put_back_into_their_range():
    pixels = Pixels({"rgb": torch.zeros(1, 3, 2, 2)})
    assert torch.equal(pixels.params["rgb"], torch.full((1, 3, 2, 2), 0.5))
    projected = pixels.project({"rgb": torch.tensor([-0.1, 0.5, 1.1])})["rgb"]
    assert torch.equal(projected, torch.tensor([0.0, 0.5, 1.0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": 0}, "epsilon: expected a number above 0 and at most 1, got 0"),
        ({"epsilon": 2}, "epsilon: expected a number above 0 and at most 1, got 2"),
        ({"score": "clip"}, "score: expected one of 'plain', 'augclip', got clip"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        fgsm(**options)


@pytest.mark.parametrize("name", ["steps", "lr", "samples", "basis", "views", "keep"])
def test_it_has_no_use_for_other_numbers(name: str, dream: FuseDream):
    with pytest.raises(InvalidInput, match=f"{name}: expected nothing, as fgsm has no use for it"):
        dream.generate("red", method="fgsm", **{name: getattr(Settings(), name)})


def test_it_is_drawn_again_from_its_picture(toys: Path, tmp_path: Path):
    result = fd.FuseDream("toy").generate("red", method="fgsm?epsilon=0.1", progress=False)
    (path,) = result.save(tmp_path / "a.png")
    again = fd.replay(path, progress=False)
    assert again.pil[0].tobytes() == result.pil[0].tobytes()


@pytest.mark.parametrize("score", ["plain", "augclip"])
def test_it_keeps_the_contract_of_a_method(score: Any):
    check_method(fgsm(score=score))
