"""Progress bars on stderr, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int, int], None]
"""Called with (done, total)."""


@contextmanager
def bar(label: str, shown: bool) -> Iterator[Advance]:
    """A progress bar that appears with its first advance, and only if the work takes over a second."""
    if not shown:
        yield lambda done, total: None
        return
    from tqdm import tqdm

    bars: list[tqdm] = []

    def advance(done: int, total: int) -> None:
        if not bars:
            bars.append(tqdm(total=total, desc=label, delay=1.0, leave=False, dynamic_ncols=True))
        bars[0].update(done - bars[0].n)

    try:
        yield advance
    finally:
        for shown_bar in bars:
            shown_bar.close()
