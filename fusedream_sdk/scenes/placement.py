"""Where a foreground goes on a canvas: one of nine places, or anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from fusedream_sdk.errors import InvalidInput, did_you_mean
from fusedream_sdk.runtime.checks import is_number, kind_of

PLACES: dict[str, tuple[float, float]] = {
    "top-left": (-1, -1),
    "top": (0, -1),
    "top-right": (1, -1),
    "left": (-1, 0),
    "centre": (0, 0),
    "right": (1, 0),
    "bottom-left": (-1, 1),
    "bottom": (0, 1),
    "bottom-right": (1, 1),
}
"""The 3 x 3 places of section 3.3: name -> (x, y)."""


MOST_SCALES = 10_000


@dataclass(frozen=True)
class Placement:
    """Size and place of a foreground.

    Args:
        scale: the share of the canvas's sides that it spans, in (0, 1]; it keeps its own proportions.
        x, y: where it lies in the room that is left, in [-1, 1]: -1 is flush left (top), 0 centred, 1 flush right (bottom).
            So a foreground is never outside, whatever its scale.

    Raises:
        InvalidInput: a number outside its range.
    """

    scale: float = 0.5
    x: float = 0.0
    y: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", check_scale("scale", self.scale))
        for name in ("x", "y"):
            value = getattr(self, name)
            if not is_number(value) or not -1 <= value <= 1:
                fix = "1 is flush with the right (or lower) edge; beyond it the foreground would fall outside."
                raise InvalidInput(name, expected="a number from -1 to 1", got=value, fix=fix)
            object.__setattr__(self, name, float(value))

    @classmethod
    def at(cls, place: str, scale: float = 0.5) -> Placement:
        """One of the nine places. Raises InvalidInput for another name."""
        if not isinstance(place, str) or place not in PLACES:
            raise InvalidInput("place", expected=f"one of {', '.join(PLACES)}", got=place)
        x, y = PLACES[place]
        return cls(scale, x, y)

    @property
    def place(self) -> str:
        """The name of its place, or "free"."""
        return next((name for name, spot in PLACES.items() if spot == (self.x, self.y)), "free")

    def __str__(self) -> str:
        where = self.place if self.place != "free" else f"({self.x:+.2f}, {self.y:+.2f})"
        return f"{where} at {self.scale:g}"


Places: TypeAlias = str | Sequence[str] | Placement | Sequence[Placement]
"""Names of places, which take every scale that is asked for, or whole placements."""


def placements(places: Places, scales: float | Sequence[float] | None = None) -> list[Placement]:
    """The discrete set of section 3.3: every place at every scale, scale by scale.

    Args:
        places: "all", the name of one of the nine, or a list of such names; or one or several `Placement`, as they are.
        scales: one or several, each in (0, 1]; 0.5 by default. Whole placements have their own.

    Raises:
        InvalidInput: none, an unknown name, a scale outside its range, or scales beside whole placements.
    """
    if not isinstance(places, (str, Placement, list, tuple)):
        fix = "Leave it out for all nine."
        raise InvalidInput("places", expected="a name, a Placement, or a list of these", got=kind_of(places), fix=fix)
    names = list(PLACES) if places == "all" else [places] if isinstance(places, (str, Placement)) else list(places)
    whole = [name for name in names if isinstance(name, Placement)]
    if whole and len(whole) == len(names):
        if scales is not None:
            fix = "Leave it out, or give it to each: Placement.at('left', 0.3)."
            raise InvalidInput("scales", expected="nothing, as every Placement has its own", got=scales, fix=fix)
        return list(dict.fromkeys(whole))
    wanted = 0.5 if scales is None else scales
    sizes: list[Any] = list(islice(wanted, MOST_SCALES)) if isinstance(wanted, Iterable) else [wanted]
    if not names or not sizes:
        fix = "Leave it out for all nine." if not names else "Leave it out for 0.5."
        raise InvalidInput("places" if not names else "scales", expected="at least one", got="an empty list", fix=fix)
    for name in names:
        if not isinstance(name, str) or name not in PLACES:
            expected, fix = f"'all' or some of {', '.join(PLACES)}", did_you_mean(str(name), PLACES)
            raise InvalidInput("places", expected=expected, got=name, fix=fix)
    for size in sizes:
        check_scale("scales", size)
    return [Placement.at(str(name), size) for size in dict.fromkeys(sizes) for name in dict.fromkeys(names)]


def check_scale(argument: str, value: object) -> float:
    """A number in (0, 1]. Raises InvalidInput otherwise."""
    if not is_number(value) or not 0 < value <= 1:
        raise InvalidInput(argument, expected="a number above 0 and at most 1", got=value, fix="0.5 is half of the canvas.")
    return float(value)
