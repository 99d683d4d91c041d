"""The generator's contract, and its equality with taming's own modules."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import contains
from fusedream_sdk.testing import ToyScorer, check_generator
from fusedream_vqgan import load
from fusedream_vqgan.generator import VQGANGenerator
from fusedream_vqgan.network import nearest, straight_through

from .conftest import Reference, need_taming

need_taming()


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def generator(folder: Path) -> VQGANGenerator:
    return load(weights=folder)


def codes_of(reference: Reference, kind: str, images: Tensor) -> Tensor:
    """Code vectors by taming's quantiser; for Gumbel's without its noise."""
    features = reference.quant_conv(reference.encoder(images))
    if kind == "vq":
        return reference.quantize(features)[0]
    index = reference.quantize.proj(features).argmax(dim=1)
    return reference.quantize.get_codebook_entry(index.flatten(), (len(images), *index.shape[1:], 8))


def test_the_generator_keeps_the_contract(generator: VQGANGenerator) -> None:
    check_generator(generator)
    assert generator.resolution == (16, 16)
    assert generator.space["z"].shape == (8, 4, 4)
    assert generator.to("cpu").device == torch.device("cpu")
    assert set(generator.recommended) == {"lr", "noise"}


def test_images_of_encoded_pictures_equal_the_reference(generator: VQGANGenerator, reference: Reference, kind: str) -> None:
    images = torch.rand(3, 3, 16, 16, generator=rng())
    latents = generator.encode(images)
    codes = codes_of(reference, kind, 2 * images - 1)
    assert len(torch.unique(codes.movedim(1, -1).flatten(0, 2), dim=0)) > 1
    torch.testing.assert_close(latents["z"], codes, atol=1e-5, rtol=0)
    expected = ((reference.decode(codes) + 1) / 2).clamp(0, 1)
    torch.testing.assert_close(generator(latents), expected, atol=1e-5, rtol=0)
    assert contains(latents, generator.space)


def test_images_of_vectors_between_codes_equal_those_of_the_reference_quantiser(generator: VQGANGenerator, kind: str) -> None:
    from taming.modules.vqvae.quantize import VectorQuantizer2

    quantiser = VectorQuantizer2(12, 8, beta=0.25)
    quantiser.embedding.weight.data.copy_(generator.model.codebook)
    z = torch.randn(2, 8, 4, 4, generator=rng())
    torch.testing.assert_close(straight_through(z, generator.model.codebook), quantiser(z)[0], atol=1e-5, rtol=0)


def test_samples_are_codes_drawn_evenly(generator: VQGANGenerator) -> None:
    vectors = generator.sample(100, rng=rng())["z"].movedim(1, -1).flatten(0, 2)
    distance, index = torch.cdist(vectors, generator.model.codebook).min(dim=1)
    assert distance.max() < 0.01  # as near as cdist can tell
    assert index.bincount(minlength=12).min() > 60  # of 133 on average


def test_the_constraint_is_the_range_of_the_codebook_channel_by_channel(generator: VQGANGenerator) -> None:
    far = torch.full((1, 8, 4, 4), 1e3)
    projected = generator.space["z"].constraint.project(far)
    torch.testing.assert_close(projected[0, :, 0, 0], generator.model.codebook.amax(dim=0))
    assert not generator.space["z"].constraint.contains(far)


def test_the_gradient_passes_quantisation_as_if_it_were_the_identity() -> None:
    book, z = torch.eye(3), torch.randn(2, 3, 2, 2, generator=rng()).requires_grad_()
    weight = torch.randn(2, 3, 2, 2, generator=rng(1))
    codes = straight_through(z, book)
    (codes * weight).sum().backward()
    assert codes.detach().sort(dim=1).values.eq(torch.tensor([0.0, 0.0, 1.0]).view(1, 3, 1, 1)).all()
    assert z.grad is not None
    assert torch.equal(z.grad, weight)


def test_codes_are_found_in_full_precision_under_autocast() -> None:
    book = 3 + 0.01 * torch.randn(50, 8, generator=rng())  # bfloat16 cannot tell them apart
    index = torch.arange(50).view(2, 5, 5)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(nearest(book[index].movedim(-1, 1), book), index)


@pytest.mark.parametrize("canvas", [(8, 24), (24, 16)])
def test_any_canvas_of_whole_codes_is_drawn(folder: Path, canvas: tuple[int, int]) -> None:
    generator = load(weights=folder, canvas=canvas)
    assert generator.space["z"].shape == (8, canvas[0] // 4, canvas[1] // 4)
    latents = generator.encode(torch.rand(2, 3, *canvas, generator=rng()))
    assert generator(latents).shape == (2, 3, *canvas)
    check_generator(generator, rows=2)


@pytest.mark.parametrize("canvas", [(16, 18), (0, 16), (16,), "16", 16, (16.0, 16.0)])
def test_a_canvas_of_broken_codes_is_refused(folder: Path, canvas: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput, match=r"canvas: expected \(H, W\) in pixels, multiples of the stride 4"):
        load(weights=folder, canvas=canvas)


def test_a_picture_of_another_size_is_not_encoded(generator: VQGANGenerator) -> None:
    with pytest.raises(InvalidInput, match=r"images: expected shape \(B, 3, 16, 16\), got \(1, 3, 16, 20\)"):
        generator.encode(torch.zeros(1, 3, 16, 20))


def test_the_fingerprint_is_of_weights_and_canvas(folder: Path) -> None:
    own = load(weights=folder).fingerprint
    assert load(weights=folder / "last.ckpt", config=folder / "config.yaml").fingerprint == own
    assert load(weights=folder, canvas=(16, 20)).fingerprint != own


def test_a_dream_stays_inside_the_range_of_the_codebook(generator: VQGANGenerator) -> None:
    settings = {"steps": 4, "views": 2, "samples": 8, "bank": 8, "basis": 3, "check_every": 2, "check_views": 2}
    settings |= {"report_views": 2, "lr": 1.0}
    dream = fd.FuseDream(generator=generator, scorer=ToyScorer(8), dtype="float32", settings=settings)
    result = dream.generate("red", seeds=[0, 1], progress=False)
    assert contains(result.latents, generator.space)
    with torch.no_grad():
        torch.testing.assert_close(generator(result.latents), result.images, atol=1e-4, rtol=0)
