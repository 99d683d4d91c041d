"""Reading files: two layouts, strictly, and never running code."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.cli import main
from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_stylegan2 import load
from fusedream_stylegan2.checkpoint import load_checkpoint
from fusedream_stylegan2.files import locate

from .conftest import CHANNELS, DEPTH, W, Z, make_nvidia, make_rosinality, save_nvidia, save_rosinality

WORDS: dict[str, Any] = {
    "mapping.fc0.bias_gain": 0.01,
    "synthesis.b4.conv1.activation": "lrelu",
    "synthesis.b4.conv1.conv_clamp": 256,
    "synthesis.b4.torgb.conv_clamp": 256,
}


def test_it_is_found_by_its_name_with_its_weights_and_options(tmp_path: Path) -> None:
    path = save_rosinality(tmp_path, make_rosinality())
    assert "stylegan2" in fd.list_generators()
    generator = fd.load_generator(f"stylegan2:{path}?space=w%2B".replace("%2B", "+"))
    assert generator.resolution == (16, 16)
    assert generator.space["w"].shape == (6, Z)
    assert fd.load_generator(f"stylegan2:{tmp_path}").space["w"].shape == (Z,)


def test_sizes_are_those_of_the_shapes(tmp_path: Path) -> None:
    theirs = load_checkpoint(save_rosinality(tmp_path, make_rosinality())).sizes
    assert (theirs.layout, theirs.mapping, theirs.channels) == ("rosinality", (Z,) * (DEPTH + 1), tuple(CHANNELS.values()))
    nvidia = load_checkpoint(save_nvidia(tmp_path, make_nvidia())).sizes
    assert (nvidia.layout, nvidia.mapping, nvidia.channels) == ("nvidia", (Z, 7, 7, W), tuple(CHANNELS.values()))
    assert (nvidia.resolution, nvidia.layers) == (16, 6)


def test_the_mean_of_w_is_the_file_s_where_it_has_one(tmp_path: Path) -> None:
    mean = torch.arange(float(Z))
    assert torch.equal(load(weights=save_rosinality(tmp_path, make_rosinality(), latent_avg=mean)).mean, mean)
    state = make_nvidia()
    assert torch.equal(load(weights=save_nvidia(tmp_path / "b", state)).mean, state["mapping.w_avg"])


def test_a_mean_of_another_width_or_not_finite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="latent_avg: expected 6 values, got 5"):
        load(weights=save_rosinality(tmp_path, make_rosinality(), latent_avg=torch.zeros(5)))
    with pytest.raises(WeightsError, match="latent_avg: expected finite numbers"):
        load(weights=save_rosinality(tmp_path, make_rosinality(), latent_avg=torch.full((6,), torch.nan)))


def test_a_file_with_the_options_of_a_training_is_refused_and_converted(tmp_path: Path) -> None:
    state = make_rosinality()
    plain = load(weights=save_rosinality(tmp_path / "plain", state)).fingerprint
    path = save_rosinality(tmp_path, state, g=state, args=argparse.Namespace(size=16), ada_aug_p=0.1)
    with pytest.raises(WeightsError, match=r"wants to run 'argparse.Namespace'.* fusedream convert .*--trust"):
        load(weights=path)
    assert main(["convert", str(path), str(path.with_suffix(".safetensors")), "--trust"]) == 0
    assert load(weights=path.with_suffix(".safetensors")).fingerprint == plain


def test_a_network_pickled_by_nvidia_is_refused_and_converted(tmp_path: Path, pickled: Any) -> None:
    state = make_nvidia()
    path = pickled(state, WORDS)
    with pytest.raises(WeightsError, match=r"pickled with its code, which was refused.* fusedream convert .*--trust"):
        load(weights=path)
    target = tmp_path / "converted" / "network.safetensors"
    target.parent.mkdir()
    assert main(["convert", str(path), str(target)]) == 2
    assert main(["convert", str(path), str(target), "--trust"]) == 0
    assert load_file(target).keys() == state.keys()
    checkpoint = load_checkpoint(target)
    assert checkpoint.bound == 256
    for name, value in checkpoint.parts.items():
        assert torch.equal(value, state[name]), name
    assert load_checkpoint(save_nvidia(tmp_path / "bare", state)).bound is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"synthesis.b4.conv1.activation": "swish"}, "expected a StyleGAN2 with leaky ReLU"),
        ({"mapping.fc0.bias_gain": 1.0}, "a mapping network with the factor 0.01"),
        ({"a.conv_clamp": 256, "b.conv_clamp": 128}, "one bound"),
        ({"a.conv_clamp": "much"}, "expected a bound of the activations above 0, got 'much'"),
        ({"a": [1]}, "expected numbers and words of its layers"),
    ],
)
def test_words_of_a_network_that_is_not_drawn_here_are_refused(words: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=message):
        load(weights=save_nvidia(tmp_path, make_nvidia(), json.dumps(words)))


def without(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (without(make_rosinality(), "convs.0.noise.weight"), r"1 missing \(first: 'convs.0.noise.weight'\)"),
        (without(make_rosinality(), "conv1.conv.weight"), r"1 missing \(first: 'conv1.conv.weight'\)"),
        (without(make_rosinality(), "style.1.weight"), r"1 missing \(first: 'style.1.weight'\)"),
        ({**make_rosinality(), "extra": torch.zeros(1)}, r"1 unexpected \(first: 'extra'\)"),
        ({**make_rosinality(), "to_rgb1.bias": torch.zeros(3)}, r"to_rgb1.bias: expected shape \(1, 3, 1, 1\), got \(3,\)"),
        ({**make_rosinality(), "input.input": torch.zeros(1, 8, 4, 7)}, r"expected shape \(1, 8, 4, 4\), got \(1, 8, 4, 7\)"),
        ({**make_rosinality(), "conv1.conv.weight": torch.zeros(8, 3, 3)}, "conv1.conv.weight: expected 5 axes"),
        ({**make_rosinality(), "style.1.weight": torch.zeros(0, 6)}, "none of length 0"),
        ({**make_rosinality(), "to_rgbs.0.upsample.kernel": torch.ones(4, 4)}, "expected the filter 1, 3, 3, 1"),
        ({"weight": torch.zeros(1)}, "expected a StyleGAN2 of rosinality.* got a file with 'weight'"),
        ({}, "got a file with nothing"),
        ({"synthesis.input.freqs": torch.zeros(1)}, "It is a StyleGAN3"),
        ({**make_nvidia(), "mapping.embed.weight": torch.zeros(7, 10)}, "without classes, got one that is told a class"),
    ],
)
def test_another_network_is_told_by_its_first_wrong_entry(state: dict[str, Tensor], message: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=message):
        load(weights=save_rosinality(tmp_path, state))


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="expected a file or a folder; there is no"):
        locate(tmp_path / "nothing.pt")
    with pytest.raises(WeightsError, match=r"expected one .safetensors, .pt or .pth file in the .*; it holds nothing\.$"):
        locate(tmp_path)
    for name in ("a.pt", "b.pt"):
        (tmp_path / name).touch()
    with pytest.raises(WeightsError, match=r"it holds a.pt, b.pt. Name one of them."):
        locate(tmp_path)
    (tmp_path / "c.safetensors").touch()
    assert locate(tmp_path) == tmp_path / "c.safetensors"
    assert locate(tmp_path / "a.pt") == tmp_path / "a.pt"


def test_a_digest_is_compared(tmp_path: Path) -> None:
    path = save_rosinality(tmp_path, make_rosinality())
    with pytest.raises(WeightsError, match="sha256: expected 0000"):
        load(weights=path, sha256="0" * 64)
    with pytest.raises(InvalidInput, match="sha256: expected 64 hexadecimal digits"):
        load(weights=path, sha256="abc")


def test_a_truncated_file_says_so(tmp_path: Path, pickled: Any) -> None:
    for path in (save_rosinality(tmp_path, make_rosinality()), pickled(make_nvidia(), {})):
        path.write_bytes(path.read_bytes()[:-2000])
        assert main(["convert", str(path), str(tmp_path / "out.safetensors"), "--trust"]) == 2
    with pytest.raises(WeightsError, match="damaged or cut short"):
        load(weights=tmp_path / "made.pt")
