"""What is constant while weights are frozen, computed once instead of in every forward pass."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_sdk.errors import WeightsError

Affine = tuple[Tensor, Tensor]
"""Weight and bias."""


def normalised(layer: Any) -> Tensor:
    """The weight of a layer under spectral norm, as in eval mode: W / (u . W v), u and v as stored."""
    weight, u, v = layer.weight_orig, layer.weight_u, layer.weight_v
    sigma = torch.dot(u, weight.flatten(1) @ v)
    if sigma == 0:
        raise WeightsError(f"weights: a spectral norm is zero (a layer of shape {tuple(weight.shape)}); they are damaged.")
    return weight / sigma


def statistics(norm: Any, truncation: float) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) each at a truncation: stored for 0, 0.02 ... 1, and interpolated linearly between.

    The package swaps the two coefficients between grid points, and takes 0.58 for a little less than a grid point.
    """
    position = truncation * (norm.running_means.shape[0] - 1)
    low = min(math.floor(position), norm.running_means.shape[0] - 2)
    share = position - low
    mean, variance = (torch.lerp(table[low], table[low + 1], share) for table in (norm.running_means, norm.running_vars))
    return mean, variance


def plain_norm(norm: Any, truncation: float) -> Affine:
    """An unconditional batch norm as scale and shift, (C,) each."""
    mean, variance = statistics(norm, truncation)
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    return scale, norm.bias - mean * scale


def conditional_norm(norm: Any, truncation: float) -> Affine:
    """A conditional batch norm as one linear map from the condition c (D,) to its scale and shift (2 C,).

    (x - mean) / std * (1 + S c) + O c  =  x * scale + shift  with  scale = (1 + S c) / std,  shift = O c - mean * scale.
    """
    mean, variance = statistics(norm, truncation)
    inverse = torch.rsqrt(variance + norm.eps)
    scale = inverse[:, None] * normalised(norm.scale)
    shift = normalised(norm.offset) - mean[:, None] * scale
    return torch.cat([scale, shift]), torch.cat([inverse, -mean * inverse])


def upsampling(kernel: Tensor) -> Tensor:
    """The kernel of the transposed convolution (stride 2, padding 1) that equals `kernel` after doubling by repetition.

    Args:
        kernel: (out, in, 3, 3), of a convolution with padding 1.

    Returns:
        (in, out, 4, 4). Each output pixel then costs 4 products instead of 9, as repeated pixels share one.
    """
    flipped = kernel.flip(2, 3).transpose(0, 1)
    return F.avg_pool2d(F.pad(flipped, (1, 1, 1, 1)), 2, stride=1, divisor_override=1)
