"""What is constant while weights are frozen, computed once instead of in every forward pass."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_sdk.errors import WeightsError

Affine = tuple[Tensor, Tensor]
"""Weight and bias."""

Weights = Mapping[str, Tensor]
"""Entries of a state dict."""


def normalised(weights: Weights, name: str) -> Tensor:
    """The weight of a layer under torch's spectral norm, as in eval mode: W / (u . W v), u and v as stored."""
    weight, u, v = (weights[f"{name}.weight_{part}"] for part in ("orig", "u", "v"))
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


def statistics(weights: Weights, name: str, truncation: float) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) each at a truncation: stored for 0, 0.02 ... 1, and interpolated linearly between.

    The package swaps the two shares between grid points, and takes five grid points, 0.58 among them, for values in between, so
    that there it uses a neighbour's statistics. We do not, on purpose: see "Truncation" in docs/biggan.md.
    """
    means, variances = weights[f"{name}.running_means"], weights[f"{name}.running_vars"]
    position = truncation * (len(means) - 1)
    low = min(math.floor(position), len(means) - 2)
    share = position - low
    mean, variance = (torch.lerp(table[low], table[low + 1], share) for table in (means, variances))
    return mean, variance


def affine(mean: Tensor, variance: Tensor, gain: Tensor, bias: Tensor) -> Affine:
    """A batch norm as scale and shift, (C,) each; `variance` includes epsilon."""
    scale = gain * torch.rsqrt(variance)
    return scale, bias - mean * scale


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
