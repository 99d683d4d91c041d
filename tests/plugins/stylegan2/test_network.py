"""The network computes what the paper's equations say, for both layouts."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from fusedream_stylegan2.checkpoint import load_checkpoint
from fusedream_stylegan2.layers import Doubled, Mapping, low_pass
from fusedream_stylegan2.network import StyleGAN2

from . import plain
from .conftest import CHANNELS, DEPTH, FILTER, make_nvidia, make_rosinality, save_nvidia, save_rosinality

SIDES = list(CHANNELS)
Both = tuple[Any, plain.Read, int]


def as_stored(state: dict[str, Tensor], name: str) -> Tensor:
    """A state of NVIDIA's, asked by its own names."""
    return state[name].double()


def by_nvidia_names(state: dict[str, Tensor]) -> plain.Read:
    """A state of rosinality's, asked by NVIDIA's names."""

    def theirs(name: str) -> str:
        found = re.fullmatch(r"mapping\.fc(\d+)\.(\w+)", name)
        if found:
            return f"style.{int(found[1]) + 1}.{found[2]}"
        block, layer, rest = re.fullmatch(r"synthesis\.b(\d+)\.(\w+)\.?(.*)", name).groups()  # pyright: ignore
        k = SIDES.index(int(block))
        if layer == "const":
            return "input.input"
        if layer == "torgb":
            own = f"to_rgbs.{k - 1}" if k else "to_rgb1"
            return {"bias": f"{own}.bias"}.get(rest, f"{own}.conv.{rest.replace('affine', 'modulation')}")
        if rest == "noise_const":
            return f"noises.noise_{2 * k - (layer == 'conv0')}"
        own = f"convs.{2 * k - 1 - (layer == 'conv0')}" if k else "conv1"
        named = {"bias": f"{own}.activate.bias", "noise_strength": f"{own}.noise.weight"}
        return named.get(rest, f"{own}.conv.{rest.replace('affine', 'modulation')}")

    def read(name: str) -> Tensor:
        x = state[theirs(name)].double()
        one = {"torgb.bias": lambda x: x.flatten(), "noise_strength": lambda x: x[0], "noise_const": lambda x: x[0, 0]}
        for ending, change in one.items():
            if name.endswith(ending):
                return change(x)
        return x[0] if ".conv.weight" in theirs(name) or name.endswith("const") else x

    return read


@pytest.fixture(params=["nvidia", "rosinality"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Both:
    """A network, its tensors, and the width of its z."""
    if request.param == "nvidia":
        state = make_nvidia()
        checkpoint = load_checkpoint(save_nvidia(tmp_path, state))
        read = partial(as_stored, state)
    else:
        state = make_rosinality()
        checkpoint = load_checkpoint(save_rosinality(tmp_path, state))
        read = by_nvidia_names(state)
    return StyleGAN2(checkpoint.parts, checkpoint.sizes).double(), read, checkpoint.sizes.mapping[0]


def test_the_mapping_network_is_that_of_the_paper(both: Both) -> None:
    network, read, width = both
    z = torch.randn(3, width, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = torch.stack([plain.mapped(read, DEPTH, row) for row in z])
    torch.testing.assert_close(network.mapping(z), expected, atol=1e-6, rtol=1e-5)  # its weights were folded in float32


def test_pictures_of_one_w_for_each_layer_are_those_of_the_equations(both: Both) -> None:
    network, read, _ = both
    width = network.styled[0].style.weight.shape[1]
    w = torch.randn(2, 2 * len(SIDES), width, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    expected = torch.stack([plain.drawn(read, SIDES, row) for row in w])
    assert expected.std() > 0.1
    torch.testing.assert_close(network(w), expected, atol=1e-5, rtol=1e-5)


def test_pictures_do_not_depend_on_the_length_of_a_style_s_kernel(both: Both) -> None:
    """Demodulation makes a convolution blind to its kernel's scale (section 2.2)."""
    network, _, _ = both
    layer = network.styled[1]
    w = torch.randn(1, layer.style.weight.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    x = torch.randn(1, len(layer.weight), 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    before = layer(x, w)
    layer.style.weight.mul_(1000)
    layer.style.bias.mul_(1000)
    torch.testing.assert_close(layer(x, w), before, atol=1e-6, rtol=1e-6)


def test_activations_stay_within_a_bound_where_there_is_one(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(save_nvidia(tmp_path, make_nvidia()))
    networks: list[Any] = [StyleGAN2(checkpoint.parts, checkpoint.sizes, value) for value in (None, 0.5)]
    free, bound = networks
    w = torch.randn(1, 6, 8, generator=torch.Generator().manual_seed(5))
    x = free.styled[0](free.constant, w[:, 0])
    torch.testing.assert_close(bound.styled[0](bound.constant, w[:, 0]), x.clamp(-0.5, 0.5))
    colour = free.colours[0](x, w[:, 1])
    assert colour.abs().max() > 0.5
    torch.testing.assert_close(bound.colours[0](x, w[:, 1]), colour.clamp(-0.5, 0.5))


def test_doubling_a_plain_picture_leaves_it_plain_but_for_its_edge() -> None:
    doubled = Doubled()(torch.ones(1, 3, 4, 4))
    assert doubled.shape == (1, 3, 8, 8)
    torch.testing.assert_close(doubled[..., 1:-1, 1:-1], torch.ones(1, 3, 6, 6))
    torch.testing.assert_close(doubled[..., 0, 1:-1], torch.full((1, 3, 6), 0.75))


def test_the_filter_is_the_published_one() -> None:
    torch.testing.assert_close(low_pass(1.0), FILTER)


def test_the_mapping_network_reads_the_direction_of_z_alone() -> None:
    mapping = Mapping([(torch.eye(4), torch.ones(4))])
    z = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mapping(3 * z), mapping(z), atol=1e-5, rtol=0)


def test_styles_are_computed_in_full_precision_under_autocast(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(save_nvidia(tmp_path, make_nvidia()))
    network: Any = StyleGAN2(checkpoint.parts, checkpoint.sizes)
    z, w = torch.randn(2, 6), torch.randn(2, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert network.mapping(z).dtype == torch.float32
        assert all(x.dtype == torch.float32 for x in network.styled[0].scales(w))
        picture = network(w[:, None].expand(-1, 6, -1))
    assert picture.dtype == torch.float32
    torch.testing.assert_close(picture, network(w[:, None].expand(-1, 6, -1)), atol=0.2, rtol=0)
