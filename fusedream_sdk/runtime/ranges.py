"""Seeds and places as people write them: `7`, `0,1,2` or `0-3`."""

from __future__ import annotations

import re

from fusedream_sdk.errors import InvalidInput, shown
from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.checks import MAX_SEED

QUOTED = 60  # letters of what was written that a message repeats


def integers(text: str) -> tuple[int, int]:
    """The first and the last of `7` or `0-3`; (1, 0) for anything else."""
    match = re.fullmatch(r"\s*(\d{1,30})(?:-(\d{1,30}))?\s*", text)
    return (int(match[1]), int(match[2] or match[1])) if match else (1, 0)


def seeds_in(argument: str, text: str) -> list[int]:
    """The seeds of a text such as `7`, `0,1,2` or `0-3`, in its order. Raises InvalidInput for anything else."""
    seeds: list[int] = []
    for part in text.split(","):
        first, last = integers(part)
        if not first <= last < first + bounds.SEEDS_IN_A_RANGE or last > MAX_SEED:
            several = f"(at most {bounds.SEEDS_IN_A_RANGE} in a range, none above {MAX_SEED})"
            expected = f"integers from 0, as 7 or 0,1,2 or 0-3 {several}"
            raise InvalidInput(argument, expected=expected, got=shown(repr(text), QUOTED))
        seeds += range(first, last + 1)
    return seeds
