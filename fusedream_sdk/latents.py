"""Latents: named tensors with one row per picture, and the space that they live in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput

Latents: TypeAlias = dict[str, Tensor]
"""Name of a latent -> (B, *shape). Row i of every entry belongs to picture i."""


@runtime_checkable
class Constraint(Protocol):
    """A closed set of permitted values."""

    def project(self, x: Tensor) -> Tensor:
        """The nearest permitted point, same shape."""
        ...

    def contains(self, x: Tensor, atol: float = 1e-5) -> bool:
        """Whether every value is permitted, up to `atol` (a convex mix may leave a box by a rounding)."""
        ...


@dataclass(frozen=True)
class Free:
    """No constraint but that values are finite."""

    def project(self, x: Tensor) -> Tensor:
        return x

    def contains(self, x: Tensor, atol: float = 1e-5) -> bool:
        return bool(torch.isfinite(x).all())


Bound: TypeAlias = float | tuple[float, ...]
"""One number for every coordinate, or one for each channel."""


@dataclass(frozen=True)
class Box:
    """Every coordinate in [low, high], as BigGAN's truncated z in [-2, 2] (section 2 of the paper).

    Args:
        low, high: one number, or one for each channel, as of the vectors in a VQGAN's codebook.
        axis: the channels' axis where there are such, counted from the end so that leading axes (rows, basis) do not
            matter: -3 in (C, H, W).
    """

    low: Bound
    high: Bound
    axis: int = -3

    def __post_init__(self) -> None:
        if self.axis >= 0:
            raise InvalidInput("Box", expected="axis counted from the end, as -3 in (C, H, W)", got=f"axis={self.axis}")
        lows, highs = (bound if isinstance(bound, tuple) else (bound,) for bound in (self.low, self.high))
        if len(lows) != len(highs) or not lows:
            expected = "two numbers, or as many for low as for high"
            raise InvalidInput("Box", expected=expected, got=f"{len(lows)} and {len(highs)}")
        for low, high in zip(lows, highs, strict=True):
            if not low < high:
                raise InvalidInput("Box", expected="low < high", got=f"low={low}, high={high}")

    @property
    def channels(self) -> int | None:
        """How many channels have bounds of their own; None if all share them."""
        return len(self.low) if isinstance(self.low, tuple) else None

    def project(self, x: Tensor) -> Tensor:
        return x.clamp(self._bound(self.low, x), self._bound(self.high, x))

    def contains(self, x: Tensor, atol: float = 1e-5) -> bool:
        low, high = self._bound(self.low, x), self._bound(self.high, x)
        return bool(((x >= low - atol) & (x <= high + atol)).all())

    def _bound(self, bound: Bound, x: Tensor) -> Tensor:
        """A bound as a tensor that broadcasts against x."""
        values = x.new_tensor(bound)
        return values.view(-1, *[1] * (-self.axis - 1)) if isinstance(bound, tuple) else values


@dataclass(frozen=True)
class LatentSpec:
    """What a generator says of one of its latents.

    Args:
        shape: of one row, without the batch axis.
        constraint: the permitted values.
        frozen: a condition rather than an unknown (a prompt embedding, say): sampled with the others, never optimised,
            mixed or projected.
    """

    shape: tuple[int, ...]
    constraint: Constraint = field(default_factory=Free)
    frozen: bool = False

    def __post_init__(self) -> None:
        box = self.constraint
        if isinstance(box, Box) and box.channels and self.shape[box.axis : box.axis + 1 or None] != (box.channels,):
            expected = f"{box.channels} channels on axis {box.axis}, as the box has"
            raise InvalidInput("LatentSpec", expected=expected, got=f"shape {self.shape}")


Space: TypeAlias = Mapping[str, LatentSpec]


def rows(latents: Latents) -> int:
    """Number of rows B."""
    return next(iter(latents.values())).shape[0]


def map_latents(function: Callable[[Tensor], Tensor], latents: Latents) -> Latents:
    """Apply a function to every entry."""
    return {name: function(x) for name, x in latents.items()}


def select(latents: Latents, index: Tensor | slice | Sequence[int]) -> Latents:
    """The rows at `index`, in its order."""
    if not isinstance(index, (Tensor, slice)):
        index = torch.tensor(index, dtype=torch.long)
    return {name: x[index.to(x.device) if isinstance(index, Tensor) else index] for name, x in latents.items()}


def concatenate(parts: Sequence[Latents]) -> Latents:
    """Rows of all parts, one after the other."""
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def project(latents: Latents, space: Space) -> Latents:
    """Every unfrozen entry put back inside its constraint."""
    return {name: x if space[name].frozen else space[name].constraint.project(x) for name, x in latents.items()}


def contains(latents: Latents, space: Space, atol: float = 1e-5) -> bool:
    """Whether every unfrozen entry lies inside its constraint."""
    return all(spec.frozen or spec.constraint.contains(latents[name], atol) for name, spec in space.items())


def check_latents(latents: Latents, space: Space, *, argument: str = "latents") -> int:
    """Check names and shapes against a space.

    Returns:
        The number of rows.

    Raises:
        InvalidInput: a name is missing or unknown, a shape is wrong, or the entries disagree on the number of rows.
    """
    if set(latents) != set(space):
        raise InvalidInput(argument, expected=f"the entries {sorted(space)}", got=f"{sorted(latents)}")
    count = rows(latents)
    for name, spec in space.items():
        if tuple(latents[name].shape) != (count, *spec.shape):
            expected = f"shape {(count, *spec.shape)}"
            raise InvalidInput(f"{argument}[{name!r}]", expected=expected, got=f"{tuple(latents[name].shape)}")
    return count
