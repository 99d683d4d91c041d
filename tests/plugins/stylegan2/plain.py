"""StyleGAN2 restated from the paper's equations, one row and one layer at a time, in double precision.

Section 2.2: s_i scales feature map i of the weights (equation 1), each output is divided by the norm of its weights
(equation 3). Figure 7: every resolution adds its colours to those of the last, doubled. Noise and bias are added after the
normalisation (figure 2c), then comes a leaky ReLU of slope 0.2 times the square root of 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Read = Callable[[str], Tensor]
"""A tensor by NVIDIA's name for it, in double precision."""


def activated(x: Tensor) -> Tensor:
    return math.sqrt(2) * torch.where(x > 0, x, 0.2 * x)


def mapped(read: Read, depth: int, z: Tensor) -> Tensor:
    x = z / (z.pow(2).mean() + 1e-8).sqrt()
    for i in range(depth):
        weight, bias = read(f"mapping.fc{i}.weight"), read(f"mapping.fc{i}.bias")
        x = activated(0.01 / math.sqrt(weight.shape[1]) * weight @ x + 0.01 * bias)
    return x


def style(read: Read, layer: str, w: Tensor) -> Tensor:
    weight = read(f"{layer}.affine.weight")
    return weight @ w / math.sqrt(len(w)) + read(f"{layer}.affine.bias")


def doubled(x: Tensor) -> Tensor:
    """(C, H, W) with zeros between its pixels, then the filter 1, 3, 3, 1 along both axes, which adds up to 2 each."""
    wide = x.new_zeros(x.shape[0], 2 * x.shape[1], 2 * x.shape[2])
    wide[:, ::2, ::2] = x
    return filtered(wide)


def filtered(x: Tensor) -> Tensor:
    """Two numbers of zeros before, and one after: a pixel's weights are 3/4 and 1/4 of the two sources nearest to it."""
    taps = x.new_tensor([1.0, 3.0, 3.0, 1.0]) / 4
    padded = F.pad(x, (2, 1, 2, 1))
    rows = sum(t * padded[:, i : i + x.shape[1]] for i, t in enumerate(taps))
    return torch.as_tensor(sum(t * torch.as_tensor(rows)[:, :, i : i + x.shape[2]] for i, t in enumerate(taps)))


def convolved(read: Read, layer: str, x: Tensor, w: Tensor, *, up: bool) -> Tensor:
    weight = read(f"{layer}.weight") * style(read, layer, w)[None, :, None, None]  # equation 1
    weight = weight / (weight.pow(2).sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()  # equation 3
    if up:  # a convolution in the sense of mathematics, of the doubled picture, before it is filtered
        side = 2 * x.shape[1]
        wide = x.new_zeros(x.shape[0], side + 1, side + 1)
        wide[:, :-1:2, :-1:2] = x
        y = F.conv2d(F.pad(wide, (2, 2, 2, 2))[None], weight.flip(2, 3))[0][:, : side + 1, : side + 1]
        taps = x.new_tensor([1.0, 3.0, 3.0, 1.0]) / 4
        kernel = torch.outer(taps, taps).expand(len(y), 1, -1, -1)
        y = F.conv2d(F.pad(y, (1, 1, 1, 1))[None], kernel, groups=len(y))[0]
    else:
        y = F.conv2d(x[None], weight, padding=1)[0]
    y = y + read(f"{layer}.noise_strength") * read(f"{layer}.noise_const") + read(f"{layer}.bias")[:, None, None]
    return activated(y)


def coloured(read: Read, layer: str, x: Tensor, w: Tensor) -> Tensor:
    weight = read(f"{layer}.weight")[:, :, 0, 0] / math.sqrt(len(x))
    return torch.einsum("oi,ihw->ohw", weight * style(read, layer, w), x) + read(f"{layer}.bias")[:, None, None]


def drawn(read: Read, sides: list[int], w: Tensor) -> Tensor:
    """One w for each layer, (layers, w_dim), to a picture (3, side, side) in about [-1, 1]."""
    x = convolved(read, "synthesis.b4.conv1", read("synthesis.b4.const"), w[0], up=False)
    picture = coloured(read, "synthesis.b4.torgb", x, w[1])
    for k, side in enumerate(sides[1:]):
        block = f"synthesis.b{side}"
        x = convolved(read, f"{block}.conv0", x, w[2 * k + 1], up=True)
        x = convolved(read, f"{block}.conv1", x, w[2 * k + 2], up=False)
        picture = doubled(picture) + coloured(read, f"{block}.torgb", x, w[2 * k + 3])
    return picture
