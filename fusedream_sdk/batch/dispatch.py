"""Rows handed to workers that may die: who is idle gets the next ones, and what a dead one had is done again by another."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from fusedream_sdk.batch.executor import Drawn
from fusedream_sdk.batch.plan import Unit
from fusedream_sdk.errors import WorkerLost

MOST_DEATHS = 3  # of workers: by one row, or while they load


@dataclass(frozen=True)
class Death:
    """A worker that is no more, and how it ended, in words."""

    how: str


Reply: TypeAlias = "list[Drawn] | Death | Exception"
"""What a worker says: at first, when its models are loaded, nothing; then what came of each row; or why it cannot load."""

Hand = TypeVar("Hand", bound=Hashable)
"""A worker, as its crew knows it."""


class Crew(Protocol[Hand]):
    """Workers of one kind: processes, or actors of a cluster."""

    def hire(self) -> Hand:
        """Begin one more, which loads its models and then replies."""
        ...

    def give(self, hand: Hand, unit: Unit) -> None:
        """Hand some rows to a worker that has nothing to do. If it is dead, `wait` says so."""
        ...

    def wait(self) -> list[tuple[Hand, Reply]]:
        """Wait until at least one worker has replied or died."""
        ...

    def close(self) -> None:
        """End all of them."""
        ...


class Dispatch:
    """Rows drawn by a crew.

    Args:
        crew: who draws.
        workers: how many of them, at least 1.
    """

    def __init__(self, crew: Crew[Any], workers: int) -> None:
        self._crew, self._workers = crew, workers

    def run(self, units: Sequence[Unit]) -> Iterator[Drawn]:
        """As `Executor.run`. A row whose worker dies three times is given up, and the others go on.

        Raises:
            WorkerLost: workers die before they have loaded anything. FuseDreamError: one cannot load.
        """
        board = _Board(self._crew, units)
        try:
            board.hire(self._workers)
            while board.busy:
                for hand, reply in self._crew.wait():
                    outcomes = board.note(hand, reply)
                    board.hand_out()  # first: nobody waits while a row is written
                    yield from outcomes
                board.hire(self._workers)
        finally:
            self._crew.close()


class _Board:
    """Who does what, and what is left to do."""

    def __init__(self, crew: Crew[Any], units: Sequence[Unit]) -> None:
        self.crew, self.left = crew, deque(units)
        self.deaths: Counter[int] = Counter()  # by row
        self.loading: set[Hashable] = set()
        self.idle: list[Hashable] = []
        self.at_work: dict[Hashable, Unit] = {}
        self.stillborn = 0  # workers that died before they had loaded, one after the other

    @property
    def busy(self) -> bool:
        """Whether there is anything to wait for."""
        return bool(self.left or self.at_work)

    def hire(self, most: int) -> None:
        """As many workers as have something to do."""
        there = len(self.loading) + len(self.idle) + len(self.at_work)
        for _ in range(min(most - there, len(self.left) - len(self.loading) - len(self.idle))):
            self.loading.add(self.crew.hire())

    def hand_out(self) -> None:
        """Something to do for everybody."""
        while self.left and self.idle:
            hand, unit = self.idle.pop(), self.left.popleft()
            self.at_work[hand] = unit
            self.crew.give(hand, unit)

    def note(self, hand: Hashable, reply: Reply) -> list[Drawn]:
        """What a worker said. Raises what it says that it cannot load for, or WorkerLost."""
        new, unit = hand in self.loading, self.at_work.pop(hand, ())
        self.loading.discard(hand)
        self.idle = [other for other in self.idle if other != hand]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, Death):
            self._check_alive(reply, new=new)
            return self._again(unit)
        self.stillborn = 0
        self.idle.append(hand)
        return reply

    def _check_alive(self, death: Death, *, new: bool) -> None:
        self.stillborn += new
        if self.stillborn == MOST_DEATHS:
            fix = "Is there memory for so many? Try fewer workers."
            raise WorkerLost(f"workers: {MOST_DEATHS} died one after the other while they loaded models ({death.how}). {fix}")

    def _again(self, unit: Unit) -> list[Drawn]:
        """The rows of a dead worker to the front, each alone, so that one that kills is found; or given up."""
        self.deaths.update(job.number for job in unit)
        lost = [job for job in unit if self.deaths[job.number] >= MOST_DEATHS]
        self.left.extendleft((job,) for job in reversed(unit) if job not in lost)
        return [Drawn(job.number, None, f"its worker died {MOST_DEATHS} times") for job in lost]
