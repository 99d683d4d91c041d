"""The non-deep BigGAN from its files: real formats load, bad ones say what is wrong."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_pretrained_biggan import BigGAN
from torch import Tensor

import fusedream_sdk as fd
from fusedream_biggan import load, shallow_256
from fusedream_biggan.shapes import Shapes, read_shapes
from fusedream_sdk.errors import InvalidInput, WeightsError

from .conftest import converted, make_shallow, narrow, write

Tensors = dict[str, Tensor]
PUBLISHED = {  # tables 4 to 6 of Brock et al. 2019, with 96 channels
    128: Shapes((1536, 1536, 768, 384, 192, 96), frozenset({3}), 20, 128, 1000),
    256: Shapes((1536, 1536, 768, 768, 384, 192, 96), frozenset({4}), 20, 128, 1000),
    512: Shapes((1536, 1536, 768, 768, 384, 192, 96, 96), frozenset({3}), 16, 128, 1000),
}


@pytest.fixture
def file(tmp_path: Path, shallow: Tensors) -> Path:
    """A small BigGAN of 32 px."""
    return write(tmp_path / "G_ema.pth", OrderedDict(shallow))


# numbers of parameters and entries of BigGAN-PyTorch's Generator with the configuration of its TFHub/converter.py
@pytest.mark.parametrize(
    ("pixels", "z_dim", "parameters", "entries"),
    [(128, 120, 70_433_988, 125), (256, 140, 82_097_604, 146), (512, 128, 82_296_804, 167)],
)
def test_published_sizes_are_recognised(pixels: int, z_dim: int, parameters: int, entries: int) -> None:
    tensors = PUBLISHED[pixels].entries()
    shapes = read_shapes(tensors, Path("G_ema.pth"))
    assert shapes == PUBLISHED[pixels]
    assert (shapes.name, shapes.resolution, shapes.z_dim) == (f"biggan-{pixels}", pixels, z_dim)
    buffers = ("u0", "stored_mean", "stored_var")
    assert sum(value.numel() for name, value in tensors.items() if not name.endswith(buffers)) == parameters
    assert len(tensors) == entries


def test_the_sizes_are_read_from_the_shapes_of_a_file(file: Path) -> None:
    generator = load(weights=file)
    assert generator.resolution == (32, 32)
    assert generator.space["z"].shape == (12,)
    assert generator.space["y"].shape == (6,)
    assert generator.recommended == {"lr": 5e-3, "noise": 0.01}


def test_classes_are_rows_of_the_shared_embedding_or_gaussian(file: Path, shallow: Tensors) -> None:
    rng = torch.Generator().manual_seed(0)
    uniform = load(weights=file).sample(50, rng=rng)
    assert {tuple(y.tolist()) for y in uniform["y"]} == {tuple(y.tolist()) for y in shallow["shared.weight"]}
    assert uniform["z"].abs().max() <= 2
    torch.testing.assert_close(load(weights=file).class_latents(3), shallow["shared.weight"][[3]])
    gaussian = load(weights=file, classes="gaussian").sample(500, rng=rng)["y"]
    torch.testing.assert_close(gaussian.std().item(), 1.0, atol=0.05, rtol=0)


@pytest.mark.parametrize("name", ["biggan.pth", "biggan.pt", "biggan.safetensors"])
@pytest.mark.parametrize("form", [dict, converted])
def test_every_form_of_the_weights_is_the_same_generator(
    file: Path, shallow: Tensors, name: str, form: Callable[[Tensors], Tensors]
) -> None:
    first, second = load(weights=file), load(weights=write(file.with_name(name), form(shallow)))
    latents = first.sample(2, rng=torch.Generator().manual_seed(0))
    assert first.fingerprint == second.fingerprint
    torch.testing.assert_close(first(latents), second(latents), atol=1e-5, rtol=0)


def change(name: str, value: Any) -> Callable[[Tensors], Any]:
    return lambda tensors: {**tensors, name: value}


def without(*parts: str) -> Callable[[Tensors], Any]:
    return lambda tensors: {name: value for name, value in tensors.items() if not name.startswith(parts)}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without("blocks.1.0.bn1.gain"), "a biggan-32 .*: 2 missing .first: 'blocks.1.0.bn1.gain.u0'"),
        (change("extra", torch.ones(1)), "a biggan-32 .*: 1 unexpected .first: 'extra'"),
        (without("blocks.1."), "'blocks.1.0.conv1.weight' is missing. Expected the generator's state dict"),
        (without("blocks."), "'blocks.0.0.conv1.weight' is missing"),
        (without("shared"), "'shared.weight' is missing"),
        (change("linear.weight", torch.ones(4)), r"linear.weight: expected 2 dimensions, got shape \(4,\)"),
        (change("linear.bias", torch.ones(4)), r"linear.bias: expected shape \(256,\), got \(4,\)"),
        (change("linear.bias", torch.full((256,), torch.nan)), "linear.bias: expected finite"),
        (change("linear.u0", torch.zeros(1, 256)), "a spectral norm is zero"),
        (lambda _: {"embed.weight": torch.ones(5, 8), "blocks.0.0.conv1.weight": torch.ones(1)}, "Expected the generator's"),
        (lambda _: {"b": torch.ones(1), "a": torch.ones(1)}, "'blocks.0.0.conv1.weight' is missing and 'a' is unexpected. Exp"),
        (change("blocks.0.0.conv4.weight", torch.ones(1)), "BigGAN-PyTorch's BigGAN-deep, which is not read"),
        (change("blocks.0.0.bn1.bn.stored_mean", torch.ones(1)), "trained with --mybn or --cross_replica"),
        (lambda tensors: {"state_dict": tensors}, "expected a mapping of names to tensors"),
    ],
)
def test_other_weights_are_refused(file: Path, shallow: Tensors, spoil: Callable[[Tensors], Any], message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        load(weights=write(file, spoil(shallow)))


def test_weights_of_a_biggan_deep_ask_for_its_folder(folder: Path, model: BigGAN) -> None:
    with pytest.raises(WeightsError, match=r"BigGAN-deep of pytorch-pretrained-biggan. Give the folder"):
        load(weights=folder / "pytorch_model.bin")


class Bomb:
    """What an attacker would pickle."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, ("touch ran",)


def test_code_in_a_file_is_refused_and_does_not_run(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    with pytest.raises(WeightsError, match="was refused"):
        load(weights=write(file, {"shared.weight": Bomb()}))
    assert not (file.parent / "ran").exists()


def test_a_file_that_was_cut_short_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="damaged"):
        load(weights=file)


@pytest.mark.parametrize("options", [{"truncation": 0.5}, {"revision": "main"}, {"architecture": "biggan-1"}])
def test_options_that_cannot_be_used_are_refused(file: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        load(weights=file, **options)


def test_another_architecture_than_the_one_asked_for_is_refused(file: Path, folder: Path) -> None:
    with pytest.raises(InvalidInput, match=r"architecture: expected 'biggan-32', as .* holds one, got biggan-256"):
        load(weights=file, architecture="biggan-256")
    with pytest.raises(InvalidInput, match=r"architecture: expected 'biggan-deep', as .* holds one, got biggan-256"):
        load(weights=folder, architecture="biggan-256")
    assert load(weights=folder, architecture="biggan-deep").resolution == (16, 16)


def test_a_resolution_by_name_needs_its_file_and_says_where_it_is(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"biggan-256.pth.*https://drive.google.com/.*weights='biggan-256.pth'"):
        shallow_256()
    file = write(tmp_path / "biggan-128.pth", make_shallow(narrow(128)))
    assert fd.load_generator("biggan-128", weights=file).resolution == (128, 128)
    with pytest.raises(InvalidInput, match="architecture: expected 'biggan-128'"):
        fd.load_generator("biggan-512", weights=file)
    assert fd.load_generator(str(file)).resolution == (128, 128)
