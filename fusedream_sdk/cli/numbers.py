"""Numbers on the command line: refused outside their bounds before anything is loaded."""

from __future__ import annotations

from typing import Any

import click

from fusedream_sdk.errors import InvalidInput, shown
from fusedream_sdk.runtime.checks import Bounds
from fusedream_sdk.runtime.ranges import integers, seeds_in

QUOTED = 40  # letters of what was written that a message repeats
PLACES = Bounds(0, 10_000_000, whole=True)  # in a search
LONGEST = 1_000  # places in one range: as many as a basis has


class Number(click.ParamType):
    """A number inside bounds, which `fusedream_sdk.runtime.bounds` has for every setting.

    Args:
        bounds: of it.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds, self.name = bounds, "integer" if bounds.whole else "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | float:
        try:
            number = int(value) if self.bounds.whole else float(value)
        except (TypeError, ValueError):  # also an integer of thousands of digits
            number = value
        try:
            return self.bounds.check("number", number)
        except InvalidInput as error:
            expected, got = error.expected.removesuffix(", or None"), shown(repr(value), QUOTED)
            return self.fail(f"expected {expected}; got {got}.", param, ctx)


class SeedRange(click.ParamType):
    """`7`, `0,1,2` or `0-3`, as a list of integers."""

    name = "seeds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        try:
            return seeds_in("seeds", str(value))
        except InvalidInput as error:
            return self.fail(f"expected {error.expected}; got {error.got}.", param, ctx)


class Places(click.ParamType):
    """`3`, `3,17` or `0-4`: places in a search, as a list of integers."""

    name = "places"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        places: list[int] = []
        for part in str(value).split(","):
            first, last = integers(part)
            if not first <= last < first + LONGEST or not PLACES.holds(last):
                got = shown(repr(value), QUOTED)
                self.fail(f"expected numbers of the sheet, as 3 or 3,17 or 0-4; got {got}.", param, ctx)
            places += range(first, last + 1)
        return places
