"""BigGAN-deep for inference: the function of pytorch-pretrained-biggan, with everything constant folded.

Spectral norms become plain weights, each conditional batch norm a scale and a shift that one product per block draws from
the condition, doubling and the convolution after it one transposed convolution; of the last convolution's channels only
the three that are seen are computed.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fusedream_biggan.config import Config, Layer
from fusedream_biggan.folding import Affine, Weights, affine, conditional_affine, normalised, statistics, upsampling
from fusedream_biggan.layers import Attention, Convolution, Frozen, Linear, Norms, Output, Upsampling, norm_relu


class FoldedBigGAN(nn.Module):
    """The generator at one truncation.

    Args:
        weights: as `shapes_deep.entries(config)` describes them.
        config: the sizes.
        truncation: in (0, 1].

    Attributes:
        conditions: how many layers read z and y: the first one, and the blocks.
    """

    embeddings: Tensor  # (classes, z_dim)

    def __init__(self, weights: Weights, config: Config, truncation: float) -> None:
        super().__init__()
        self.z_dim, self.resolution, self.width = config.z_dim, config.output_dim, config.channel_width
        self.conditions = 1 + len(config.layers)
        embeddings = weights["embeddings.weight"].detach().T.clone(memory_format=torch.contiguous_format)
        self.register_buffer("embeddings", embeddings)
        self.first = Linear(normalised(weights, "generator.gen_z"), weights["generator.gen_z.bias"])
        self.layers = nn.ModuleList(
            attention(weights, name) if isinstance(layer, int) else Block(weights, name, layer, (config.eps, truncation))
            for name, layer in config.chain()
        )
        mean, variance = statistics(weights, "generator.bn", truncation)
        norm = affine(mean, variance + config.eps, weights["generator.bn.weight"], weights["generator.bn.bias"])
        last = normalised(weights, "generator.conv_to_rgb")
        self.last = Output(norm, last[:3], weights["generator.conv_to_rgb.bias"][:3])

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """z and y, (B, z_dim) each, or (B, conditions, z_dim) each, one for every layer, to images (B, 3, H, W) in [-1, 1]."""
        condition = torch.cat([z, y], dim=-1)
        each = iter(condition.unbind(1) if condition.dim() == 3 else [condition] * self.conditions)
        x = self.first(next(each)).view(-1, 4, 4, 16 * self.width).permute(0, 3, 1, 2)  # the package's order: channels last
        for layer in self.layers:
            x = layer(x) if isinstance(layer, Attention) else layer(x, next(each))
        return self.last(x)


def attention(weights: Weights, name: str) -> Attention:
    """Self-attention, with gamma in its last kernel."""
    queries, keys, values, out = (normalised(weights, f"{name}snconv1x1_{part}") for part in ("theta", "phi", "g", "o_conv"))
    return Attention(queries, keys, values, weights[f"{name}gamma"] * out)


def conditional_norm(weights: Weights, name: str, eps: float, truncation: float) -> Affine:
    """A conditional batch norm as a linear map from the condition."""
    mean, variance = statistics(weights, name, truncation)
    gain, bias = normalised(weights, f"{name}.scale"), normalised(weights, f"{name}.offset")
    return conditional_affine(mean, variance + eps, gain, bias)


class Block(nn.Module):
    """A residual block of BigGAN-deep (figure 16 of its paper): 1x1, 3x3, 3x3, 1x1, each after norm and ReLU.

    Args:
        weights: of the generator.
        name: what those of the block begin with.
        layer: whether it doubles the sides, and its channels before and after.
        norm: epsilon and truncation of its batch norms.
    """

    def __init__(self, weights: Weights, name: str, layer: Layer, norm: tuple[float, float]) -> None:
        super().__init__()
        self.up_sample, _, self.outputs = layer
        self.norms = Norms([conditional_norm(weights, f"{name}bn_{i}", *norm) for i in range(4)])
        kernels = [normalised(weights, f"{name}conv_{i}") for i in range(4)]
        biases = [weights[f"{name}conv_{i}.bias"] for i in range(4)]
        self.conv_0 = Convolution(kernels[0], biases[0])
        if self.up_sample:
            self.conv_1: Frozen = Upsampling(upsampling(kernels[1]), biases[1])
        else:
            self.conv_1 = Convolution(kernels[1], biases[1])
        self.conv_2 = Convolution(kernels[2], biases[2])
        self.conv_3 = Convolution(kernels[3], biases[3])

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        norms = self.norms(condition)
        skip = x[:, : self.outputs]
        if self.up_sample:
            skip = F.interpolate(skip, scale_factor=2.0, mode="nearest")
        x = self.conv_0(norm_relu(x, *norms[0:2]))
        x = self.conv_1(norm_relu(x, *norms[2:4]))
        x = self.conv_2(norm_relu(x, *norms[4:6]))
        return self.conv_3(norm_relu(x, *norms[6:8])) + skip
