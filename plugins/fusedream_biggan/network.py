"""BigGAN-deep for inference: the package's function, with everything constant folded.

Spectral norms become plain weights, each conditional batch norm a scale and a shift that one product per block draws from
the condition, doubling and the convolution after it one transposed convolution; of the last convolution's channels only
the three that are seen are computed. Tensors are channels-last, the faster order on CPUs and GPUs alike. (The package's
layers are typed Any: their tensors come from hooks that no type checker sees.)
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from pytorch_pretrained_biggan import BigGAN
from pytorch_pretrained_biggan.model import SelfAttn
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from fusedream_biggan.folding import conditional_norm, normalised, plain_norm, upsampling


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


class FoldedBigGAN(nn.Module):
    """The generator at one truncation.

    Args:
        model: the package's model, which stays as it is.
        truncation: in (0, 1].
    """

    embeddings: Tensor  # (classes, z_dim)
    scale: Tensor  # of the last norm, (C,)
    shift: Tensor

    def __init__(self, model: BigGAN, truncation: float) -> None:
        super().__init__()
        generator: Any = model.generator
        last = generator.conv_to_rgb
        self.width = model.config.channel_width
        self.register_buffer("embeddings", model.embeddings.weight.detach().T.clone(memory_format=torch.contiguous_format))
        self.first = Linear(normalised(generator.gen_z), generator.gen_z.bias)
        self.layers = nn.ModuleList(
            Attention(layer) if isinstance(layer, SelfAttn) else Block(layer, truncation) for layer in generator.layers
        )
        scale, shift = plain_norm(generator.bn, truncation)
        self.register_buffer("scale", scale.detach())
        self.register_buffer("shift", shift.detach())
        self.last = Convolution(normalised(last)[:3], last.bias[:3])

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """z and y, (B, z_dim) each, to images (B, 3, H, W) in [-1, 1]."""
        condition = torch.cat([z, y], dim=1)
        x = self.first(condition).view(-1, 4, 4, 16 * self.width).permute(0, 3, 1, 2)  # the package's order: channels last
        for layer in self.layers:
            x = layer(x, condition)
        return torch.tanh(self.last(norm_relu(x, self.scale[None], self.shift[None])))


class Block(nn.Module):
    """A residual block of BigGAN-deep (figure 16 of its paper): 1x1, 3x3, 3x3, 1x1, each after norm and ReLU."""

    def __init__(self, block: Any, truncation: float) -> None:
        super().__init__()
        norms = [block.bn_0, block.bn_1, block.bn_2, block.bn_3]
        weights, biases = zip(*(conditional_norm(norm, truncation) for norm in norms), strict=True)
        self.norms = Linear(torch.cat(weights), torch.cat(biases))
        self.sizes = [size for norm in norms for size in (norm.num_features, norm.num_features)]
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
        norms = self.norms(condition).split(self.sizes, dim=1)
        skip = x[:, : self.outputs]
        if self.up_sample:
            skip = F.interpolate(skip, scale_factor=2.0, mode="nearest")
        x = self.conv_0(norm_relu(x, *norms[0:2]))
        x = self.conv_1(norm_relu(x, *norms[2:4]))
        x = self.conv_2(norm_relu(x, *norms[4:6]))
        return self.conv_3(norm_relu(x, *norms[6:8])) + skip


class Attention(nn.Module):
    """Self-attention over positions, keys and values pooled by two (Zhang et al. 2019)."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.queries = Convolution(normalised(layer.snconv1x1_theta))
        self.keys = Convolution(normalised(layer.snconv1x1_phi))
        self.values = Convolution(normalised(layer.snconv1x1_g))
        self.out = Convolution(layer.gamma * normalised(layer.snconv1x1_o_conv))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        queries = tokens(self.queries(x))
        keys = tokens(F.max_pool2d(self.keys(x), 2))
        values = tokens(F.max_pool2d(self.values(x), 2))
        zeros = (0, values.shape[-1] - keys.shape[-1])  # one width for all: then torch's fused kernels take it
        mixed = F.scaled_dot_product_attention(F.pad(queries, zeros), F.pad(keys, zeros), values, scale=1.0)
        return x + self.out(mixed.squeeze(1).transpose(1, 2).unflatten(2, x.shape[2:]))


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
