"""The sizes of a non-deep BigGAN, read from its weights: no configuration comes with them.

The names are those of the Generator of BigGAN-PyTorch, as in its own G_ema.pth, in what its converter makes of the
weights on TensorFlow Hub, and in the biggan-256.pth and biggan-512.pth of FuseDream's authors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fusedream_sdk.errors import WeightsError

OWN = r"(shared|linear|blocks\.\d+\.\d+|output_layer\.\d+)\."  # what the names of its entries begin with
ADVICE = "Expected the generator's state dict of BigGAN-PyTorch: G_ema.pth, or a converted biggan-256.pth."


@dataclass(frozen=True)
class Shapes:
    """Table 4 to 6 of Brock et al. 2019, as far as weights can differ.

    Attributes:
        widths: channels before the first block and after each.
        attention: the blocks that self-attention follows.
        chunk: size of the part of z that the first layer gets, and each block in turn.
        shared: size of the class embedding, which all blocks share.
        num_classes: how many there are.
    """

    widths: tuple[int, ...]
    attention: frozenset[int]
    chunk: int
    shared: int
    num_classes: int

    @property
    def z_dim(self) -> int:
        """Size of z."""
        return self.chunk * len(self.widths)

    @property
    def resolution(self) -> int:
        """Side of the images in pixels: 4, doubled by every block."""
        return 4 * 2 ** (len(self.widths) - 1)

    @property
    def name(self) -> str:
        """Such as "biggan-256"."""
        return f"biggan-{self.resolution}"

    def entries(self) -> dict[str, Tensor]:
        """Name -> tensor of the right shape and no content, for all weights."""
        first, last, condition = self.widths[0], self.widths[-1], self.shared + self.chunk
        sizes = {"shared.weight": (self.num_classes, self.shared)}
        sizes |= normed("linear", first * 16, self.chunk) | {"linear.bias": (first * 16,)}
        for i, (before, after) in enumerate(zip(self.widths, self.widths[1:], strict=False)):
            block = f"blocks.{i}.0."
            for name, inputs, side in (("conv1", before, 3), ("conv2", after, 3), ("conv_sc", before, 1)):
                sizes |= normed(block + name, after, inputs, side, side) | {f"{block}{name}.bias": (after,)}
            for name, channels in (("bn1", before), ("bn2", after)):
                sizes |= {f"{block}{name}.stored_mean": (channels,), f"{block}{name}.stored_var": (channels,)}
                for part in ("gain", "bias"):
                    sizes |= normed(f"{block}{name}.{part}", channels, condition)
            if i in self.attention:
                sizes |= attention(f"blocks.{i}.1.", after)
        sizes |= {f"output_layer.0.{name}": (last,) for name in ("gain", "bias", "stored_mean", "stored_var")}
        sizes |= normed("output_layer.2", 3, last, 3, 3) | {"output_layer.2.bias": (3,)}
        return {name: torch.empty(size, device="meta") for name, size in sizes.items()}


Sizes = dict[str, tuple[int, ...]]


def normed(name: str, *size: int) -> Sizes:
    """A weight under spectral norm."""
    return {f"{name}.weight": size, f"{name}.u0": (1, size[0])}


def attention(name: str, channels: int) -> Sizes:
    """Self-attention: queries and keys of an eighth of the channels, values of half of them."""
    inner = {"theta": channels // 8, "phi": channels // 8, "g": channels // 2}
    sizes: Sizes = {f"{name}gamma": ()}
    for part, outputs in inner.items():
        sizes |= normed(name + part, outputs, channels, 1, 1)
    return sizes | normed(f"{name}o", channels, channels // 2, 1, 1)


def plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The entries that count, in one form.

    Singular values `sv0` are logged by BigGAN-PyTorch and never read; converted files lack them. Their gamma may be (1,).
    """
    kept = {name: value for name, value in tensors.items() if not name.endswith(".sv0")}
    return {name: value[0] if name.endswith(".gamma") and value.shape == (1,) else value for name, value in kept.items()}


def read_shapes(tensors: Mapping[str, Tensor], path: Path) -> Shapes:
    """The sizes, from the few entries that tell them; `Shapes.entries` then says what the others have to be.

    Raises:
        WeightsError: the weights of another architecture, or one of those few is missing.
    """
    check_kind(tensors, path)
    blocks = [int(found[1]) for name in tensors if (found := re.match(r"blocks\.(\d+)\.0\.", name))]

    def size(name: str, dimensions: int) -> tuple[int, ...]:
        if name not in tensors:
            strange = sorted(other for other in tensors if not re.match(OWN, other))
            also = f" and {strange[0]!r} is unexpected" if strange else ""
            raise WeightsError(f"{path}: not the entries of a BigGAN: {name!r} is missing{also}. {ADVICE}")
        if tensors[name].dim() != dimensions:
            raise WeightsError(
                f"{path}: {name}: expected {dimensions} dimensions, got shape {tuple(tensors[name].shape)}. {ADVICE}"
            )
        return tuple(tensors[name].shape)

    kernels = [size(f"blocks.{i}.0.conv1.weight", 4) for i in range(max(blocks, default=0) + 1)]
    num_classes, shared = size("shared.weight", 2)
    return Shapes(
        widths=(kernels[0][1], *(kernel[0] for kernel in kernels)),
        attention=frozenset(i for i in range(len(kernels)) if any(name.startswith(f"blocks.{i}.1.") for name in tensors)),
        chunk=size("linear.weight", 2)[1],
        shared=shared,
        num_classes=num_classes,
    )


def check_kind(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Name an architecture that is close to the wanted one."""
    if "embeddings.weight" in tensors:
        raise WeightsError(
            f"{path}: these are the weights of a BigGAN-deep of pytorch-pretrained-biggan. "
            f"Give the folder that holds them and their config.json."
        )
    if "blocks.0.0.conv4.weight" in tensors:
        raise WeightsError(f"{path}: these are the weights of BigGAN-PyTorch's BigGAN-deep, which is not read. {ADVICE}")
    if any(".bn.stored_mean" in name or ".bn.running_mean" in name for name in tensors):
        raise WeightsError(f"{path}: trained with --mybn or --cross_replica, whose norms are stored otherwise. {ADVICE}")
