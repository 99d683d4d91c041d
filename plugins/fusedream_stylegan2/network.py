"""The generator of StyleGAN2, config E and F: a mapping network, and a synthesis network with skip connections (figure 7)."""

from __future__ import annotations

import math
from collections.abc import Mapping as Named

import torch
from torch import Tensor, nn

from fusedream_stylegan2.layers import Colours, Doubled, Mapping, Styled
from fusedream_stylegan2.layouts import SMALLEST, Sizes

RATE = 0.01  # learning-rate factor of the mapping network: in both codes, and in section 4 of Karras et al. 2019


class StyleGAN2(nn.Module):
    """z to w to pictures.

    Args:
        parts: tensors under our names, see `Sizes.entries`; the noise among them.
        sizes: of the network.
        bound: what no activation exceeds (256 where NVIDIA trained in float16), if there is such.

    References:
        Karras, Laine, Aittala, Hellsten, Lehtinen & Aila (2020). Analyzing and improving the image quality of StyleGAN.
        arXiv:1912.04958.
        Karras, Laine & Aila (2019). A style-based generator architecture for generative adversarial networks.
        arXiv:1812.04948.
    """

    constant: Tensor

    def __init__(self, parts: Named[str, Tensor], sizes: Sizes, bound: float | None = None) -> None:
        super().__init__()
        depth = len(sizes.mapping) - 1
        self.mapping = Mapping([linear(parts, f"mapping.fc{i}", RATE) for i in range(depth)])
        self.register_buffer("constant", parts["synthesis.b4.const"].detach().clone()[None])
        self.styled, self.colours, self.doubled = nn.ModuleList(), nn.ModuleList(), Doubled()
        scaled = sizes.layout == "rosinality"
        for k in range(len(sizes.channels)):
            block = f"synthesis.b{SMALLEST << k}"
            if k:
                self.styled.append(styled(parts, f"{block}.conv0", scaled=scaled, up=True, bound=bound))
            self.styled.append(styled(parts, f"{block}.conv1", scaled=scaled, up=False, bound=bound))
            self.colours.append(colours(parts, f"{block}.torgb", bound=bound))

    def forward(self, w: Tensor) -> Tensor:
        """One w for each layer, (B, layers, w_dim), to pictures (B, 3, H, W) in about [-1, 1]."""
        x = self.styled[0](self.constant.to(w.dtype), w[:, 0])
        picture = self.colours[0](x, w[:, 1])
        for k in range(1, len(self.colours)):
            x = self.styled[2 * k - 1](x, w[:, 2 * k - 1])
            x = self.styled[2 * k](x, w[:, 2 * k])
            picture = self.doubled(picture) + self.colours[k](x, w[:, 2 * k + 1])  # the w of the next convolution too
        return picture


def linear(parts: Named[str, Tensor], name: str, rate: float = 1.0) -> tuple[Tensor, Tensor]:
    """Weight and bias of a layer as they multiply: scaled for equal learning rates (Karras et al. 2018, section 4.1)."""
    weight = parts[f"{name}.weight"]
    return weight * (rate / math.sqrt(weight.shape[1])), parts[f"{name}.bias"] * rate


def styled(parts: Named[str, Tensor], name: str, *, scaled: bool, up: bool, bound: float | None) -> Styled:
    """A convolution. `scaled`: its kernel is scaled before it is demodulated, which matters for the epsilon alone."""
    weight = parts[f"{name}.weight"]
    return Styled(
        linear(parts, f"{name}.affine"),
        weight / math.sqrt(weight[0].numel()) if scaled else weight,
        noise=parts[f"{name}.noise_const"] * parts[f"{name}.noise_strength"],
        bias=parts[f"{name}.bias"],
        up=up,
        bound=bound,
    )


def colours(parts: Named[str, Tensor], name: str, *, bound: float | None) -> Colours:
    """A convolution to RGB."""
    weight = parts[f"{name}.weight"].flatten(1)
    own = linear(parts, f"{name}.affine"), weight / math.sqrt(weight.shape[1]), parts[f"{name}.bias"]
    return Colours(*own, bound=bound)


def drawn_noise(parts: Named[str, Tensor], seed: int) -> dict[str, Tensor]:
    """The tensors with other noise, N(0, 1) from a seed."""
    rng = torch.Generator().manual_seed(seed)
    noises = {name: torch.randn(x.shape, generator=rng) for name, x in parts.items() if name.endswith(".noise_const")}
    return {**parts, **noises}
