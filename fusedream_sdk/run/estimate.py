"""What a run costs at the very least, so that one which cannot end, or cannot fit, is refused before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime.bounds import MOST_ROWS
from fusedream_sdk.runtime.room import check_memory

SPEED = 100_000  # views a second that no scorer reaches: CLIP ViT-B/32 on one H100 sees about 20,000 without a gradient
YEAR = 365 * 24 * 3600
FLOAT = 4  # bytes
LEAST = 16  # side of the smallest pictures


def count_views(rows: int, numbers: Mapping[str, Any], *, members: int = 1) -> int:
    """How many views a run asks the scorer to see: those that are optimised, those that judge, and the bank's.

    Args:
        rows: pictures to draw.
        numbers: of `Settings`, by their names; one that is not there counts as the least.
        members: of each row's population.
    """
    steps, every = numbers.get("steps", 1), numbers.get("check_every", 1)
    each = members * (steps + 1) * numbers.get("views", 1)
    looks = steps // every + 1 if "check_views" in numbers else 0
    bank = numbers.get("bank", 0) * numbers.get("bank_views", 1) if numbers.get("samples", 1) > 1 else 0
    return rows * (each + looks * numbers.get("check_views", 1) + numbers.get("report_views", 1)) + bank


def check_work(
    rows: int,
    numbers: Mapping[str, Any],
    *,
    members: int = 1,
    canvas: tuple[int, int] = (LEAST, LEAST),
    side: int = LEAST,
) -> None:
    """A run fits this machine, and ends within a year on the fastest there is.

    Args:
        rows: pictures to draw.
        numbers: of `Settings`, by their names; one that is not there counts as the least.
        members: of each row's population.
        canvas: height and width of a picture, where the models are known.
        side: of the views, where they are.

    Raises:
        InvalidInput: it does not, with the estimate.
    """
    if rows > MOST_ROWS:
        fix = "Draw them in several calls."
        raise InvalidInput("seeds", expected=f"at most {MOST_ROWS:,} pictures", got=f"{rows:,}", fix=fix)
    seen = count_views(rows, numbers, members=members)
    if seen > SPEED * YEAR:
        expected = f"a run of at most a year at {SPEED:,} views a second"
        got = f"one of {seen / SPEED / YEAR:,.0f} years ({seen:.2g} views)"
        raise InvalidInput("steps", expected=expected, got=got, fix="Ask for fewer pictures, steps or views.")
    steps, bank = numbers.get("steps", 1), numbers.get("bank", 0) if numbers.get("samples", 1) > 1 else 0
    height, width = canvas
    kept = rows * FLOAT * (3 * height * width + steps + bank)  # pictures, their histories, their scores in the bank
    check_memory("seeds", kept, f"{rows:,} pictures of {height} x {width}", "Draw them in several calls.")
    views = numbers.get("views", 1)
    fix = "Ask for fewer views, or a smaller population."
    check_memory("views", members * views * 3 * side * side * FLOAT, f"{members * views:,} views of one picture", fix)
