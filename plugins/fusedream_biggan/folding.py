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
    return divided(weight, torch.dot(u, weight.flatten(1) @ v))


def iterated(weight: Tensor, u: Tensor) -> Tensor:
    """A weight under BigGAN-PyTorch's spectral norm in eval mode: divided by |W v|, v from one power iteration on u (1, out).

    That code normalises W v to a new u, which it does not keep, and takes u . W v, which is the same number.
    """
    matrix = weight.flatten(1)
    v = F.normalize(u[0] @ matrix, dim=0)
    return divided(weight, torch.linalg.vector_norm(matrix @ v))


def divided(weight: Tensor, sigma: Tensor) -> Tensor:
    """A weight by its spectral norm, which weights as trained never have at zero."""
    if sigma == 0:
        raise WeightsError(f"weights: a spectral norm is zero (a layer of shape {tuple(weight.shape)}); they are damaged.")
    return weight / sigma


def statistics(norm: Any, truncation: float) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) each at a truncation: stored for 0, 0.02 ... 1, and interpolated linearly between.

    The package swaps the two shares between grid points, and takes five grid points, 0.58 among them, for values in between, so
    that there it uses a neighbour's statistics. We do not, on purpose: see "Truncation" in docs/biggan.md.
    """
    position = truncation * (norm.running_means.shape[0] - 1)
    low = min(math.floor(position), norm.running_means.shape[0] - 2)
    share = position - low
    mean, variance = (torch.lerp(table[low], table[low + 1], share) for table in (norm.running_means, norm.running_vars))
    return mean, variance


def plain_norm(norm: Any, truncation: float) -> Affine:
    """The package's unconditional batch norm as scale and shift, (C,) each."""
    mean, variance = statistics(norm, truncation)
    return affine(mean, variance + norm.eps, norm.weight, norm.bias)


def affine(mean: Tensor, variance: Tensor, gain: Tensor, bias: Tensor) -> Affine:
    """A batch norm as scale and shift, (C,) each; `variance` includes epsilon."""
    scale = gain * torch.rsqrt(variance)
    return scale, bias - mean * scale


def conditional_norm(norm: Any, truncation: float) -> Affine:
    """The package's conditional batch norm, as `conditional_affine`."""
    mean, variance = statistics(norm, truncation)
    return conditional_affine(mean, variance + norm.eps, normalised(norm.scale), normalised(norm.offset))


def conditional_affine(mean: Tensor, variance: Tensor, gain: Tensor, bias: Tensor) -> Affine:
    """A conditional batch norm as one linear map from the condition c (D,) to its scale and shift (2 C,).

    (x - mean) / std * (1 + G c) + B c  =  x * scale + shift  with  scale = (1 + G c) / std,  shift = B c - mean * scale.

    Args:
        mean: (C,).
        variance: (C,), including epsilon.
        gain: G, (C, D).
        bias: B, (C, D).
    """
    inverse = torch.rsqrt(variance)
    scale = inverse[:, None] * gain
    return torch.cat([scale, bias - mean[:, None] * scale]), torch.cat([inverse, -mean * inverse])


def upsampling(kernel: Tensor) -> Tensor:
    """The kernel of the transposed convolution (stride 2, padding 1) that equals `kernel` after doubling by repetition.

    Args:
        kernel: (out, in, 3, 3), of a convolution with padding 1.

    Returns:
        (in, out, 4, 4). Each output pixel then costs 4 products instead of 9, as repeated pixels share one.
    """
    flipped = kernel.flip(2, 3).transpose(0, 1)
    return F.avg_pool2d(F.pad(flipped, (1, 1, 1, 1)), 2, stride=1, divisor_override=1)
