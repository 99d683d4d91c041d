"""Where the generator's training begins: class codes and first layer that already hold small, blurred drawings.

The codes are the principal components of the drawings, and the first layer maps them back to pixels. So the network has
to learn how to place, tint and sharpen, which all concepts share, rather than 1,128 drawings from nothing.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_emoji.training.twin import Twin

BRIGHTNESS = 2.0  # of the drawings in the features: their standard deviation is then about one half


def principal_drawings(sprites: Tensor, side: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Codes of the concepts and how to draw them: sprites are close to mean + codes @ basis.

    Args:
        sprites: (styles, N, channels, height, width).
        side: of the small drawings, in pixels.
        size: of a code; at most N are used.

    Returns:
        Codes (N, size) of unit variance, basis (size, styles, channels, side, side), mean (styles, channels, side, side).
    """
    styles, count, channels = sprites.shape[:3]
    small = F.adaptive_avg_pool2d(sprites.flatten(0, 1), side).view(styles, count, channels, side, side)
    flat = small.transpose(0, 1).flatten(1)
    u, s, v = torch.linalg.svd(flat - flat.mean(0), full_matrices=False)
    scale = math.sqrt(count)
    shape = (styles, channels, side, side)
    return u[:, :size] * scale, (v[:size] * s[:size, None] / scale).view(-1, *shape), flat.mean(0).view(shape)


def as_features(drawings: Tensor, cells: int = 4) -> Tensor:
    """Cut drawings (..., styles, channels, side, side) into cells: (..., cells, cells, styles * channels * patch)."""
    side = drawings.shape[-1]
    patch = side // cells
    cut = drawings.unflatten(-1, (cells, patch)).unflatten(-3, (cells, patch))  # ..., s, c, row, y, column, x
    return cut.movedim((-4, -2), (-6, -5)).flatten(-4)


@torch.no_grad()
def begin(twin: Twin, sprites: Tensor) -> None:
    """Give a fresh twin the codes of sprites (styles, N, 4, side, side), and their drawings in its last features."""
    channels, styles, factors = 16 * twin.width, len(sprites), twin.factors
    patch = 2 ** int(math.log2(math.sqrt(channels / (4 * styles))))
    codes, basis, mean = principal_drawings(sprites, 4 * patch, twin.embeddings.embedding_dim)
    size, drawn = codes.shape[1], 4 * styles * patch**2
    twin.embeddings.weight[:, :size] = codes
    weight, bias = twin.gen_z.weight.view(4, 4, channels, -1), twin.gen_z.bias.view(4, 4, channels)
    bias.normal_(std=0.5)  # tells the cells apart
    weight[:, :, -drawn:, :factors] *= 0.2
    weight[:, :, -drawn:, factors:] = 0
    weight[:, :, -drawn:, factors : factors + size] = BRIGHTNESS * as_features(basis).movedim(0, -1)
    bias[:, :, -drawn:] = BRIGHTNESS * as_features(mean)
    # The first convolution starts by adding the styles up; which of them shows is for its gate to learn.
    mix = twin.blocks[0].get_submodule("conv.0").get_parameter("weight")
    mix *= 0.5
    each = torch.arange(drawn // styles)
    for style in range(styles):
        mix[each, channels - drawn + style * len(each) + each] += 0.5
