"""Figures with their intervals, as a table, a file or a plot."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.evaluation.bootstrap import Interval
from fusedream_sdk.evaluation.plots import Panel, Row, interval_plot
from fusedream_sdk.imaging.cards import html_table
from fusedream_sdk.models.missing import require
from fusedream_sdk.run.plot import NEEDS_OF_PLOTS, plot_png, save_figure
from fusedream_sdk.runtime.files import atomic_path
from fusedream_sdk.runtime.paths import check_writable, user_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARES = ("r-precision", "clip-r-precision")
DIGITS = {"fid": 2, "is": 3, "kid": 5}
BETTER = {"r-precision": "higher", "clip-r-precision": "higher", "fid": "lower", "is": "higher", "kid": "lower"}
TABLES, PLOTS = (".md", ".csv", ".json"), (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class Measured:
    """One figure of one folder of pictures.

    Attributes:
        system: name of the folder.
        metric: as it was asked for, "fid". title: what it is exactly, "FID by emoji features".
        interval: the figure, of R-precision a share of 1.
        captions, pictures: how many it is of.
        note: what to know when reading it.
    """

    system: str
    metric: str
    title: str
    interval: Interval
    captions: int
    pictures: int
    note: str = ""

    def shown(self, value: float) -> str:
        """A value as a table has it."""
        return shown_number(value, share=self.metric in SHARES, digits=DIGITS.get(self.metric, 3))

    def to_json(self) -> dict[str, Any]:
        """Plain values, by the names of the csv's columns; no interval is null."""
        low, high = (x if self.interval.known else None for x in (self.interval.low, self.interval.high))
        numbers = {"value": finite(self.interval.value), "low": low, "high": high}
        counts = {"captions": self.captions, "pictures": self.pictures, "note": self.note}
        return {"system": self.system, "metric": self.metric, "title": self.title, **numbers, **counts}


@dataclass(frozen=True)
class Evidence:
    """What `evaluate` returns.

    Attributes:
        figures: folder by folder.
        level: of the intervals.
        notes: sentences on the pictures and captions.
    """

    figures: tuple[Measured, ...]
    level: float = 0.95
    notes: tuple[str, ...] = ()

    def __getitem__(self, metric: str) -> Measured:
        """The first figure of a metric, by its name or title. Raises KeyError for another."""
        found = next((one for one in self.figures if metric in (one.metric, one.title)), None)
        if found is None:
            raise KeyError(metric)
        return found

    def to_markdown(self) -> str:
        """A table, and the notes below it."""
        table = markdown_table([self._head(), *self._lines()])
        return "\n".join([table, *(["", *(f"- {note}" for note in self.notes)] if self.notes else [])])

    def _repr_html_(self) -> str:
        return html_table(self._head(), self._lines(), notes=self.notes)

    def _repr_png_(self) -> bytes | None:
        return plot_png(self.plot)

    def _head(self) -> Sequence[str]:
        return ("pictures of", "metric", "value", f"{100 * self.level:g} % interval", "captions", "pictures", "note")

    def _lines(self) -> list[Sequence[str]]:
        return [
            (
                *(one.system, one.title, one.shown(one.interval.value), shown_interval(one.interval, one.shown)),
                *(f"{one.captions:,}" if one.captions else "", f"{one.pictures:,}", one.note),
            )
            for one in self.figures
        ]

    def __str__(self) -> str:
        return self.to_markdown()

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return {"level": self.level, "figures": [one.to_json() for one in self.figures], "notes": list(self.notes)}

    def to_csv(self) -> str:
        """A line for each figure; the notes are left out."""
        return csv_text([{**one.to_json(), "level": self.level} for one in self.figures])

    def plot(self) -> Figure:
        """A panel for each metric with its figures and intervals; a hollow dot has a note. Needs the extra `evaluation`."""
        titles = list(dict.fromkeys(one.title for one in self.figures))
        panels = []
        for title in titles:
            own = [one for one in self.figures if one.title == title]
            share = own[0].metric in SHARES
            across = f"{'% of pictures, ' if share else ''}{BETTER[own[0].metric]} is better; {100 * self.level:g} % intervals"
            across += "; hollow: see the note" if any(one.note for one in own) else ""
            rows = [Row(one.system, one.interval, bool(one.note)) for one in own]
            panels.append(Panel(title, across, rows, share))
        return interval_plot(panels)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write a table (.md, .csv, .json) or the plot (.png, .svg, .pdf). Raises OutputError; InvalidInput: another suffix."""
        return save_as(path, self.to_markdown, self.to_csv, self.to_json, self.plot, overwrite=overwrite)


def check_output(argument: str, path: str | Path, *, overwrite: bool) -> Path:
    """Where a table or plot can be written. Raises OutputError: it cannot. InvalidInput: a suffix of neither."""
    target = user_path(argument, path)
    if target.suffix.lower() not in (*TABLES, *PLOTS):
        expected = f"a file that ends in one of {', '.join((*TABLES, *PLOTS))}"
        raise InvalidInput(argument, expected=expected, got=f"{path}")
    check_writable(target, overwrite=overwrite, argument=argument)
    return target


def check_outputs(argument: str, paths: Sequence[str | Path], *, overwrite: bool) -> list[Path]:
    """The same for several, none of them twice; a plot needs matplotlib. Raises PluginImportError too."""
    targets = [check_output(argument, path, overwrite=overwrite) for path in paths]
    if len(set(targets)) < len(targets):
        raise InvalidInput(argument, expected="files that differ", got=", ".join(map(str, paths)))
    if any(target.suffix.lower() in PLOTS for target in targets):
        require(*NEEDS_OF_PLOTS)
    return targets


def save_as(
    path: str | Path,
    markdown: Callable[[], str],
    table: Callable[[], str],
    plain: Callable[[], Mapping[str, Any]],
    plot: Callable[[], Figure],
    *,
    overwrite: bool,
) -> Path:
    """Write what the suffix of a path asks for, whole or not at all. Errors as of `check_output`."""
    target = check_output("path", path, overwrite=overwrite)
    suffix = target.suffix.lower()
    figure = plot() if suffix in PLOTS else None
    with atomic_path(target, overwrite=overwrite, argument="path") as temporary:
        if figure is not None:
            save_figure(figure, temporary)
        elif suffix == ".json":
            temporary.write_text(json.dumps(plain(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        else:
            text = table() if suffix == ".csv" else markdown() + "\n"
            temporary.write_bytes(text.encode())
    return target


def shown_number(value: float, *, share: bool = False, digits: int = 3, signed: bool = False) -> str:
    """A number as a table has it; a share in per cent. Empty where there is none."""
    if value != value:
        return ""
    text = f"{100 * value:{'+' if signed else ''}.1f} %" if share else f"{value:{'+' if signed else ''}.{digits}f}"
    return text.replace("-", "−") if signed else text


def shown_interval(interval: Interval, shown: Callable[[float], str]) -> str:
    """Both ends, or that there are none."""
    return f"{shown(interval.low)} to {shown(interval.high)}" if interval.known else "none"


def markdown_table(lines: Sequence[Sequence[str]]) -> str:
    """The first line is the head."""
    head, *rest = ([cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines)
    return "\n".join([f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *(f"| {' | '.join(line)} |" for line in rest)])


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of the same names, with a head; an empty cell is None."""
    out = StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def finite(value: float) -> float | None:
    """A number as JSON can hold it: None where it is none."""
    return value if abs(value) < float("inf") else None
