"""Reading checkpoints: real formats load, bad ones say what is wrong."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_pretrained_biggan import BigGANConfig

from fusedream_biggan import deep_128, load
from fusedream_sdk.errors import WeightsError

from .conftest import TINY, make_model, save

Tensors = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BigGAN-deep-128 with the package's own config, in both formats."""
    folder = tmp_path_factory.mktemp("deep") / "biggan-deep-128"
    config, tensors = BigGANConfig().to_dict(), dict(make_model({}).state_dict())
    save(folder, config, tensors)
    save(folder.with_name("safe"), config, tensors, format="safetensors")
    return folder


def test_a_biggan_deep_128_loads_and_draws_from_either_format(deep: Path) -> None:
    first, second = load(weights=deep), load(weights=deep.with_name("safe"))
    latents = first.sample(1, rng=torch.Generator().manual_seed(0))
    with torch.no_grad():
        image = first(latents)
        torch.testing.assert_close(image, second(latents), atol=1e-5, rtol=0)
    assert image.shape == (1, 3, 128, 128)
    assert image.std() > 0.01
    assert first.fingerprint == second.fingerprint


def test_a_pretrained_name_is_served_from_its_cache_folder_without_a_network(deep: Path) -> None:
    assert deep_128(cache_dir=deep.parent).resolution == (128, 128)


def test_half_precision_is_read_as_float32(tmp_path: Path, tensors: Tensors) -> None:
    half = {name: value.half() for name, value in tensors.items()}
    generator = load(weights=save(tmp_path, TINY, half, format="safetensors"))
    assert generator.network.embeddings.dtype == torch.float32
    torch.testing.assert_close(generator.network.embeddings, half["embeddings.weight"].T.float())


def test_safetensors_are_preferred_to_a_pickle(tmp_path: Path, tensors: Tensors) -> None:
    save(tmp_path, TINY, tensors, format="safetensors")
    (tmp_path / "pytorch_model.bin").write_bytes(b"never read")
    assert load(weights=tmp_path).resolution == (16, 16)


def test_a_right_digest_is_accepted_and_a_wrong_one_refused(folder: Path) -> None:
    digest = hashlib.sha256((folder / "pytorch_model.bin").read_bytes()).hexdigest()
    load(weights=folder, sha256=digest.upper())
    with pytest.raises(WeightsError, match=f"sha256: expected {'0' * 64}, but .* has {digest}"):
        load(weights=folder, sha256="0" * 64)


class Bomb:
    """What an attacker would pickle."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, ("touch ran",)


@pytest.mark.parametrize("protocol", [None, 2, 4])
def test_a_pickle_with_code_is_refused_and_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int | None
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path, TINY, {"embeddings.weight": Bomb()})  # pyright: ignore[reportArgumentType]
    if protocol is not None:
        (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(), protocol=protocol))
    with pytest.raises(WeightsError, match=r"expected tensors alone, but .*, which was refused") as caught:
        load(weights=tmp_path)
    assert protocol == 4 or f"wants to run '{os.system.__module__}.system'" in str(caught.value)
    assert not (tmp_path / "ran").exists()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("format", ["bin", "safetensors"])
@pytest.mark.parametrize("damage", [cut, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"junk" * 9)])
def test_damaged_files_are_refused(tmp_path: Path, tensors: Tensors, format: str, damage: Callable[[Path], object]) -> None:
    save(tmp_path, TINY, tensors, format=format)
    damage(tmp_path / ("pytorch_model.bin" if format == "bin" else "model.safetensors"))
    with pytest.raises(WeightsError, match=r"damaged"):
        load(weights=tmp_path)


def change(tensors: Tensors, name: str, value: Any) -> Tensors:
    return {**tensors, name: value}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: {k: v for k, v in t.items() if "bn_1" not in k}, "missing .first: 'generator.layers.0.bn_1.*offset"),
        (lambda t: change(t, "extra.bias", torch.ones(1)), "1 unexpected .first: 'extra.bias'"),
        (lambda t: change(t, "embeddings.weight", torch.ones(8, 4)), r"embeddings.weight: expected shape \(8, 5\)"),
        (lambda t: change(t, "embeddings.weight", torch.full((8, 5), torch.nan)), "embeddings.weight: expected finite"),
        (lambda t: {"state": t}, "expected a mapping of names to tensors"),
        (lambda t: list(t.values()), "expected a mapping of names to tensors"),
    ],
)
def test_tensors_of_another_model_are_refused(tmp_path: Path, tensors: Tensors, spoil: Any, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        load(weights=save(tmp_path, TINY, spoil(tensors)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chanel_width": 16}, "'chanel_width' is unknown. Did you mean 'channel_width'"),
        ({"z_dim": None}, "'z_dim' is missing"),
        ({"z_dim": "8"}, "z_dim: expected a positive integer, got '8'"),
        ({"layers": []}, "layers: expected a list"),
        ({"layers": [[False, 16]]}, "layers: expected a list"),
        ({"layers": [[True, 8, 1]]}, r"layers\[0\] = \[True, 8, 1\] does not follow on 16"),
        ({"layers": [[True, 16, 8], [True, 8, 4]]}, "expected the last to have 1 output, got 4"),
        ({"output_dim": 32}, "output_dim: expected 16 by the layers, got 32"),
        ({"eps": 0}, "eps: expected a small positive number"),
        ({"n_stats": 1}, "n_stats: expected an integer above 1"),
        ({"class_names": ["one"]}, "class_names: expected a list of 5 names"),
        ({"recommended": 3}, "recommended: expected an object"),
    ],
)
def test_a_config_that_does_not_describe_a_biggan_is_refused(
    tmp_path: Path, tensors: Tensors, changes: dict[str, Any], message: str
) -> None:
    config = {name: value for name, value in {**TINY, **changes}.items() if value is not None}
    with pytest.raises(WeightsError, match=message):
        load(weights=save(tmp_path, config, tensors))


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "\x00"])
def test_a_config_that_is_no_json_object_is_refused(tmp_path: Path, tensors: Tensors, text: str) -> None:
    (save(tmp_path, TINY, tensors) / "config.json").write_text(text)
    with pytest.raises(WeightsError, match="expected a JSON object"):
        load(weights=tmp_path)
