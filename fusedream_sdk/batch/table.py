"""What a batch leaves beside its pictures: a table with a line for each row, in their order whoever drew them."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from fusedream_sdk.batch.plan import Wanted
from fusedream_sdk.imaging.cards import PICTURES, Piece, html_cards, sheet_png, small
from fusedream_sdk.imaging.sheets import Group, numbered_sheet
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.saving import Writer
from fusedream_sdk.runtime.files import atomic_path

TABLE, TENSORS = "rows.csv", "tensors"
LOST = "lost"  # in place of a status
LOST_SHOWN = 5  # rows that a notebook says are lost
FIRST, LAST = ("row", "picture", "prompt", "seed", "status", "best_step"), ("why",)


@dataclass(frozen=True, slots=True)
class Record:
    """What a table says of a row that was drawn: its scores, its best step, how it ended."""

    scores: Mapping[str, float]
    step: int
    status: Status

    @classmethod
    def of(cls, made: Result) -> Record:
        """Of a result of one row."""
        scores = {name: round(float(x[0]), 5) for name, x in made.scores.items()}
        return cls(scores, int(made.best_step[0]), made.status[0])


def mean_of(name: str, records: Iterable[Record]) -> float:
    """The mean of a score, of the pictures that have a finite one; NaN where none has."""
    known = [record.scores[name] for record in records if name in record.scores]
    finite = [score for score in known if math.isfinite(score)]
    return math.fsum(finite) / len(finite) if finite else math.nan


@dataclass(frozen=True)
class Batch:
    """What came of many captions: the pictures are in a folder, with `rows.csv` and their tensors.

    Attributes:
        path: of the folder.
        rows: that were asked for.
        records: of those that are there, by their numbers.
        lost: number of a row that could not be drawn -> why.
        stopped: whether Ctrl-C ended it early.
    """

    path: Path
    rows: Sequence[Wanted]
    records: Mapping[int, Record]
    lost: Mapping[int, str]
    stopped: bool = False

    def __len__(self) -> int:
        return len(self.records)

    @property
    def done(self) -> bool:
        """Whether every picture is there."""
        return len(self.records) == len(self.rows)

    @property
    def pictures(self) -> list[Path]:
        """Those that are there, in the order of the rows."""
        return [self.path / f"{self.rows[number].stem}.png" for number in sorted(self.records)]

    def means(self) -> dict[str, float]:
        """The mean of each score, of the pictures that have a finite one."""
        records = self.records.values()
        return {name: mean_of(name, records) for name in dict.fromkeys(name for record in records for name in record.scores)}

    def _repr_html_(self) -> str:
        lost = [f"row {number} is not there: {why}" for number, why in list(self.lost.items())[:LOST_SHOWN]]
        return html_cards(map(self._card, sorted(self.records)), len(self), notes=[f"in {self.path}", *lost])

    def _repr_png_(self) -> bytes | None:
        cards = [self._card(number) for number in sorted(self.records)[:PICTURES]]
        drawn = [(picture, words) for picture, *words in cards if isinstance(picture, Image.Image)]
        if not drawn:
            return None
        group = Group(
            str(self.path), [picture for picture, _ in drawn], [str(words[0]) for _, words in drawn], [""] * len(drawn)
        )
        return sheet_png(numbered_sheet([group]))

    def _card(self, number: int) -> list[Piece]:
        """What a notebook shows of a row that was drawn."""
        row, record = self.rows[number], self.records[number]
        scores = ", ".join(f"{name} {score:.3f}" for name, score in record.scores.items())
        words = [str(row.caption.prompt), f"seed {row.seed}", scores]
        try:
            with Image.open(self.path / f"{row.stem}.png") as picture:
                return [small(picture.convert("RGB")), *words]
        except OSError:
            return ["(the picture is not there any more)", *words]

    def row_of(self, number: int) -> dict[str, Any]:
        """A line of the table: name of a column -> what stands there."""
        row = self.rows[number]
        record, why = self.records.get(number), self.lost.get(number, "")
        said = {"row": number, "picture": f"{row.stem}.png", "prompt": str(row.caption.prompt), "seed": row.seed}
        if record is None:
            return {**row.caption.more, **said, **({"status": LOST, "why": why} if why else {})}
        return {**row.caption.more, **said, "status": str(record.status), "best_step": record.step, **record.scores}

    def write(self, path: Path) -> None:
        """Write the table as CSV, whole or not at all."""
        more = dict.fromkeys(name for row in self.rows for name in row.caption.more)
        scores = dict.fromkeys(name for record in self.records.values() for name in record.scores)
        names = dict.fromkeys((*FIRST, *scores, *more, *(LAST if self.lost else ())))
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, list(names), restval="", lineterminator="\n")
            table.writeheader()
            table.writerows(self.row_of(number) for number in range(len(self.rows)))

    @property
    def pil(self) -> list[Image.Image]:
        """None: the pictures are written already."""
        return []

    def row_json(self, row: int) -> Mapping[str, Any]:
        """Of no picture."""
        raise IndexError(row)

    def stems(self) -> list[str]:
        """Of no picture."""
        return []

    def beside(self) -> dict[str, Writer]:
        """The further files of the folder."""
        return {TABLE: self.write}
