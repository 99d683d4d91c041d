"""How a verb fills a folder: the rows that are not there yet are made, and each is written as soon as it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.folder import Folder, Kept


@dataclass(frozen=True)
class Filling(Generic[Kept]):
    """How a folder is filled by one verb.

    Attributes:
        asked: what decides the pictures, as JSON has it.
        stems: names of the pictures. beside: names of further files, and whole: of the one that has all rows.
        load: reads rows back. split: rows, one by one. join: rows to a whole.
    """

    asked: Mapping[str, Any]
    stems: Sequence[str]
    beside: Sequence[str]
    whole: str
    load: Callable[[Path], Kept]
    split: Callable[[Kept], Sequence[Kept]]
    join: Callable[[Sequence[Kept]], Kept]

    def run(self, folder: Folder, work: Callable[[list[int], Callable[[range, Kept], None]], object]) -> Kept:
        """Do the rows that are not there yet, and write each as soon as it is done.

        Args:
            folder: to fill.
            work: called with the numbers of those rows, and with what it is to call for each chunk of them: its place
                among them, and what came of it.

        Raises:
            OutputError, InvalidInput: as of `Folder`. KeyboardInterrupt: before any row was there.
        """
        folder.open(self.asked, self.stems, self.beside)
        rows = folder.kept(self.load, lambda: self.split(self.load(folder.path / self.whole)))
        left = [row for row in range(len(self.stems)) if row not in rows]

        def done(some: range, made: Kept) -> None:
            for place, one in zip(some, self.split(made), strict=True):
                rows[left[place]] = one
                folder.add(left[place], one)

        try:
            if left:
                work(left, done)
        except KeyboardInterrupt:
            if not rows:
                raise
        whole = self.join([rows[row] for row in sorted(rows)])
        complete = len(rows) == len(self.stems) and Status.CANCELLED not in whole.ends
        folder.finish(whole, done=complete)
        return whole
