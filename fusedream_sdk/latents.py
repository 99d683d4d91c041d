"""Latents: named tensors with one row per picture, and the space that they live in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import ClassVar, Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput

Latents: TypeAlias = dict[str, Tensor]
"""Name of a latent -> (B, *shape). Row i of every entry belongs to picture i."""


@runtime_checkable
class Constraint(Protocol):
    """A closed set of permitted values.

    One whose points may not be mixed, as the average of two of them is not permitted, says so: `convex = False`. Without that
    member a constraint counts as convex.
    """

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
        if not isinstance(self.axis, int) or self.axis >= 0:
            raise InvalidInput("Box", expected="axis counted from the end, as -3 in (C, H, W)", got=f"axis={self.axis}")
        lows, highs = (bound if isinstance(bound, tuple) else (bound,) for bound in (self.low, self.high))
        if len(lows) != len(highs) or not lows:
            expected = "two numbers, or as many for low as for high"
            raise InvalidInput("Box", expected=expected, got=f"{len(lows)} and {len(highs)}")
        for low, high in zip(lows, highs, strict=True):
            if not isinstance(low, Real) or not isinstance(high, Real):
                raise InvalidInput("Box", expected="numbers", got=f"low={low!r}, high={high!r}", fix="Box(-2, 2), say.")
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
class _Shares:
    """What the two sets of labels have in common: the axis along which a row has one number for each label."""

    axis: int = -1

    def __post_init__(self) -> None:
        if self.axis >= 0:
            kind, expected = type(self).__name__, "axis counted from the end, as -1 in (labels,)"
            raise InvalidInput(kind, expected=expected, got=f"axis={self.axis}")


@dataclass(frozen=True)
class Simplex(_Shares):
    """Numbers from 0 that add up to 1: the shares of labels, such as the classes of a class-conditional generator.

    Convex: a mixture of two classes is permitted, for a generator that can draw between them.

    Args:
        axis: of the labels, counted from the end.

    References:
        Duchi et al. (2008). Efficient projections onto the l1-ball for learning in high dimensions. Figure 1.
    """

    def project(self, x: Tensor) -> Tensor:
        values = x.movedim(self.axis, -1)
        falling = values.sort(dim=-1, descending=True).values
        excess = falling.cumsum(dim=-1) - 1
        counts = torch.arange(1, values.shape[-1] + 1, device=x.device)
        kept = (falling * counts > excess).sum(dim=-1, keepdim=True).clamp_min(1)  # none of a row that is not finite
        shift = excess.gather(-1, kept - 1) / kept
        return (values - shift).clamp_min(0).movedim(-1, self.axis)

    def contains(self, x: Tensor, atol: float = 1e-5) -> bool:
        return bool((x >= -atol).all()) and bool(((x.sum(dim=self.axis) - 1).abs() <= atol * x.shape[self.axis]).all())


@dataclass(frozen=True)
class OneHot(_Shares):
    """One label, as 1 among zeros. Not convex: it is never mixed, and the nearest one is that of the largest number.

    A gradient step is far too short to change the label, so a row keeps the one that its search found; a method that draws
    steps, such as random-search, changes it.

    Args:
        axis: of the labels, counted from the end.
    """

    convex: ClassVar[bool] = False

    def project(self, x: Tensor) -> Tensor:
        best = x.argmax(dim=self.axis, keepdim=True)
        return torch.zeros_like(x).scatter(self.axis, best, 1.0)

    def contains(self, x: Tensor, atol: float = 1e-5) -> bool:
        return bool(((x - self.project(x)).abs() <= atol).all())


@dataclass(frozen=True)
class LatentSpec:
    """What a generator says of one of its latents.

    Args:
        shape: of one row, without the batch axis.
        constraint: the permitted values.
        frozen: a condition rather than an unknown (a prompt embedding, say): sampled with the others, never optimised,
            mixed or projected.
        mixable: whether a mixture of several of its values is one of its values. Where it is off, or the constraint is not
            convex, a row that begins at a mixture takes this latent of the first of them, and gets no noise on it; it is
            optimised and projected like any other.
    """

    shape: tuple[int, ...]
    constraint: Constraint = field(default_factory=Free)
    frozen: bool = False
    mixable: bool = True

    @property
    def mixes(self) -> bool:
        """Whether it is mixed: neither frozen nor said to be unfit for it, by itself or by its constraint."""
        return self.mixable and not self.frozen and getattr(self.constraint, "convex", True)

    def __post_init__(self) -> None:
        sides = self.shape if isinstance(self.shape, (tuple, list)) else (None,)
        if not all(isinstance(side, Integral) and not isinstance(side, bool) and side > 0 for side in sides):
            fix = "LatentSpec((128,)), say."
            raise InvalidInput("LatentSpec", expected="a shape of positive integers", got=f"shape {self.shape!r}", fix=fix)
        if not isinstance(self.constraint, Constraint):
            expected, got = "a constraint with project and contains", f"a {type(self.constraint).__name__}"
            raise InvalidInput("LatentSpec", expected=expected, got=got, fix="Leave it out, or give Box(-2, 2).")
        for name in ("frozen", "mixable"):
            if not isinstance(getattr(self, name), bool):
                expected = f"{name} as True or False"
                raise InvalidInput("LatentSpec", expected=expected, got=getattr(self, name), fix="Leave it out.")
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


def firsts(basis: Latents) -> Latents:
    """The first latent of each row's basis: (B, k, ...) to (B, ...)."""
    return map_latents(lambda x: x[:, 0], basis)


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
