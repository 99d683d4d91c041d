"""The layers of a StyleGAN2 for inference: frozen, with everything constant folded, in plain torch.

* A modulated convolution scales its input by the style and its output by the demodulation, so that all rows share one kernel
  (section 2.2 of the paper: it is the same as scaling the kernel). The squares of the kernel are summed once.
* Learning-rate factors, the gain of the activation and the strength of the noise are in the weights.
* Kernels are normalised, and styles divided by their largest number, which demodulation undoes: nothing overflows in float16.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE, GAIN = 0.2, math.sqrt(2)  # of the leaky ReLU: section 2 of Karras et al. 2019, whose training settings are kept
EPSILON = 1e-8  # of the demodulation (equation 3), and of the normalisation of z
TAPS = (1.0, 3.0, 3.0, 1.0)  # of the low-pass filter, along either axis
TINY = torch.finfo(torch.float32).tiny


def low_pass(gain: float) -> Tensor:
    """The filter (4, 4), which adds up to `gain`."""
    taps = torch.tensor(TAPS)
    return gain * torch.outer(taps, taps) / taps.sum() ** 2


class Linear(nn.Module):
    """(B, in) to (B, out), in full precision whatever autocast says: styles are few numbers, on which everything hangs.

    Args:
        weight: (out, in).
        bias: (out,).
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight.detach().clone())
        self.register_buffer("bias", bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return F.linear(x.to(self.weight.dtype), self.weight, self.bias)


class Mapping(nn.Module):
    """z (B, z_dim) to w (B, w_dim): normalised, then linear layers, each with a leaky ReLU.

    Args:
        layers: weight (out, in) and bias (out,) of each, as they multiply.
    """

    def __init__(self, layers: list[tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Linear(GAIN * weight, GAIN * bias) for weight, bias in layers)

    def forward(self, z: Tensor) -> Tensor:
        x = z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + EPSILON)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
        return x


class Styled(nn.Module):
    """A modulated 3x3 convolution with noise, bias and leaky ReLU: (B, in, H, W) and w (B, w_dim) to (B, out, H, W).

    Args:
        affine: weight (in, w_dim) and bias (in,) of the style.
        weight: (out, in, 3, 3), as it multiplies.
        noise: (H, W) of the output, times its strength.
        bias: (out,).
        up: whether it doubles height and width: by a transposed convolution, and the low-pass filter after it.
        bound: what no output exceeds, if there is such.
    """

    weight: Tensor
    squares: Tensor
    floor: Tensor
    noise: Tensor
    bias: Tensor
    blur: Tensor

    def __init__(
        self,
        affine: tuple[Tensor, Tensor],
        weight: Tensor,
        *,
        noise: Tensor,
        bias: Tensor,
        up: bool,
        bound: float | None,
    ) -> None:
        super().__init__()
        self.style, self.up, self.bound = Linear(*affine), up, bound
        norm = weight.flatten(1).norm(dim=1).clamp_min(TINY**0.5)
        kernel = weight / norm.view(-1, 1, 1, 1)
        self.register_buffer("squares", kernel.square().sum(dim=(2, 3)) / GAIN**2)  # (out, in)
        self.register_buffer("floor", EPSILON / norm.square() / GAIN**2)  # (out,)
        self.register_buffer("weight", (kernel.transpose(0, 1) if up else kernel).contiguous())
        self.register_buffer("noise", GAIN * noise)
        self.register_buffer("bias", GAIN * bias.view(-1, 1, 1))
        if up:
            self.register_buffer("blur", low_pass(4.0).expand(len(weight), 1, -1, -1).contiguous())

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style, demodulation = self.scales(w)
        x = x * style[:, :, None, None].to(x.dtype)
        if self.up:
            x = F.conv_transpose2d(x, self.weight, stride=2)
            x = F.conv2d(x, self.blur, padding=1, groups=x.shape[1])
        else:
            x = F.conv2d(x, self.weight, padding=1)
        x = torch.addcmul(self.noise.to(x.dtype), x, demodulation[:, :, None, None].to(x.dtype))
        x = F.leaky_relu_(x.add_(self.bias.to(x.dtype)), SLOPE)
        return x if self.bound is None else x.clamp(-self.bound, self.bound)

    def scales(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """What the input is multiplied by (B, in), and the output (B, out): equations 1 and 3 of the paper, and the gain."""
        with torch.autocast(w.device.type, enabled=False):
            style = self.style(w)
            largest = style.detach().abs().amax(dim=1, keepdim=True).clamp_min(TINY**0.5)  # cancels: needs no gradient
            style = style / largest
            return style, torch.rsqrt(style.square() @ self.squares.T + self.floor / largest.square())


class Colours(nn.Module):
    """A modulated 1x1 convolution to RGB, without demodulation: (B, in, H, W) and w (B, w_dim) to (B, 3, H, W) in float32.

    Args:
        affine: weight (in, w_dim) and bias (in,) of the style.
        weight: (3, in), as it multiplies.
        bias: (3,).
        bound: what no output exceeds, if there is such.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, affine: tuple[Tensor, Tensor], weight: Tensor, bias: Tensor, *, bound: float | None) -> None:
        super().__init__()
        self.style, self.bound = Linear(*affine), bound
        self.register_buffer("weight", weight.detach().clone())
        self.register_buffer("bias", bias.detach().clone().view(-1, 1))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        kernel = self.weight * self.style(w)[:, None]  # (B, 3, in): cheaper than scaling every pixel
        y = torch.bmm(kernel.to(x.dtype), x.flatten(2)).to(self.bias.dtype) + self.bias
        y = y if self.bound is None else y.clamp(-self.bound, self.bound)
        return y.unflatten(2, x.shape[2:])


class Doubled(nn.Module):
    """(B, 3, H, W) to (B, 3, 2 H, 2 W): zeros between the pixels, and the low-pass filter; as if black lay around."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", low_pass(4.0).expand(3, 1, -1, -1).contiguous())

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):  # the picture itself: bfloat16 would show
            return F.conv_transpose2d(x, self.kernel, stride=2, padding=1, groups=3)
