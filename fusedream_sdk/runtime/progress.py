"""Progress on stderr, at a terminal or in a notebook; or none."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress

DELAY = 1.0  # seconds: what is quicker shows no bar
Advance = Callable[[int, int], None]
"""Called with (done, total)."""

_SILENT = ContextVar("silent", default=False)


class Tally(Protocol):
    """What a bar is told: an `Advance` that may also say how good what is there is."""

    def __call__(self, done: int, total: int, about: Callable[[], str] | None = None, /) -> None:
        """So much is done. `about`: makes what stands behind the numbers, such as "best 0.312"; called only if it is shown."""
        ...


def silence() -> None:
    """From here on no bars and no lines on stderr, whoever asks for them; to the end of the context (`contextvars`)."""
    _SILENT.set(True)


def is_silent() -> bool:
    """Whether `silence` was asked for."""
    return _SILENT.get()


@contextmanager
def bar(label: str, shown: bool) -> Iterator[Tally]:
    """A bar with the work done, what is said of it and the time left: only if it takes over a second, and only for a person."""
    if not shown or is_silent() or not has_a_reader():
        yield lambda done, total, about=None: None
        return
    line = Line(label)
    try:
        yield line
    finally:
        line.close()


def has_a_reader() -> bool:
    """Whether a line on stderr that is written over is read by a person: not one that goes into a file or a pipe."""
    return sys.stderr.isatty() or _in_a_notebook()


class Line:
    """A bar of `rich`, which is imported as soon as the work has taken a second.

    Args:
        label: what is done.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._begin: tuple[float, int] | None = None  # when, and what was done by then
        self._progress: Progress | None = None

    def __call__(self, done: int, total: int, about: Callable[[], str] | None = None, /) -> None:
        """So much is done."""
        now = time.monotonic()
        if self._begin is None:
            self._begin = now, done
        began, before = self._begin
        if self._progress is None:
            if now - began < DELAY or done >= total:
                return
            self._progress = started(self._label)
        said, left = "" if about is None else about(), time_left(now - began, done - before, total - done)
        self._progress.update(self._progress.task_ids[0], completed=done, total=total, about=said, left=left)

    def close(self) -> None:
        """Take it off the screen."""
        if self._progress is not None:
            self._progress.stop()


def time_left(seconds: float, done: int, left: int) -> str:
    """How long the rest takes if it goes on as so far: "0:01:20 left"; nothing where nothing is done yet."""
    return f"{timedelta(seconds=round(seconds * left / done))} left" if done > 0 else ""


def started(label: str) -> Progress:
    """A bar on the screen. What is written to stderr meanwhile stands above it; stdout is left alone, as it is for results."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), MofNCompleteColumn()
    words = (TextColumn("{task.fields[" + name + "]}", markup=False) for name in ("about", "left"))
    console = Console() if _in_a_notebook() else Console(file=sys.stderr)
    progress = Progress(*columns, *words, console=console, transient=True, refresh_per_second=4, redirect_stdout=False)
    progress.add_task(label, total=None, about="", left="")
    progress.start()
    return progress


def _in_a_notebook() -> bool:
    """Whether this is a Jupyter notebook that can show a bar, for which rich needs ipywidgets."""
    return "ipykernel.zmqshell" in sys.modules and importlib.util.find_spec("ipywidgets") is not None
