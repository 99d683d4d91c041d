"""Numbers on the command line: refused outside their bounds before anything is loaded."""

from __future__ import annotations

from typing import Any

import click

from fusedream_sdk.errors import InvalidInput, shown
from fusedream_sdk.runtime.checks import Bounds

QUOTED = 40  # letters of what was written that a message repeats


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
