"""The non-deep BigGAN (Brock et al. 2019, figure 15 and tables 4 to 6) for inference, with everything constant folded.

It computes what BigGAN-PyTorch's Generator does in eval mode. What is folded is as for BigGAN-deep; besides, the 1x1
convolution beside each block comes before the doubling, with which it commutes, and so costs a quarter.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fusedream_biggan.folding import Affine, Weights, affine, conditional_affine, iterated, upsampling
from fusedream_biggan.layers import Attention, Convolution, Linear, Norms, Output, Upsampling, norm_relu
from fusedream_biggan.shapes import Shapes
from fusedream_sdk.errors import InvalidInput

EPSILON = 1e-5  # of all batch norms: the default of BigGAN-PyTorch, which FuseDream's code keeps


class ShallowBigGAN(nn.Module):
    """The generator.

    Args:
        weights: as `shapes.entries()` describes them.
        shapes: the sizes.
        truncation: 1; there are batch-norm statistics for no other.

    Raises:
        InvalidInput: another truncation.
    """

    embeddings: Tensor  # (classes, shared)

    def __init__(self, weights: Weights, shapes: Shapes, truncation: float) -> None:
        super().__init__()
        if truncation != 1:
            raise InvalidInput(
                "truncation",
                expected="1.0, as the weights of a non-deep BigGAN hold batch-norm statistics for no other",
                got=truncation,
                fix="Take a BigGAN-deep, whose weights do.",
            )
        self.z_dim, self.resolution, self.chunk = shapes.z_dim, shapes.resolution, shapes.chunk
        self.register_buffer("embeddings", weights["shared.weight"].clone(memory_format=torch.contiguous_format))
        self.first = Linear(normed(weights, "linear"), weights["linear.bias"])
        count = len(shapes.widths) - 1
        self.blocks = nn.ModuleList(Block(weights, f"blocks.{i}.", i in shapes.attention) for i in range(count))
        norm = affine(*statistics(weights, "output_layer.0"), weights["output_layer.0.gain"], weights["output_layer.0.bias"])
        self.last = Output(norm, normed(weights, "output_layer.2"), weights["output_layer.2.bias"])

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """z (B, z_dim) and y (B, shared) to images (B, 3, H, W) in [-1, 1]."""
        first, *rest = z.split(self.chunk, dim=1)
        x = self.first(first).unflatten(1, (-1, 4, 4)).contiguous(memory_format=torch.channels_last)
        for block, part in zip(self.blocks, rest, strict=True):
            x = block(x, torch.cat([y, part], dim=1))
        return self.last(x)


class Block(nn.Module):
    """A residual block (figure 15b): norm, ReLU, doubling, 3x3, norm, ReLU, 3x3, beside a 1x1; attention may follow."""

    def __init__(self, weights: Weights, name: str, attends: bool) -> None:
        super().__init__()
        self.norms = Norms([conditional_norm(weights, f"{name}0.bn1"), conditional_norm(weights, f"{name}0.bn2")])
        self.conv1 = Upsampling(upsampling(normed(weights, f"{name}0.conv1")), weights[f"{name}0.conv1.bias"])
        self.conv2 = Convolution(normed(weights, f"{name}0.conv2"), weights[f"{name}0.conv2.bias"])
        self.skip = Convolution(normed(weights, f"{name}0.conv_sc"), weights[f"{name}0.conv_sc.bias"])
        self.attention = attention(weights, f"{name}1.") if attends else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        norms = self.norms(condition)
        skip = F.interpolate(self.skip(x), scale_factor=2.0, mode="nearest")
        x = self.conv1(norm_relu(x, *norms[0:2]))
        x = self.conv2(norm_relu(x, *norms[2:4]))
        return self.attention(x + skip)


def normed(weights: Weights, name: str) -> Tensor:
    """A weight under spectral norm."""
    return iterated(weights[f"{name}.weight"], weights[f"{name}.u0"])


def statistics(weights: Weights, name: str) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) of a batch norm, epsilon included."""
    return weights[f"{name}.stored_mean"], weights[f"{name}.stored_var"] + EPSILON


def conditional_norm(weights: Weights, name: str) -> Affine:
    """A conditional batch norm as a linear map from the condition."""
    return conditional_affine(*statistics(weights, name), normed(weights, f"{name}.gain"), normed(weights, f"{name}.bias"))


def attention(weights: Weights, name: str) -> Attention:
    """Self-attention, with gamma in its last kernel."""
    queries, keys, values, out = (normed(weights, name + part) for part in ("theta", "phi", "g", "o"))
    return Attention(queries, keys, values, weights[f"{name}gamma"] * out)
