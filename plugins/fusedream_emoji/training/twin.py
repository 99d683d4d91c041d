"""A lean twin of BigGAN-deep for fitting: the same function as `pytorch_pretrained_biggan`, a fraction of its work.

BigGAN-deep (Brock, Donahue, Simonyan, arXiv:1809.11096, appendix B) spends most of a training step outside its
convolutions: spectral norms, batch statistics, 125 unused channels of the last convolution. Fitting needs none of them.
The twin has plain weights and purely conditional affine layers, reads the factors instead of the whole z, and exports
itself as a BigGAN state dict whose spectral norms and statistics are the identity.
"""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Layers = list[tuple[bool, int, int]]  # as in BigGANConfig: (up-samples?, input width, output width) times channel_width


def double(x: Tensor) -> Tensor:
    """Nearest-neighbour up-sampling (B, C, h, w) to (B, C, 2h, 2w); unlike F.interpolate its gradient compiles to a sum."""
    b, c, h, w = x.shape
    return x[:, :, :, None, :, None].expand(b, c, h, 2, w, 2).reshape(b, c, 2 * h, 2 * w)


def squash(x: Tensor, *, leak: float) -> Tensor:
    """tanh, and beyond 4 a slope of `leak`: a flat tanh would give a picture that has burst no way back."""
    return torch.tanh(x) + leak * (x - x.clamp(-4, 4))


def convolution(channels_in: int, channels_out: int, kernel: int, *, gain: float) -> nn.Conv2d:
    """A convolution that keeps the size; `gain` is the standard deviation of its output over that of its input."""
    conv = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2)
    nn.init.normal_(conv.weight, std=gain / math.sqrt(conv.weight[0].numel()))
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


class ConditionalAffine(nn.Module):
    """x (B, C, h, w) times 1 + S c plus O c, then ReLU: BigGAN's conditional batch norm without its statistics."""

    def __init__(self, channels: int, condition_dim: int) -> None:
        super().__init__()
        self.scale_offset = nn.Linear(condition_dim, 2 * channels, bias=False)
        nn.init.normal_(self.scale_offset.weight, std=0.25 / math.sqrt(condition_dim))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, offset = self.scale_offset(condition)[:, :, None, None].chunk(2, dim=1)
        return F.relu(torch.addcmul(x + offset, x, scale))


class Block(nn.Module):
    """BigGAN-deep's residual bottleneck: 1x1, (up-sampling), 3x3, 3x3, 1x1; the shortcut drops channels."""

    def __init__(self, wide_in: int, wide_out: int, condition_dim: int, *, up: bool) -> None:
        super().__init__()
        narrow = wide_in // 4
        self.up, self.wide_out = up, wide_out
        self.affine = nn.ModuleList(ConditionalAffine(n, condition_dim) for n in (wide_in, narrow, narrow, narrow))
        shapes = [(wide_in, narrow, 1), (narrow, narrow, 3), (narrow, narrow, 3), (narrow, wide_out, 1)]
        gains = (1.4, 1.4, 1.4, 0.3)  # the square root of 2 before a ReLU; less where the shortcut joins
        self.conv = nn.ModuleList(convolution(*shape, gain=gain) for shape, gain in zip(shapes, gains, strict=True))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        y = self.conv[0](self.affine[0](x, condition))
        y = self.affine[1](y, condition)
        shortcut = x[:, : self.wide_out]
        if self.up:
            y, shortcut = double(y), double(shortcut)
        y = self.conv[1](y)
        y = self.conv[2](self.affine[2](y, condition))
        return shortcut + self.conv[3](self.affine[3](y, condition))

    def pairs(self) -> list[tuple[ConditionalAffine, nn.Conv2d]]:
        """Its four layers in order: what conditions, and the convolution that follows."""
        return cast("list[tuple[ConditionalAffine, nn.Conv2d]]", list(zip(self.affine, self.conv, strict=True)))


class Twin(nn.Module):
    """Concepts and factors to pictures.

    The blocks are cut in two: the trunk ends at 16 x 16, where a temporary head reads whole 4 x 4 pixel patches off the
    features (sub-pixel convolution: Shi et al., arXiv:1609.05158). So the trunk learns every detail of the picture at
    the cost of a 16 px network, and the tail has only to spread it over the pixels.
    """

    def __init__(self, layers: Layers, width: int, *, concepts: int, factors: int, embed: int = 128) -> None:
        super().__init__()
        self.layers, self.width, self.factors, condition = layers, width, factors, factors + embed
        self.embeddings = nn.Embedding(concepts, embed)
        self.gen_z = nn.Linear(condition, 16 * 16 * width)
        nn.init.normal_(self.gen_z.weight, std=1 / math.sqrt(embed))
        nn.init.normal_(self.gen_z.weight[:, :factors], std=0.3)
        self.blocks = nn.ModuleList(Block(i * width, o * width, condition, up=up) for up, i, o in layers)
        ups = [sum(up for up, _, _ in layers[: n + 1]) for n in range(len(layers))]
        self.trunk = sum(n <= max(ups[-1] - 2, 1) for n in ups)
        self.patch = 2 ** (ups[-1] - ups[self.trunk - 1])
        # The last layers begin with plain grey: saturated noise would have no way back.
        self.head = convolution(layers[self.trunk - 1][2] * width, 3 * self.patch**2, 1, gain=0.1)
        self.bn_weight, self.bn_bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.to_rgb = convolution(width, 3, 3, gain=0.1)

    def forward(self, concept: Tensor, factors: Tensor, tail: int | None = None) -> tuple[Tensor, Tensor]:
        """The sketch of every row, and the picture of the first `tail` rows (all if None): (B, 3, H, W).

        In [-1, 1], but for the leak that training needs.
        """
        c = torch.cat([factors, self.embeddings(concept)], dim=1)
        x = self.gen_z(c).view(-1, 4, 4, 16 * self.width).permute(0, 3, 1, 2)
        for block in self.blocks[: self.trunk]:
            x = block(x, c)
        leak = 0.02 if self.training else 0.0
        sketch = squash(F.pixel_shuffle(self.head(x), self.patch).float(), leak=leak)
        x, c = x[:tail], c[:tail]
        for block in self.blocks[self.trunk :]:
            x = block(x, c)
        x = F.relu(x * self.bn_weight[:, None, None] + self.bn_bias[:, None, None])
        return sketch, squash(self.to_rgb(x).float(), leak=leak)
