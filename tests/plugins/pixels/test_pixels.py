"""Pictures without a prior."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import fusedream_sdk as fd
from fusedream_pixels.direct import DirectPixels
from fusedream_pixels.spectral import GREY, FourierImage, colour_matrix, spectrum_scale
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import rows
from fusedream_sdk.testing import ToyScorer, check_generator, random_latents

BOTH = [DirectPixels, FourierImage]


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("side", [8, 15, 32])
def test_it_keeps_the_contract_of_a_generator_at_even_and_odd_sides(kind: Any, side: int):
    check_generator(kind(side))


@pytest.mark.parametrize(("name", "kind"), [("pixels", DirectPixels), ("fourier", FourierImage)])
def test_it_is_found_by_name_with_its_side(name: str, kind: type):
    assert isinstance(fd.load_generator(name, side=16), kind)
    assert fd.load_generator(name).resolution == (64, 64)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("side", [0, 7, 5000, 64.0, True, "64"])
def test_a_side_that_no_picture_has_is_refused(kind: Any, side: Any):
    with pytest.raises(InvalidInput, match="side: expected an integer from 8 to 4096"):
        kind(side)


@pytest.mark.parametrize("kind", BOTH)
def test_a_saturated_picture_still_has_a_gradient(kind: Any):
    generator = kind(8)
    latents = {name: (3 * x).requires_grad_() for name, x in random_latents(generator, 1).items()}
    images = generator(latents)
    (x,) = latents.values()
    (gradient,) = torch.autograd.grad(images.sum(), x)
    assert images.min() >= 0
    assert images.max() <= 1
    assert (gradient != 0).float().mean() > 0.8


@pytest.mark.parametrize("kind", BOTH)
def test_the_identity_is_that_of_the_settings(kind: Any):
    assert kind(16).fingerprint == kind(16).fingerprint != kind(32).fingerprint


def test_the_two_are_different_generators():
    assert DirectPixels(16).fingerprint != FourierImage(16).fingerprint


@pytest.mark.parametrize("kind", BOTH)
def test_a_picture_comes_nearer_to_its_prompt_with_the_recommended_settings(kind: Any):
    dream = fd.FuseDream(generator=kind(16), scorer=ToyScorer(8), dtype="float32")
    quick: dict[str, Any] = {"views": 2, "check_views": 2, "report_views": 4}
    before, after = (dream.generate("red", steps=steps, progress=False, **quick) for steps in (1, 40))
    assert dream.settings.basis == 1
    assert rows(after.latents) == 1
    assert after.scores["augclip"] > before.scores["augclip"] + 0.1


@pytest.mark.parametrize("side", [15, 32])
def test_a_spectrum_of_unit_variance_gives_planes_of_the_stated_contrast(side: int):
    spectrum = torch.randn(400, side, side // 2 + 1, 2, generator=torch.Generator().manual_seed(0))
    planes = torch.fft.irfft2(torch.view_as_complex(spectrum) * spectrum_scale(side), s=(side, side), norm="ortho")
    # the imaginary parts of real coefficients do not count: up to 2 % of the power
    assert planes.square().mean().sqrt() == pytest.approx(GREY, rel=0.2)


def test_a_frequency_twice_as_high_is_half_as_strong():
    scale = spectrum_scale(64)
    assert scale[0, 8] == pytest.approx(2 * float(scale[0, 16]))
    assert scale[8, 0] == pytest.approx(float(scale[0, 8]))
    assert scale[0, 0] == scale[0, 1]


def test_equal_planes_give_colours_that_agree_with_each_other():
    colour = colour_matrix()
    covariance = colour @ colour.T
    assert covariance.trace() == pytest.approx(3)
    assert (covariance[~torch.eye(3, dtype=torch.bool)] > 0.5).all()


def test_samples_of_fourier_are_smoother_than_samples_of_pixels():
    def roughness(generator: Any) -> float:
        images = generator(random_latents(generator, 4))
        return float(images.diff(dim=3).square().mean() / images.var())

    assert roughness(FourierImage(32)) < 0.5 * roughness(DirectPixels(32))


@pytest.mark.parametrize("side", [16, 15])
@pytest.mark.parametrize("kind", BOTH)
def test_a_picture_is_encoded_to_half_a_step_of_eight_bits(kind: Any, side: int):
    generator = kind(side)
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    images[0, :, 0], images[0, :, 1] = 0.0, 1.0
    assert (generator(generator.encode(images)) - images).abs().max() < 0.51 / 255
    with pytest.raises(InvalidInput, match=r"images: expected shape \(B, 3, \d+, \d+\), got .*set side="):
        generator.encode(images[:, :, 1:])
