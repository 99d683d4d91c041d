"""Rows in chunks that fit the memory: one loop, which Ctrl-C ends without a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Part = TypeVar("Part")


def run_chunks(
    total: int,
    size: int,
    work: Callable[[range], Part],
    *,
    stopped: Callable[[Part], bool] = lambda part: False,
    done: Callable[[range, Part], None] = lambda rows, part: None,
) -> tuple[list[Part], bool]:
    """Do the work on one chunk of rows after the other.

    Args:
        total: rows in all.
        size: of a chunk, at least 1; the last may be smaller.
        work: called with the rows of a chunk.
        done: called with the rows of a chunk and what came of them, as soon as it is there.
        stopped: whether a part says that the work was interrupted in its midst; then no further chunk is begun.

    Returns:
        What came of each chunk, in order, and whether Ctrl-C ended it early: in the midst of the last part, or before
        the next had anything to give.
    """
    parts: list[Part] = []
    try:
        for first in range(0, total, size):
            rows = range(first, min(first + size, total))
            parts.append(work(rows))
            done(rows, parts[-1])
            if stopped(parts[-1]):
                return parts, True
    except KeyboardInterrupt:
        return parts, True
    return parts, False
