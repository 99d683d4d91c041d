"""BigGAN-deep for inference: the package's function, with everything constant folded.

Spectral norms become plain weights, each conditional batch norm a scale and a shift that one product per block draws from
the condition, doubling and the convolution after it one transposed convolution; of the last convolution's channels only
the three that are seen are computed. Tensors are channels-last, the faster order on CPUs and GPUs alike.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from pytorch_pretrained_biggan import BigGAN
from pytorch_pretrained_biggan.model import GenBlock, SelfAttn
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from fusedream_biggan.folding import conditional_norm, normalised, plain_norm, upsampling


class FoldedBigGAN(nn.Module):
    """The generator at one truncation; weights are buffers, so nothing in it is ever trained.

    Args:
        model: the package's model, which stays as it is.
        truncation: in (0, 1].
    """

    embeddings: Tensor  # (classes, z_dim)

    def __init__(self, model: BigGAN, truncation: float) -> None:
        super().__init__()
        generator = model.generator
        self.width = model.config.channel_width
        self.register_buffer("embeddings", model.embeddings.weight.T.contiguous())
        keep(self, "first", normalised(generator.gen_z), generator.gen_z.bias)
        self.layers = nn.ModuleList(
            Attention(layer) if isinstance(layer, SelfAttn) else Block(layer, truncation) for layer in generator.layers
        )
        keep(self, "norm", *plain_norm(generator.bn, truncation))
        last = generator.conv_to_rgb
        keep(self, "last", normalised(last)[:3], last.bias[:3])

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """z and y, (B, z_dim) each, to images (B, 3, H, W) in [-1, 1]."""
        condition = torch.cat([z, y], dim=1)
        x = F.linear(condition, self.first_weight, self.first_bias)
        x = x.view(-1, 4, 4, 16 * self.width).permute(0, 3, 1, 2)  # the package's order, which is channels-last
        for layer in self.layers:
            x = layer(x, condition)
        x = norm_relu(x, self.norm_weight[None], self.norm_bias[None])
        return torch.tanh(F.conv2d(x, self.last_weight, self.last_bias, padding=1))


class Block(nn.Module):
    """A residual block of BigGAN-deep (figure 16 of its paper): 1x1, 3x3, 3x3, 1x1, each after norm and ReLU."""

    def __init__(self, block: GenBlock, truncation: float) -> None:
        super().__init__()
        norms = [block.bn_0, block.bn_1, block.bn_2, block.bn_3]
        weights, biases = zip(*(conditional_norm(norm, truncation) for norm in norms), strict=True)
        self.sizes = [size for norm in norms for size in (norm.num_features, norm.num_features)]
        keep(self, "norms", torch.cat(weights), torch.cat(biases))
        for i, conv in enumerate((block.conv_0, block.conv_1, block.conv_2, block.conv_3)):
            weight = normalised(conv)
            keep(self, f"conv_{i}", upsampling(weight) if i == 1 and block.up_sample else weight, conv.bias)
        self.up_sample = block.up_sample
        self.outputs = block.conv_3.out_channels

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        norms = F.linear(condition, self.norms_weight, self.norms_bias).split(self.sizes, dim=1)
        skip = x[:, : self.outputs]
        x = F.conv2d(norm_relu(x, *norms[0:2]), self.conv_0_weight, self.conv_0_bias)
        x = norm_relu(x, *norms[2:4])
        if self.up_sample:
            x = F.conv_transpose2d(x, self.conv_1_weight, self.conv_1_bias, stride=2, padding=1)
            skip = F.interpolate(skip, scale_factor=2.0, mode="nearest")
        else:
            x = F.conv2d(x, self.conv_1_weight, self.conv_1_bias, padding=1)
        x = F.conv2d(norm_relu(x, *norms[4:6]), self.conv_2_weight, self.conv_2_bias, padding=1)
        x = F.conv2d(norm_relu(x, *norms[6:8]), self.conv_3_weight, self.conv_3_bias)
        return x + skip


class Attention(nn.Module):
    """Self-attention over positions, keys and values pooled by two (Zhang et al. 2019)."""

    def __init__(self, layer: SelfAttn) -> None:
        super().__init__()
        for name in ("theta", "phi", "g"):
            keep(self, name, normalised(getattr(layer, f"snconv1x1_{name}")))
        keep(self, "out", layer.gamma * normalised(layer.snconv1x1_o_conv))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        queries = tokens(F.conv2d(x, self.theta_weight))
        keys = tokens(F.max_pool2d(F.conv2d(x, self.phi_weight), 2))
        values = tokens(F.max_pool2d(F.conv2d(x, self.g_weight), 2))
        zeros = (0, values.shape[-1] - keys.shape[-1])  # one width for all: then torch's fused kernels take it
        mixed = F.scaled_dot_product_attention(F.pad(queries, zeros), F.pad(keys, zeros), values, scale=1.0)
        mixed = mixed.squeeze(1).transpose(1, 2).unflatten(2, x.shape[2:])
        return x + F.conv2d(mixed, self.out_weight)


def keep(module: nn.Module, name: str, weight: Tensor, bias: Tensor | None = None) -> None:
    """Store a weight, channels-last where it is a kernel, and its bias as buffers."""
    layout = torch.channels_last if weight.dim() == 4 else torch.contiguous_format
    module.register_buffer(f"{name}_weight", weight.detach().clone(memory_format=layout))
    if bias is not None:
        module.register_buffer(f"{name}_bias", bias.detach().clone())


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
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        x, scale, shift = ctx.saved_tensors
        buffer = torch.addcmul(shift, x, scale)
        inner = torch.ops.aten.threshold_backward(gradient, buffer, 0)
        if not ctx.needs_input_grad[1]:
            return inner.mul_(scale), None, None
        of_scale = torch.mul(inner, x, out=buffer).sum((2, 3), keepdim=True)
        of_shift = inner.sum((2, 3), keepdim=True)
        return inner.mul_(scale), of_scale, of_shift
