"""The generator's contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_pretrained_biggan import BigGAN

from fusedream_biggan import load
from fusedream_biggan.generator import BigGANGenerator
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Box, Free, contains
from fusedream_sdk.protocols import Generator
from fusedream_sdk.testing import check_generator

from .conftest import TINY, make_shallow, save, write


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def generator(folder: Path) -> BigGANGenerator:
    return load(weights=folder)


def test_generator_satisfies_the_protocol(generator: BigGANGenerator) -> None:
    assert isinstance(generator, Generator)
    assert generator.resolution == (16, 16)
    assert generator.recommended == {"lr": 5e-3, "noise": 0.01}
    assert generator.to("cpu").device == torch.device("cpu")
    assert not generator.compilable  # on a CPU


def test_images_are_in_range_and_equal_the_package(generator: BigGANGenerator, model: BigGAN) -> None:
    latents = generator.sample(3, rng=rng(), classes=[0, 4, 2])
    images = generator(latents)
    assert images.shape == (3, 3, 16, 16)
    assert ((images >= 0) & (images <= 1)).all()
    with torch.no_grad():
        expected = (model(latents["z"], torch.eye(5)[[0, 4, 2]], 1.0) + 1) / 2
    torch.testing.assert_close(images, expected, atol=1e-4, rtol=0)


def test_gradient_reaches_both_latents_and_no_other_row(generator: BigGANGenerator) -> None:
    latents = {name: x.requires_grad_() for name, x in generator.sample(2, rng=rng()).items()}
    generator(latents)[0].sum().backward()
    for x in latents.values():
        assert x.grad is not None
        assert x.grad[0].abs().sum() > 0
        assert x.grad[1].abs().sum() == 0


@pytest.mark.parametrize("truncation", [1.0, 0.4])
def test_samples_are_clamped_normals_times_truncation(folder: Path, truncation: float) -> None:
    generator = load(weights=folder, truncation=truncation)
    latents = generator.sample(500, rng=rng())
    assert contains(latents, generator.space, atol=0)
    torch.testing.assert_close(latents["z"].max().item(), 2 * truncation)
    torch.testing.assert_close(latents["z"].std().item(), truncation * 0.95, atol=0.03, rtol=0)


def test_uniform_classes_are_embeddings_of_the_model_and_gaussian_ones_are_normal(folder: Path, model: BigGAN) -> None:
    uniform = load(weights=folder).sample(100, rng=rng())["y"]
    distances = torch.cdist(uniform, model.embeddings.weight.detach().T)
    assert distances.min(dim=1).values.max() < 1e-3
    assert len(distances.argmin(dim=1).unique()) == 5
    gaussian = load(weights=folder, classes="gaussian").sample(500, rng=rng())["y"]
    torch.testing.assert_close(gaussian.std().item(), 1.0, atol=0.05, rtol=0)


def test_samples_depend_on_the_given_rng_alone(generator: BigGANGenerator) -> None:
    first = generator.sample(3, rng=rng(7))
    torch.manual_seed(123)
    state = torch.get_rng_state()
    again = generator.sample(3, rng=rng(7))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_classes_are_chosen_by_index_or_name(tmp_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    names = ["ant", "bee", "cat", "dog", "elk"]
    extras = {"class_names": names, "recommended": {"lr": 0.02}, "description": "five animals"}
    generator = load(weights=save(tmp_path, {**TINY, **extras}, tensors))
    assert generator.class_names == tuple(names)
    assert generator.recommended == {"lr": 0.02, "noise": 0.01}
    torch.testing.assert_close(generator.class_latents("cat"), tensors["embeddings.weight"].T[[2]])
    torch.testing.assert_close(generator.sample(2, rng=rng(), classes="bee")["y"], generator.class_latents([1, 1]))


@pytest.mark.parametrize("classes", [5, -1, "cat", [0, 9]])
def test_unknown_classes_are_refused(generator: BigGANGenerator, classes: Any) -> None:
    with pytest.raises(InvalidInput, match="indices from 0 to 4"):
        generator.class_latents(classes)


def test_number_of_chosen_classes_has_to_fit_the_rows(generator: BigGANGenerator) -> None:
    with pytest.raises(InvalidInput, match="one for each of 3 rows"):
        generator.sample(3, rng=rng(), classes=[0, 1])


@pytest.mark.parametrize(
    "options", [{"truncation": 0.0}, {"truncation": 1.5}, {"classes": "all"}, {"sha256": "abc"}, {"revision": "main"}]
)
def test_options_that_cannot_be_used_are_refused(folder: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        load(weights=folder, **options)


def test_fingerprint_is_of_content_and_settings(folder: Path, tmp_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    own = load(weights=folder).fingerprint
    assert load(weights=save(tmp_path / "other", TINY, tensors, format="safetensors")).fingerprint == own
    assert load(weights=folder, truncation=0.5).fingerprint != own
    assert load(weights=folder, classes="gaussian").fingerprint != own
    tensors["generator.gen_z.bias"][0] += 1
    assert load(weights=save(tmp_path / "changed", TINY, tensors)).fingerprint != own


@pytest.fixture(scope="module")
def layered(folder: Path) -> BigGANGenerator:
    return load(weights=folder, layers=True)


def test_layers_have_a_z_and_shares_of_all_classes_each(layered: BigGANGenerator) -> None:
    assert {name: spec.shape for name, spec in layered.space.items()} == {"z": (5, 8), "classes": (5, 5)}  # the first, 4 blocks
    assert layered.space["z"].constraint == Free()
    assert layered.space["classes"].constraint == Box(0.0, 1.0)
    check_generator(layered)


def test_layers_that_are_alike_draw_the_picture_of_a_single_latent(
    layered: BigGANGenerator, generator: BigGANGenerator
) -> None:
    latents = layered.sample(3, rng=rng())
    assert all(torch.equal(x, x[:, :1].expand_as(x)) for x in latents.values())
    assert (latents["classes"].sum(dim=2) == 1).all()
    torch.testing.assert_close(layered(latents), generator(generator.sample(3, rng=rng())), atol=1e-5, rtol=0)
    named = layered.sample(2, rng=rng(), classes=[3, 1])["classes"]
    assert named.argmax(dim=2).tolist() == [[3] * 5, [1] * 5]


def test_each_layer_is_drawn_by_its_own_latents_as_big_sleep_draws_them(layered: BigGANGenerator, model: BigGAN) -> None:
    z, shares = torch.randn(2, 5, 8, generator=rng(1)), torch.rand(2, 5, 5, generator=rng(2))
    with torch.no_grad():
        expected = torch.cat([restated(model, z[row], shares[row]) for row in range(2)])
    torch.testing.assert_close(layered({"z": z, "classes": shares}), expected, atol=1e-4, rtol=0)


def restated(model: BigGAN, z: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """One picture by the package's own layers, the first by the first latent, every block by the next."""
    conditions = iter(torch.cat([z, model.embeddings(shares)], dim=1))
    network: Any = model.generator
    x = network.gen_z(next(conditions)[None]).view(-1, 4, 4, 16 * network.config.channel_width).permute(0, 3, 1, 2)
    for layer in network.layers:
        x = layer(x, next(conditions)[None], 1.0) if type(layer).__name__ == "GenBlock" else layer(x)
    x = network.relu(network.bn(x, 1.0))
    return (torch.tanh(network.conv_to_rgb(x)[:, :3]) + 1) / 2


def test_the_same_weights_with_layers_are_another_generator(layered: BigGANGenerator, generator: BigGANGenerator) -> None:
    assert layered.fingerprint != generator.fingerprint


def test_layers_are_those_of_a_biggan_deep(folder: Path, tmp_path: Path) -> None:
    shallow = write(tmp_path / "biggan.pth", make_shallow())
    message = "layers: expected False, as a BigGAN that is not deep splits one z .* Take a BigGAN-deep: biggan-deep-256.layers"
    with pytest.raises(InvalidInput, match=message):
        load(weights=shallow, layers=True)
    with pytest.raises(InvalidInput, match="classes: expected 'uniform', as layers have shares of classes, and no embedding"):
        load(weights=folder, layers=True, classes="gaussian")
    with pytest.raises(InvalidInput, match="layers: expected True or False, got many"):
        load(weights=folder, layers="many")  # pyright: ignore[reportArgumentType]
