"""BigGAN-deep for inference: the package's function, with everything constant folded.

Spectral norms become plain weights, each conditional batch norm a scale and a shift that one product per block draws from
the condition, doubling and the convolution after it one transposed convolution; of the last convolution's channels only
the three that are seen are computed. (The package's layers are typed Any: their tensors come from hooks that no type checker
sees.)
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from pytorch_pretrained_biggan import BigGAN
from pytorch_pretrained_biggan.model import SelfAttn
from torch import Tensor, nn

from fusedream_biggan.folding import conditional_norm, normalised, plain_norm, upsampling
from fusedream_biggan.layers import Attention, Convolution, Linear, Norms, Output, Upsampling, norm_relu


class FoldedBigGAN(nn.Module):
    """The generator at one truncation.

    Args:
        model: the package's model, which stays as it is.
        truncation: in (0, 1].
    """

    embeddings: Tensor  # (classes, z_dim)

    def __init__(self, model: BigGAN, truncation: float) -> None:
        super().__init__()
        generator: Any = model.generator
        last = generator.conv_to_rgb
        self.z_dim: int = model.config.z_dim
        self.resolution: int = model.config.output_dim
        self.width = model.config.channel_width
        self.register_buffer("embeddings", model.embeddings.weight.detach().T.clone(memory_format=torch.contiguous_format))
        self.first = Linear(normalised(generator.gen_z), generator.gen_z.bias)
        self.layers = nn.ModuleList(
            attention(layer) if isinstance(layer, SelfAttn) else Block(layer, truncation) for layer in generator.layers
        )
        self.last = Output(plain_norm(generator.bn, truncation), normalised(last)[:3], last.bias[:3])

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """z and y, (B, z_dim) each, to images (B, 3, H, W) in [-1, 1]."""
        condition = torch.cat([z, y], dim=1)
        x = self.first(condition).view(-1, 4, 4, 16 * self.width).permute(0, 3, 1, 2)  # the package's order: channels last
        for layer in self.layers:
            x = layer(x) if isinstance(layer, Attention) else layer(x, condition)
        return self.last(x)


def attention(layer: Any) -> Attention:
    """The package's self-attention."""
    return Attention(
        normalised(layer.snconv1x1_theta),
        normalised(layer.snconv1x1_phi),
        normalised(layer.snconv1x1_g),
        layer.gamma * normalised(layer.snconv1x1_o_conv),
    )


class Block(nn.Module):
    """A residual block of BigGAN-deep (figure 16 of its paper): 1x1, 3x3, 3x3, 1x1, each after norm and ReLU."""

    def __init__(self, block: Any, truncation: float) -> None:
        super().__init__()
        norms = (block.bn_0, block.bn_1, block.bn_2, block.bn_3)
        self.norms = Norms([conditional_norm(norm, truncation) for norm in norms])
        self.up_sample: bool = block.up_sample
        self.outputs: int = block.conv_3.out_channels
        self.conv_0 = Convolution(normalised(block.conv_0), block.conv_0.bias)
        inner = normalised(block.conv_1)
        self.conv_1 = (
            Upsampling(upsampling(inner), block.conv_1.bias) if self.up_sample else Convolution(inner, block.conv_1.bias)
        )
        self.conv_2 = Convolution(normalised(block.conv_2), block.conv_2.bias)
        self.conv_3 = Convolution(normalised(block.conv_3), block.conv_3.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        norms = self.norms(condition)
        skip = x[:, : self.outputs]
        if self.up_sample:
            skip = F.interpolate(skip, scale_factor=2.0, mode="nearest")
        x = self.conv_0(norm_relu(x, *norms[0:2]))
        x = self.conv_1(norm_relu(x, *norms[2:4]))
        x = self.conv_2(norm_relu(x, *norms[4:6]))
        return self.conv_3(norm_relu(x, *norms[6:8])) + skip
