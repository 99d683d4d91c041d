"""Runs for visitors: each waits for its turn, goes on in a thread of its own, and is shown as it goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from PIL import Image

from fusedream_sdk.web.course import EVERY, Curve, Viewing
from fusedream_sdk.web.limits import Limits
from fusedream_sdk.web.shelf import Shelf
from fusedream_sdk.web.told import told_plainly
from fusedream_sdk.web.turns import Turns
from fusedream_sdk.web.visitors import Kept, Visitor, Visitors

Made = TypeVar("Made")
PLOT_EVERY = 1.5  # seconds: a browser takes long for a plot


@dataclass(frozen=True)
class Shown:
    """What the page shows of a run at one moment; what is None stays as it was.

    Attributes:
        said: where it stands, in a sentence.
        wrong: whether that says what went wrong. over: whether nothing comes after it.
        picture: so far, or finished. curve: of the score.
        kept: pictures that were added to the gallery.
        table: as Markdown. file: of a film.
    """

    said: str
    wrong: bool = False
    over: bool = False
    picture: Image.Image | None = None
    curve: Curve | None = None
    kept: tuple[Kept, ...] = ()
    table: str | None = None
    file: str | None = None


Showing = Generator[Shown, None, Made]
"""Shows itself, and returns what was made."""


@dataclass
class Studio:
    """What every run of the page needs: models, visitors, and the line that they wait in."""

    shelf: Shelf
    visitors: Visitors
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self._turns = Turns(self.limits.at_once, self.limits.queue)

    def show(
        self,
        visitor: Visitor,
        course: Callable[[threading.Event], Viewing],
        work: Callable[[Viewing], Made],
    ) -> Showing[Made]:
        """Do some work when its turn comes, and show it as it goes.

        Args:
            visitor: whose it is.
            course: made with what ends the run; it watches.
            work: in a thread of its own, with the watcher.

        Raises:
            InvalidInput: another run of this visitor goes on, or too many wait. KeyboardInterrupt: cancelled before there was
            anything to keep. Whatever the work raises.
        """
        with visitor.run() as stop, self._place() as ticket:
            before = -1
            while (now := self._turns.before(ticket)) > 0:
                if now != before:
                    yield Shown(f"Waiting: {now} before you.")
                before = now
                if stop.is_set():
                    raise KeyboardInterrupt
                self._turns.wait(EVERY)
            watch = course(stop)
            yield Shown("Loading the models, and searching ...")
            errand = Errand(work, watch)
            plotted = 0.0
            try:
                while errand.goes_on():
                    glimpse = watch.glimpse()
                    if glimpse is not None:
                        due = time.monotonic() - plotted > PLOT_EVERY
                        plotted = time.monotonic() if due else plotted
                        said = f"{'Cancelling' if stop.is_set() else 'Drawing'}: {glimpse.said}."
                        yield Shown(said, picture=glimpse.picture, curve=glimpse.curve if due else None)
            finally:  # also where nobody looks any more
                stop.set()
                errand.join()
            if not visitor.folder.is_dir():  # whoever asked has left
                raise KeyboardInterrupt
            last = watch.glimpse()
            if last is not None:
                yield Shown("Finishing ...", curve=last.curve)
            return errand.result()

    @contextmanager
    def _place(self) -> Iterator[object]:
        ticket = self._turns.join()
        try:
            yield ticket
        finally:
            self._turns.leave(ticket)


class Errand(threading.Thread, Generic[Made]):
    """Work in a thread of its own."""

    def __init__(self, work: Callable[[Viewing], Made], watch: Viewing) -> None:
        super().__init__(daemon=True)
        self._work, self._watch = work, watch
        self._made: list[Made] = []
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """As of `threading.Thread`."""
        try:
            self._made.append(self._work(self._watch))
        except BaseException as error:  # a KeyboardInterrupt is how a run that is cancelled ends
            self._error = error

    def goes_on(self) -> bool:
        """Whether it is still at work, after a moment."""
        self.join(EVERY)
        return self.is_alive()

    def result(self) -> Made:
        """What came of it. Raises what the work raised."""
        if self._error is not None:
            raise self._error
        return self._made[0]


def spoken(showing: Showing[None]) -> Iterator[Shown]:
    """A run as it shows itself, in which whatever goes wrong is said in a sentence."""
    try:
        yield from showing
    except GeneratorExit:
        raise
    except BaseException as error:
        yield Shown(told_plainly(error), wrong=True, over=True)
