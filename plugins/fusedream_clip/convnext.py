"""ConvNeXt, the image tower of the judge that ships with the package, under transformers' names.

Reference: Liu et al. (2022). A ConvNet for the 2020s. arXiv:2201.03545.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPS = 1e-6  # of its layer norms; the last one's is in config.json


class Linear(nn.Linear):
    """A product whose weights are still to be read."""

    def reset_parameters(self) -> None:
        """Nothing."""


class Conv2d(nn.Conv2d):
    """A convolution whose weights are still to be read."""

    def reset_parameters(self) -> None:
        """Nothing."""


class ConvNext(nn.Module):
    """Patches, and stages of convolutional blocks at half the side each.

    Args:
        config: of transformers' ConvNextModel, as attributes.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        if config.hidden_act != "gelu":
            raise ValueError(f"hidden_act: expected gelu, got {config.hidden_act!r}")
        widths, side = config.hidden_sizes, config.patch_size
        self.config = config
        patches = Conv2d(config.num_channels, widths[0], side, stride=side)
        self.embeddings = nn.ModuleDict({"patch_embeddings": patches, "layernorm": ChannelNorm(widths[0], eps=EPS)})
        stages = [Stage(*sizes) for sizes in zip([0, *widths], widths, config.depths, strict=False)]
        self.encoder = nn.ModuleDict({"stages": nn.ModuleList(stages)})
        self.layernorm = nn.LayerNorm(widths[-1], eps=config.layer_norm_eps)

    def forward(self, pixel_values: Tensor, *, output_hidden_states: bool = True) -> SimpleNamespace:
        """Images (B, 3, R, R) to `pooler_output` (B, D), and `hidden_states`: the patches, and what leaves each stage."""
        embedding: Any = self.embeddings
        states = [embedding.layernorm(embedding.patch_embeddings(pixel_values))]
        encoder: Any = self.encoder
        for stage in encoder.stages:
            states.append(stage(states[-1]))
        pooled = self.layernorm(states[-1].mean((-2, -1)))
        return SimpleNamespace(pooler_output=pooled, hidden_states=tuple(states) if output_hidden_states else None)


class Stage(nn.Module):
    """Blocks of one width; first half the side, but for those that the patches enter."""

    def __init__(self, entering: int, width: int, depth: int) -> None:
        super().__init__()
        halved = [ChannelNorm(entering, eps=EPS), Conv2d(entering, width, 2, stride=2)] if entering else []
        self.downsampling_layer = nn.ModuleList(halved)
        self.layers = nn.ModuleList(Block(width) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """(B, entering, h, w) to (B, width, h / 2, w / 2)."""
        for part in (*self.downsampling_layer, *self.layers):
            x = part(x)
        return x


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each place."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    """A convolution of each channel, and two products at each place."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = Conv2d(width, width, 7, padding=3, groups=width)
        self.layernorm = nn.LayerNorm(width, eps=EPS)
        self.pwconv1, self.pwconv2 = Linear(width, 4 * width), Linear(4 * width, width)
        self.layer_scale_parameter = nn.Parameter(torch.empty(width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) to the same."""
        inner = self.layernorm(self.dwconv(x).permute(0, 2, 3, 1))
        inner = self.layer_scale_parameter * self.pwconv2(F.gelu(self.pwconv1(inner)))
        return x + inner.permute(0, 3, 1, 2)
