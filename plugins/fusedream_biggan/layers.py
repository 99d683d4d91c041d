"""Layers of both BigGANs for inference: frozen, and channels-last, the faster order on CPUs and GPUs alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from fusedream_biggan.folding import Affine


class Frozen(nn.Module):
    """A weight, channels-last where it is a kernel, and perhaps a bias: buffers, so that nothing is ever trained."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        layout = torch.channels_last if weight.dim() == 4 else torch.contiguous_format
        self.register_buffer("weight", weight.detach().clone(memory_format=layout))
        self.register_buffer("bias", None if bias is None else bias.detach().clone())


class Linear(Frozen):
    """(B, in) to (B, out)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class Convolution(Frozen):
    """(B, in, H, W) to (B, out, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, padding=self.weight.shape[-1] // 2)


class Upsampling(Frozen):
    """(B, in, H, W) to (B, out, 2 H, 2 W): doubling by repetition, then a 3x3 convolution, in one."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, self.weight, self.bias, stride=2, padding=1)


class Norms(nn.Module):
    """A block's conditional batch norms by one product: conditions (B, D) to scale and shift (B, C) of each in turn.

    Args:
        norms: a linear map (2 C, D), (2 C,) for each.
    """

    def __init__(self, norms: Sequence[Affine]) -> None:
        super().__init__()
        weights, biases = zip(*norms, strict=True)
        self.linear = Linear(torch.cat(weights), torch.cat(biases))
        self.sizes = [len(bias) // 2 for bias in biases for _ in ("scale", "shift")]

    def forward(self, condition: Tensor) -> tuple[Tensor, ...]:
        return self.linear(condition).split(self.sizes, dim=1)


class Attention(nn.Module):
    """Self-attention over positions, keys and values pooled by two (Zhang et al. 2019), added to its input.

    Args:
        queries, keys, values, out: kernels of the 1x1 convolutions; `out` holds the factor gamma.
    """

    def __init__(self, queries: Tensor, keys: Tensor, values: Tensor, out: Tensor) -> None:
        super().__init__()
        self.queries, self.keys = Convolution(queries), Convolution(keys)
        self.values, self.out = Convolution(values), Convolution(out)

    def forward(self, x: Tensor) -> Tensor:
        queries = tokens(self.queries(x))
        keys = tokens(F.max_pool2d(self.keys(x), 2))
        values = tokens(F.max_pool2d(self.values(x), 2))
        zeros = (0, values.shape[-1] - keys.shape[-1])  # one width for all: then torch's fused kernels take it
        mixed = F.scaled_dot_product_attention(F.pad(queries, zeros), F.pad(keys, zeros), values, scale=1.0)
        return x + self.out(mixed.squeeze(1).transpose(1, 2).unflatten(2, x.shape[2:]))


class Output(nn.Module):
    """(B, in, H, W) to images (B, 3, H, W) in [-1, 1]: norm, ReLU, 3x3 convolution, tanh.

    Args:
        norm: scale and shift of the batch norm, (in,) each.
        weight: (3, in, 3, 3).
        bias: (3,).
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, norm: Affine, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", norm[0].detach().clone())
        self.register_buffer("shift", norm[1].detach().clone())
        self.convolution = Convolution(weight, bias)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.convolution(norm_relu(x, self.scale[None], self.shift[None])))


def tokens(x: Tensor) -> Tensor:
    """(B, C, H, W) to (B, 1, H W, C): one head."""
    return x.flatten(2).transpose(1, 2).unsqueeze(1)


def norm_relu(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """ReLU of x (B, C, H, W) after scaling and shifting each row's channels by (B, C), or (1, C) for all rows."""
    return NormReLU.apply(x, scale[:, :, None, None].to(x.dtype), shift[:, :, None, None].to(x.dtype))  # pyright: ignore


class NormReLU(torch.autograd.Function):
    """The three as one: keeps only x for the backward pass, half of what autograd would keep, and is faster for it."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        ctx.save_for_backward(x, scale, shift)
        return torch.addcmul(shift, x, scale).relu_()

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  (the decorator hides the name of ctx)
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        x, scale, shift = ctx.saved_tensors
        buffer = torch.addcmul(shift, x, scale)
        inner = torch.ops.aten.threshold_backward(gradients[0], buffer, 0)
        if not ctx.needs_input_grad[1]:
            return inner.mul_(scale), None, None
        of_scale = torch.mul(inner, x, out=buffer).sum((2, 3), keepdim=True)
        of_shift = inner.sum((2, 3), keepdim=True)
        return inner.mul_(scale), of_scale, of_shift
