"""The entries of a BigGAN-deep by its configuration: those of the state dict of pytorch-pretrained-biggan's BigGAN."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from fusedream_biggan.config import Config
from fusedream_biggan.shapes import Sizes


def entries(config: Config) -> dict[str, Tensor]:
    """Name -> tensor of the right shape and no content, for all weights.

    Raises:
        RuntimeError: sizes that no tensor can have.
    """
    width, condition = config.channel_width, 2 * config.z_dim
    sizes: Sizes = {"embeddings.weight": (config.z_dim, config.num_classes)}
    sizes |= biased("generator.gen_z", 16 * 16 * width, condition)
    for name, layer in config.chain():
        sizes |= attention(name, layer) if isinstance(layer, int) else block(name, layer[1], layer[2], config)
    sizes |= statistics("generator.bn", width, config) | {f"generator.bn.{part}": (width,) for part in ("weight", "bias")}
    sizes |= biased("generator.conv_to_rgb", width, width, 3, 3)
    return {name: torch.empty(size, device="meta") for name, size in sizes.items()}


def block(name: str, before: int, after: int, config: Config) -> Sizes:
    """A residual block: four convolutions, a quarter of the channels between them, each after a norm."""
    inner = before // 4
    sizes: Sizes = {}
    for i, (inputs, outputs, side) in enumerate(((before, inner, 1), (inner, inner, 3), (inner, inner, 3), (inner, after, 1))):
        norm = f"{name}bn_{i}"
        sizes |= statistics(norm, inputs, config)
        for part in ("scale", "offset"):
            sizes |= normed(f"{norm}.{part}", inputs, 2 * config.z_dim)
        sizes |= biased(f"{name}conv_{i}", outputs, inputs, side, side)
    return sizes


def attention(name: str, channels: int) -> Sizes:
    """Self-attention: queries and keys of an eighth of the channels, values of half of them."""
    sizes: Sizes = {f"{name}gamma": (1,)}
    for part, outputs in (("theta", channels // 8), ("phi", channels // 8), ("g", channels // 2)):
        sizes |= normed(f"{name}snconv1x1_{part}", outputs, channels, 1, 1)
    return sizes | normed(f"{name}snconv1x1_o_conv", channels, channels // 2, 1, 1)


def statistics(name: str, channels: int, config: Config) -> Sizes:
    """A batch norm's means and variances."""
    return {f"{name}.{part}": (config.n_stats, channels) for part in ("running_means", "running_vars")}


def normed(name: str, *size: int) -> Sizes:
    """A weight under spectral norm."""
    return {f"{name}.weight_orig": size, f"{name}.weight_u": size[:1], f"{name}.weight_v": (prod(size[1:]),)}


def biased(name: str, *size: int) -> Sizes:
    """A weight under spectral norm, and a bias."""
    return normed(name, *size) | {f"{name}.bias": size[:1]}
