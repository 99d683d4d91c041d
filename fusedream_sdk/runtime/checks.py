"""What a user may ask for: seeds, numbers in their bounds, values of a kind, and pictures to compare."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import TypeIs

from fusedream_sdk.errors import InvalidInput, did_you_mean

if TYPE_CHECKING:  # checking seeds needs no torch
    from torch import Tensor

MAX_SEED = 2**63 - 1
MOST_SEEDS = 1_000_000
LARGEST = sys.float_info.max

Choices = TypeVar("Choices")
"""A frozen dataclass of settings."""


@dataclasses.dataclass(frozen=True)
class Bounds:
    """What a number may be.

    Args:
        least, most: of it, both included.
        whole: an integer, of any kind: NumPy's too.
        above: `least` itself is too little.
        optional: None is taken too.
    """

    least: float = 0
    most: float = LARGEST
    whole: bool = False
    above: bool = False
    optional: bool = False

    def check(self, argument: str, value: object, fix: str = "") -> Any:
        """The number as a plain one. Raises InvalidInput for one outside, for NaN, infinity, a truth value or another kind."""
        if value is None and self.optional:
            return None
        if is_number(value) and (not self.whole or isinstance(value, Integral)):
            plain = value if type(value) in (int, float) else int(value) if self.whole else float(value)
            if self.holds(plain):
                return plain
            if self.most < plain < float("inf") and self.most > 1:  # NaN is not
                expected = f"{self} {'of' if self.above else 'and'} at most {grouped_digits(self.most)}"
                raise InvalidInput(argument, expected=expected, got=value, fix=fix)
        raise InvalidInput(argument, expected=f"{self}{', or None' if self.optional else ''}", got=value, fix=fix)

    def holds(self, number: float) -> bool:
        """Whether a plain number is inside, and finite."""
        return self.least <= number <= self.most and not (self.above and number == self.least)

    @property
    def span(self) -> str:
        """From the least to the most."""
        return f"from {grouped_digits(self.least)} to {grouped_digits(self.most)}"

    def __str__(self) -> str:
        kind = "an integer" if self.whole else "a number"
        if self.most <= 1:  # a share
            least, most = grouped_digits(self.least), grouped_digits(self.most)
            return f"{kind} above {least} and at most {most}" if self.above else f"{kind} from {least} to {most}"
        if self.above:
            return f"{kind} above {grouped_digits(self.least)}" if self.least else "a positive number"
        return f"{kind} of at least {grouped_digits(self.least)}"


def grouped_digits(number: float) -> str:
    """A number with commas between its thousands: 1,000,000 or 0.5."""
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


def check_count(argument: str, value: object, least: int = 1, most: float = LARGEST, fix: str = "") -> int:
    """An integer of at least and at most so much, as a plain one. Raises InvalidInput otherwise."""
    return Bounds(least, most, whole=True).check(argument, value, fix)


def positive(argument: str, value: object, most: float = LARGEST, fix: str = "Give a finite one.") -> float:
    """A finite number above zero, at most so much. Raises InvalidInput otherwise."""
    return float(Bounds(0, most, above=True).check(argument, value, fix))


def in_bounds(choices: object, bounds: Mapping[str, Bounds]) -> dict[str, Any]:
    """The numbers of a dataclass, plain ones. Raises InvalidInput for the first outside its bounds; its default is the fix."""
    fields = dataclasses.fields(choices)  # pyright: ignore[reportArgumentType]
    defaults: dict[str, Any] = {field.name: field.default for field in fields}
    return {
        name: bound.check(
            name, getattr(choices, name), "" if defaults[name] is None else f"The default is {grouped_digits(defaults[name])}."
        )
        for name, bound in bounds.items()
    }


def check_seeds(seeds: int | Iterable[int]) -> list[int]:
    """One seed or several, each an integer from 0 to 2**63 - 1, at most a million. Raises InvalidInput otherwise."""
    if isinstance(seeds, Iterable) and not isinstance(seeds, (str, bytes, Mapping)):
        listed = list(islice(seeds, MOST_SEEDS + 1))  # never the whole of an endless one
    else:
        listed = [seeds]
    if not listed:
        raise InvalidInput("seeds", expected="at least one seed", got="an empty list", fix="Leave it out for seed 0.")
    if len(listed) > MOST_SEEDS:
        raise InvalidInput("seeds", expected=f"at most {MOST_SEEDS:,} seeds", got="more", fix="Draw them in several calls.")
    return [check_seed("seeds", seed) for seed in listed]


def check_seed(argument: str, value: object) -> int:
    """One seed, as a plain integer. Raises InvalidInput for what is none from 0 to 2**63 - 1."""
    # Integral rather than int: NumPy's integers are welcome
    if isinstance(value, Integral) and not isinstance(value, bool) and 0 <= int(value) <= MAX_SEED:
        return int(value)
    expected = f"integers from 0 to {MAX_SEED}" if argument == "seeds" else f"an integer from 0 to {MAX_SEED}"
    raise InvalidInput(argument, expected=expected, got=value, fix="Any number in that range will do.")


def is_number(value: object) -> TypeIs[float]:
    """Whether it is a real number, and not a truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_finite(value: object) -> TypeIs[float]:
    """Whether it is a real number that a float can hold, and neither NaN nor infinite."""
    try:
        return is_number(value) and math.isfinite(value)
    except OverflowError:  # an integer of hundreds of digits
        return False


def check_kind(argument: str, value: object, kinds: type | tuple[type, ...], expected: str, fix: str = "") -> None:
    """A value of a kind. Raises InvalidInput otherwise, which says what is expected and the kind that came."""
    if not isinstance(value, kinds):
        raise InvalidInput(argument, expected=expected, got=kind_of(value), fix=fix)


def kind_of(value: object) -> str:
    """What a value is, in two words: "a str", "an int", or "None"."""
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def check_function(argument: str, value: object, what: str = "a function") -> None:
    """Something that can be called. Raises InvalidInput otherwise."""
    if not callable(value):
        raise InvalidInput(argument, expected=what, got=kind_of(value), fix="Leave it out, or give one.")


def check_flag(argument: str, value: object) -> None:
    """True or False; a text such as "no" would count as true. Raises InvalidInput otherwise."""
    if not isinstance(value, bool):
        raise InvalidInput(argument, expected="True or False", got=value, fix="Write it without quotes.")


def check_choice(argument: str, value: object, choices: Sequence[str], fix: str = "") -> None:
    """One of some words. Raises InvalidInput otherwise."""
    if value not in choices:
        raise InvalidInput(argument, expected=f"one of {', '.join(map(repr, choices))}", got=value, fix=fix)


def check_names(names: Iterable[str], known: Sequence[str], what: str = "a setting") -> None:
    """Every name is known. Raises InvalidInput for the first that is not, with the one that may have been meant."""
    for name in names:
        check_kind("settings", name, str, "names as text")
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
