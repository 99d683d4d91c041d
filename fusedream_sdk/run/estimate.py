"""What a run costs: at the very least, so that one which cannot end or fit is refused before it begins; and as measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime.bounds import MOST_ROWS
from fusedream_sdk.runtime.room import check_memory

SPEED = 100_000  # views a second that no scorer reaches: CLIP ViT-B/32 on one H100 sees about 20,000 without a gradient
YEAR = 365 * 24 * 3600
FLOAT = 4  # bytes
LEAST = 16  # side of the smallest pictures


def count_views(rows: int, numbers: Mapping[str, Any], *, members: int = 1) -> int:
    """How many views a run asks the scorer to see: those that are optimised, those that judge, and the bank's.

    Args:
        rows: pictures to draw.
        numbers: of `Settings`, by their names; one that is not there counts as the least.
        members: of each row's population.
    """
    steps, every = numbers.get("steps", 1), numbers.get("check_every", 1)
    each = members * (steps + 1) * numbers.get("views", 1)
    looks = steps // every + 1 if "check_views" in numbers else 0
    bank = numbers.get("bank", 0) * numbers.get("bank_views", 1) if numbers.get("samples", 1) > 1 else 0
    return rows * (each + looks * numbers.get("check_views", 1) + numbers.get("report_views", 1)) + bank


def check_rows(count: int) -> None:
    """So many pictures are not more than a call may draw. Raises InvalidInput."""
    if count > MOST_ROWS:
        fix = "Draw them in several calls."
        raise InvalidInput("seeds", expected=f"at most {MOST_ROWS:,} pictures", got=f"{count:,}", fix=fix)


def check_time(rows: int, numbers: Mapping[str, Any], *, members: int = 1) -> None:
    """A run ends within a year on the fastest machine there is. Arguments as of `check_work`. Raises InvalidInput."""
    seen = count_views(rows, numbers, members=members)
    if seen > SPEED * YEAR:
        expected = f"a run of at most a year at {SPEED:,} views a second"
        got = f"one of {seen / SPEED / YEAR:,.0f} years ({seen:.2g} views)"
        raise InvalidInput("steps", expected=expected, got=got, fix="Ask for fewer pictures, steps or views.")


def check_work(
    rows: int,
    numbers: Mapping[str, Any],
    *,
    members: int = 1,
    canvas: tuple[int, int] = (LEAST, LEAST),
    side: int = LEAST,
) -> None:
    """A run fits this machine, and ends within a year on the fastest there is.

    Args:
        rows: pictures to draw.
        numbers: of `Settings`, by their names; one that is not there counts as the least.
        members: of each row's population.
        canvas: height and width of a picture, where the models are known.
        side: of the views, where they are.

    Raises:
        InvalidInput: it does not, with the estimate.
    """
    check_rows(rows)
    check_time(rows, numbers, members=members)
    height, width = canvas
    kept = rows * FLOAT * (3 * height * width + numbers.get("steps", 1))  # pictures and their histories
    check_memory("seeds", kept, f"{rows:,} pictures of {height} x {width}", "Draw them in several calls.")
    views = numbers.get("views", 1)
    fix = "Ask for fewer views, or a smaller population."
    check_memory("views", members * views * 3 * side * side * FLOAT, f"{members * views:,} views of one picture", fix)


@dataclass(frozen=True)
class Estimate:
    """What a run would take, from `FuseDream.estimate`: of this machine, as busy as it is now.

    Extrapolated from a few steps of one row, so it is near and not exact: rows that run together on an accelerator take less
    time than one after the other, and so do rows that stop on their plateau.

    Attributes:
        models: which they are, the size of their pictures, and where they run.
        pictures: how many are asked for. at_once: how many of them run together.
        bank_seconds: for building the latent bank; 0 where it is there, or not needed.
        picture_seconds: for each picture: search without a bank, steps, looks at held-out views, report.
        graph_bytes: memory of the rows at work, above the models, where those are: graph and gradients.
        held_bytes: of main memory for the bank, and for the pictures until the end.
        bank_bytes: of disk for the bank; 0 where it is there, or not needed.
        picture_bytes: of disk for each picture in a folder, with its tensors twice, as they are until all pictures are done.
    """

    models: str
    pictures: int
    at_once: int
    bank_seconds: float
    picture_seconds: float
    graph_bytes: int
    held_bytes: int
    bank_bytes: int
    picture_bytes: int

    @property
    def seconds(self) -> float:
        """In all."""
        return self.bank_seconds + self.pictures * self.picture_seconds

    @property
    def memory(self) -> int:
        """Bytes above the models, at the peak: `graph_bytes` and `held_bytes`."""
        return self.graph_bytes + self.held_bytes

    @property
    def disk(self) -> int:
        """Bytes in all, at the peak."""
        return self.bank_bytes + self.pictures * self.picture_bytes

    def to_json(self) -> dict[str, Any]:
        """Every number by its name; seconds and bytes."""
        return {**asdict(self), "seconds": self.seconds, "memory": self.memory, "disk": self.disk}

    def __str__(self) -> str:
        return "\n".join(f"{name:<10}{value}" for name, value in self._lines().items())

    def _repr_html_(self) -> str:
        from fusedream_sdk.imaging.cards import html_table

        return html_table((), list(self._lines().items()))

    def _lines(self) -> dict[str, str]:
        together = "one at a time" if self.at_once == 1 else f"{self.at_once:,} at a time"
        bank = f"{duration(self.bank_seconds)}, once" if self.bank_seconds else "nothing to build"
        work, held = bytes_in_words(self.graph_bytes), bytes_in_words(self.held_bytes)
        return {
            "models": self.models,
            "pictures": f"{self.pictures:,}, {together}",
            "bank": bank,
            "each": duration(self.picture_seconds),
            "in all": f"{duration(self.seconds)} on this machine, as busy as it is now",
            "memory": f"{bytes_in_words(self.memory)} above the models: {work} for rows at work, {held} for what is kept",
            "disk": f"{bytes_in_words(self.disk)} in a folder" + (", the bank included" if self.bank_bytes else ""),
        }


def duration(seconds: float) -> str:
    """A time, for a person."""
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    unit, size = ("min", 60) if seconds < 6000 else ("h", 3600) if seconds < 360_000 else ("days", 86_400)
    return f"{seconds / size:,.1f} {unit}"


def bytes_in_words(count: float) -> str:
    """A number of bytes, for a person, from kB to GB."""
    unit, size = ("kB", 1e3) if count < 1e6 else ("MB", 1e6) if count < 1e9 else ("GB", 1e9)
    return f"{count / size:,.1f} {unit}"
