"""The two layouts of a StyleGAN2's tensors: their names and shapes, from which its sizes are read.

Ours are the names of NVIDIA's code. rosinality's holds the same numbers under other names, some of them with axes of length 1.

References:
    rosinality/stylegan2-pytorch, model.py. NVlabs/stylegan2-ada-pytorch, training/networks.py; NVlabs/stylegan3,
    training/networks_stylegan2.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count, pairwise, takewhile
from pathlib import Path
from typing import Literal

from torch import Tensor

from fusedream_sdk.errors import WeightsError

Layout = Literal["nvidia", "rosinality"]
Shape = tuple[int, ...]
SMALLEST = 4  # side of the constant input
FILTER_GAIN: dict[Layout, float] = {"nvidia": 1.0, "rosinality": 4.0}  # what a stored filter adds up to: 4 makes up for zeros


@dataclass(frozen=True)
class Sizes:
    """What the shapes say.

    Attributes:
        layout: whose names the file has.
        mapping: widths of the mapping network, from z to w.
        channels: of each resolution, from 4 pixels on.
    """

    layout: Layout
    mapping: Shape
    channels: Shape

    @property
    def resolution(self) -> int:
        """Side of the pictures, in pixels."""
        return SMALLEST << (len(self.channels) - 1)

    @property
    def layers(self) -> int:
        """How many w a picture takes: one for each convolution, and the last one's colours."""
        return 2 * len(self.channels)

    def entries(self) -> Iterator[Entry]:
        """Every tensor that is read, but for the filters."""
        nvidia = self.layout == "nvidia"
        for entry in self._entries():
            yield Entry(entry.name, entry.name, entry.shape, ()) if nvidia else entry
        if nvidia:
            yield Entry("mapping.w_avg", "mapping.w_avg", self.mapping[-1:], ())

    def filters(self) -> Iterator[str]:
        """Names of the low-pass filters in the file, (4, 4) each."""
        for k in range(len(self.channels)):
            block = f"synthesis.b{SMALLEST << k}"
            if self.layout == "nvidia":
                yield from (f"{block}.{part}resample_filter" for part in ("", "conv1.", *(("conv0.",) if k else ())))
            elif k:
                yield from (f"convs.{2 * k - 2}.conv.blur.kernel", f"to_rgbs.{k - 1}.upsample.kernel")

    def _entries(self) -> Iterator[Entry]:
        w = self.mapping[-1]
        for i, (before, after) in enumerate(pairwise(self.mapping)):
            yield Entry(f"mapping.fc{i}.weight", f"style.{i + 1}.weight", (after, before))
            yield Entry(f"mapping.fc{i}.bias", f"style.{i + 1}.bias", (after,))
        yield Entry("synthesis.b4.const", "input.input", (self.channels[0], SMALLEST, SMALLEST), (1,))
        for k, width in enumerate(self.channels):
            block, side = f"synthesis.b{SMALLEST << k}", SMALLEST << k
            if k:
                into = self.channels[k - 1]
                yield from convolution(f"{block}.conv0", f"convs.{2 * k - 2}", 2 * k - 1, (width, into, w, side))
            yield from convolution(f"{block}.conv1", f"convs.{2 * k - 1}" if k else "conv1", 2 * k, (width, width, w, side))
            yield from colours(f"{block}.torgb", f"to_rgbs.{k - 1}" if k else "to_rgb1", (width, w))


@dataclass(frozen=True)
class Entry:
    """One tensor: our name for it, the file's, its shape, and the axes of length 1 that the file puts before it (and after)."""

    name: str
    stored: str
    shape: Shape
    before: Shape = ()
    after: Shape = ()

    @property
    def stored_shape(self) -> Shape:
        """Its shape in the file."""
        return (*self.before, *self.shape, *self.after)


def convolution(name: str, stored: str, index: int, sizes: tuple[int, int, int, int]) -> Iterator[Entry]:
    """A 3x3 convolution with its style, noise and bias. `sizes`: channels out and in, width of w, side of its output."""
    out, into, w, side = sizes
    yield Entry(f"{name}.affine.weight", f"{stored}.conv.modulation.weight", (into, w))
    yield Entry(f"{name}.affine.bias", f"{stored}.conv.modulation.bias", (into,))
    yield Entry(f"{name}.weight", f"{stored}.conv.weight", (out, into, 3, 3), (1,))
    yield Entry(f"{name}.bias", f"{stored}.activate.bias", (out,))
    yield Entry(f"{name}.noise_strength", f"{stored}.noise.weight", (), (1,))
    yield Entry(f"{name}.noise_const", f"noises.noise_{index}", (side, side), (1, 1))


def colours(name: str, stored: str, sizes: tuple[int, int]) -> Iterator[Entry]:
    """A 1x1 convolution to RGB. `sizes`: channels in, width of w."""
    into, w = sizes
    yield Entry(f"{name}.affine.weight", f"{stored}.conv.modulation.weight", (into, w))
    yield Entry(f"{name}.affine.bias", f"{stored}.conv.modulation.bias", (into,))
    yield Entry(f"{name}.weight", f"{stored}.conv.weight", (3, into, 1, 1), (1,))
    yield Entry(f"{name}.bias", f"{stored}.bias", (3,), (1,), (1, 1))


def read_sizes(tensors: Mapping[str, Tensor], path: Path) -> Sizes:
    """Whose layout a file has, and the sizes of the network.

    Raises:
        WeightsError: neither layout, a class-conditional network, or shapes that no StyleGAN2 has.
    """
    if "mapping.embed.weight" in tensors:
        raise WeightsError(f"{path}: expected a StyleGAN2 without classes, got one that is told a class (mapping.embed).")
    layout: Layout = "nvidia" if "synthesis.b4.const" in tensors else "rosinality"
    if layout == "rosinality" and "input.input" not in tensors:
        other = " It is a StyleGAN3." if any(name.startswith("synthesis.input.") for name in tensors) else ""
        first = ", ".join(map(repr, sorted(tensors)[:3])) or "nothing"
        expected = "a StyleGAN2 of rosinality/stylegan2-pytorch ('input.input') or of NVIDIA ('synthesis.b4.const')"
        raise WeightsError(f"{path}: expected {expected}, got a file with {first}.{other}")
    own = layout == "nvidia"
    fully = [f"mapping.fc{i}.weight" if own else f"style.{i + 1}.weight" for i in range(len(tensors))]
    depth = len(list(takewhile(tensors.__contains__, fully)))
    last = "synthesis.b{}.conv1.weight" if own else "convs.{}.conv.weight"
    higher = (last.format(SMALLEST << k if own else 2 * k - 1) for k in count(1))
    widths = [last.format(SMALLEST) if own else "conv1.conv.weight", *takewhile(tensors.__contains__, higher)]
    mapping = [sides_of(tensors, name, 2, path) for name in fully[: max(depth, 1)]]
    channels = [sides_of(tensors, name, 4 if own else 5, path)[0 if own else 1] for name in widths]
    return Sizes(layout, (mapping[0][1], *(shape[0] for shape in mapping)), tuple(channels))


def sides_of(tensors: Mapping[str, Tensor], name: str, axes: int, path: Path) -> Shape:
    """The shape of a tensor with so many axes. Raises WeightsError for one that is missing, or has others."""
    if name not in tensors:
        raise WeightsError(f"{path}: the entries are not those of a StyleGAN2: 1 missing (first: {name!r}).")
    shape = tuple(tensors[name].shape)
    if len(shape) != axes or 0 in shape:
        raise WeightsError(f"{path}: {name}: expected {axes} axes, as of a StyleGAN2, none of length 0; got shape {shape}.")
    return shape
