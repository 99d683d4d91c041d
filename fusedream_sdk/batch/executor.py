"""Who draws rows: anything that takes units of them and gives back what came of each. Here is the simplest, this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch

from fusedream_sdk.batch.plan import Job, Unit
from fusedream_sdk.errors import FuseDreamError
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.result import Result
from fusedream_sdk.search.bank import LatentBank

Draw = Callable[[Sequence[Job]], Result]
"""Draws rows of the same settings: one row of the result for each."""

Load = Callable[[int, Sequence[LatentBank]], Draw]
"""Loads models: called in a worker with its number and with the latent banks that need not be looked for. It can be pickled."""


@dataclass(frozen=True)
class Drawn:
    """What came of a row.

    Attributes:
        number: of the row.
        made: one row, or None for one that could not be drawn. why: it could not.
    """

    number: int
    made: Result | None
    why: str = ""


class Executor(Protocol):
    """Draws rows, somewhere."""

    def run(self, units: Sequence[Unit]) -> Iterator[Drawn]:
        """What comes of every row, in any order, each as soon as it is there. Closing the iterator ends the work.

        Raises:
            FuseDreamError: nobody can draw anything. KeyboardInterrupt: Ctrl-C.
        """
        ...


class Here:
    """Rows drawn in this process, one unit after the other.

    Args:
        draw: how.
    """

    def __init__(self, draw: Draw) -> None:
        self._draw = draw

    def run(self, units: Sequence[Unit]) -> Iterator[Drawn]:
        """As `Executor.run`, in the order of the rows."""
        for unit in units:
            yield from attempt(self._draw, unit)


def drawn_whole(draw: Draw, unit: Unit) -> Result:
    """What comes of a unit. Raises KeyboardInterrupt for Ctrl-C in the midst of a row, which would not be the same again."""
    made = draw(unit)
    if Status.CANCELLED in made.ends:
        raise KeyboardInterrupt
    return made


def attempt(draw: Draw, unit: Unit) -> list[Drawn]:
    """What comes of the rows of a unit; where it cannot be drawn, of each of them alone. Raises KeyboardInterrupt."""
    try:
        made = drawn_whole(draw, unit)
    except Exception as error:
        if len(unit) > 1:
            return [outcome for job in unit for outcome in attempt(draw, (job,))]
        return [Drawn(job.number, None, sentence_of(error)) for job in unit]
    return [Drawn(job.number, one) for job, one in zip(unit, made.split(), strict=True)]


def sentence_of(error: Exception) -> str:
    """An error as a sentence."""
    return str(error) if isinstance(error, FuseDreamError) else f"{type(error).__name__}: {error}"


@contextmanager
def threads_held(count: int) -> Iterator[None]:
    """A block in which torch has so many threads on the CPU. Sums are rounded by how they are shared among threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
