"""What a user may ask for: seeds, numbers, and pictures to compare."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import TypeIs

from fusedream_sdk.errors import InvalidInput, did_you_mean

if TYPE_CHECKING:  # checking seeds needs no torch
    from torch import Tensor

MAX_SEED = 2**63 - 1

Choices = TypeVar("Choices")
"""A frozen dataclass of settings."""


def check_seeds(seeds: int | Sequence[int]) -> list[int]:
    """One seed or several, each an integer from 0 to 2**63 - 1. Raises InvalidInput otherwise."""
    listed = list(seeds) if isinstance(seeds, Iterable) and not isinstance(seeds, str) else [seeds]
    if not listed:
        raise InvalidInput("seeds", expected="at least one seed", got="an empty list")
    return [_seed(seed) for seed in listed]


def is_number(value: object) -> TypeIs[float]:
    """Whether it is a real number, and not a truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def check_count(argument: str, value: object, least: int = 1) -> None:
    """An integer of at least so much. Raises InvalidInput otherwise."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InvalidInput(argument, expected=f"an integer of at least {least}", got=value)


def positive(argument: str, value: object) -> float:
    """A finite number above zero. Raises InvalidInput otherwise."""
    if is_number(value) and 0 < float(value) < float("inf"):
        return float(value)
    raise InvalidInput(argument, expected="a positive number", got=value)


def at_least_zero(argument: str, value: object) -> float:
    """A finite number of at least zero. Raises InvalidInput otherwise."""
    if is_number(value) and 0 <= float(value) < float("inf"):
        return float(value)
    raise InvalidInput(argument, expected="a number of at least 0", got=value)


def check_choice(argument: str, value: object, choices: Sequence[str], fix: str = "") -> None:
    """One of some words. Raises InvalidInput otherwise."""
    if value not in choices:
        raise InvalidInput(argument, expected=f"one of {', '.join(map(repr, choices))}", got=value, fix=fix)


def check_names(names: Iterable[str], known: Sequence[str], what: str = "a setting") -> None:
    """Every name is known. Raises InvalidInput for the first that is not, with the one that may have been meant."""
    for name in names:
        if name not in known:
            expected, fix = f"{what}: {', '.join(known)}", did_you_mean(name, known)
            raise InvalidInput(name, expected=expected, got="an unknown name", fix=fix)


def names_of(choices: object) -> list[str]:
    """Names of a dataclass's fields, of the class or of one of them."""
    return [field.name for field in dataclasses.fields(choices)]  # pyright: ignore[reportArgumentType]


def changed(choices: Choices, changes: Mapping[str, Any], what: str = "a setting") -> Choices:
    """A copy with some values changed. Raises InvalidInput for an unknown name, or a value that the class refuses."""
    check_names(changes, names_of(choices), what)
    return dataclasses.replace(choices, **changes)  # pyright: ignore[reportArgumentType, reportCallIssue, reportType]


def check_squares(images: Tensor, resolution: int) -> None:
    """Pictures (B, 3, resolution, resolution), as a scorer reads them. Raises InvalidInput otherwise; nothing is resized."""
    if images.dim() != 4 or images.shape[1:] != (3, resolution, resolution):
        expected = f"shape (B, 3, {resolution}, {resolution})"
        raise InvalidInput("images", expected=expected, got=f"{tuple(images.shape)}", fix="Resize them first.")


def check_pair(a: Tensor, b: Tensor, *, least: int = 1) -> None:
    """Two batches (B, 3, H, W) of one shape, with sides of at least `least` pixels. Raises InvalidInput otherwise."""
    for name, images in (("a", a), ("b", b)):
        if images.dim() != 4 or images.shape[1] != 3:
            raise InvalidInput(name, expected="pictures of shape (B, 3, H, W)", got=f"shape {tuple(images.shape)}")
    if a.shape != b.shape:
        raise InvalidInput("b", expected=f"pictures of the shape of a, {tuple(a.shape)}", got=f"shape {tuple(b.shape)}")
    if min(a.shape[2:]) < least:
        height, width = a.shape[2:]
        fix = "Enlarge them first."
        raise InvalidInput("a", expected=f"pictures of at least {least} x {least} pixels", got=f"{height} x {width}", fix=fix)


def _seed(value: object) -> int:
    # Integral rather than int: NumPy's integers are welcome
    if isinstance(value, Integral) and not isinstance(value, bool) and 0 <= int(value) <= MAX_SEED:
        return int(value)
    raise InvalidInput("seeds", expected=f"integers from 0 to {MAX_SEED}", got=value)
