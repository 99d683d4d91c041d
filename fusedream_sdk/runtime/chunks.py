"""Rows in chunks that fit the memory: one loop, which Ctrl-C ends without a loss, and which the memory ends only at one row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fusedream_sdk.errors import NotEnoughMemory
from fusedream_sdk.runtime.memory import free_cache
from fusedream_sdk.runtime.room import out_of_memory

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

    A chunk that does not fit the memory is run again in halves, and no later chunk is larger than what is tried then. What is
    left of it is done before the rows behind it are begun, and in no chunk with them: they may stand elsewhere.

    Args:
        total: rows in all.
        size: of a chunk, at least 1; the last may be smaller, and so are all after one that did not fit.
        work: called with the rows of a chunk; again with fewer of them after it ran out of memory.
        done: called with the rows of a chunk and what came of them, as soon as it is there.
        stopped: whether a part says that the work was interrupted in its midst; then no further chunk is begun.

    Returns:
        What came of each chunk, in order, and whether Ctrl-C ended it early: in the midst of the last part, or before
        the next had anything to give.

    Raises:
        NotEnoughMemory: a single row does not fit.
    """
    parts: list[Part] = []
    ends = [total]  # where chunks have to end, nearest last
    first = 0
    try:
        while first < total:
            rows = range(first, min(first + size, ends[-1]))
            if not _fits(work, rows, parts):
                free_cache()
                ends.append(rows.stop)
                size = (len(rows) + 1) // 2
                continue
            first = rows.stop
            ends = [end for end in ends if end > first]
            done(rows, parts[-1])
            if stopped(parts[-1]):
                return parts, True
    except KeyboardInterrupt:
        return parts, True
    return parts, False


def all_chunks(total: int, size: int, work: Callable[[range], Part]) -> list[Part]:
    """`run_chunks` for work of which a part is of no use. Raises KeyboardInterrupt, NotEnoughMemory."""
    parts, early = run_chunks(total, size, work)
    if early:
        raise KeyboardInterrupt
    return parts


def _fits(work: Callable[[range], Part], rows: range, parts: list[Part]) -> bool:
    """Add what comes of some rows to the parts, unless the memory runs out. Raises NotEnoughMemory where there is one row."""
    try:
        parts.append(work(rows))
    except Exception as error:
        if not out_of_memory(error):
            raise
        if len(rows) == 1:
            fix = "Ask for fewer views (--views), or a smaller population or picture, or choose another device (--device)."
            raise NotEnoughMemory(f"memory: expected room for one row at a time, but it ran out. {fix}") from error
        return False  # the error goes, and with it the tensors of its traceback
    return True
