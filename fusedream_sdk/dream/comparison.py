"""What methods came to on the same prompts and seeds, side by side: a sheet, a table, and every number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from fusedream_sdk.imaging.cards import Cell, html_table, sheet_png
from fusedream_sdk.imaging.sheets import save_sheet, table_sheet
from fusedream_sdk.run.result import Result
from fusedream_sdk.runtime.files import atomic_path

SCORES = ("judge", "augclip", "clip")
HEAD = ("method", "models", "judge", "AugCLIP", "CLIP", "evaluations", "s per picture")


@dataclass(frozen=True)
class Contender:
    """What came of one method.

    Attributes:
        name: as it was asked for, such as "cma?population=8" or "vqgan-clip@emoji-vqgan".
        models: the pair that drew, in words; empty where it could not be had.
        result: the pictures, or None.
        evaluations: pictures that a row's run draws and scores, as of `Method.evaluations`.
        seconds: for each picture: search, steps, report; not the loading, nor the building of a bank. None where no picture
            was drawn.
        told: why there is no result, in a sentence; empty where there is one.
    """

    name: str
    models: str = ""
    result: Result | None = None
    evaluations: int | None = None
    seconds: float | None = None
    told: str = ""

    def mean(self, score: str) -> float | None:
        """The mean of a score over the pictures; None where there is none."""
        if self.result is None or score not in self.result.scores:
            return None
        return float(self.result.scores[score].mean())

    def means(self) -> str:
        """Its means, in words; empty where there are none."""
        return ", ".join(f"{name} {mean:.3f}" for name in SCORES if (mean := self.mean(name)) is not None)

    def to_json(self) -> dict[str, Any]:
        """Every number; means, and scores of each picture."""
        found = self.result
        each = (
            []
            if found is None
            else [
                {"prompt": prompt, "seed": seed, **{name: float(x[row]) for name, x in found.scores.items()}}
                for row, (prompt, seed) in enumerate(zip(found.prompts, found.seeds, strict=True))
            ]
        )
        own = {"method": self.name, "models": self.models, **{name: self.mean(name) for name in SCORES}}
        counts = {"evaluations": self.evaluations, "seconds": self.seconds}
        return {**own, **counts, "told": self.told or None, "pictures": each}

    def line(self) -> str:
        """Its line of the table."""
        if self.result is None:
            cells = [self.told.replace("|", "\\|"), *[""] * (len(HEAD) - 2)]
        else:
            means = ["" if (mean := self.mean(name)) is None else f"{mean:.3f}" for name in SCORES]
            count = "" if self.evaluations is None else f"{self.evaluations:,}"
            cells = [self.models, *means, count, "" if self.seconds is None else f"{self.seconds:.3g}"]
        return f"| {' | '.join([self.name.replace('|', ' '), *cells])} |"


@dataclass(frozen=True)
class Comparison:
    """What `compare` returns.

    Attributes:
        prompts, seeds: of each row; every method draws all of them.
        contenders: what came of each method, in the order in which they were asked for.
        stopped: whether Ctrl-C ended it early.
    """

    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    contenders: tuple[Contender, ...]
    stopped: bool = False

    def __getitem__(self, name: str) -> Contender:
        """What came of a method, by its name. Raises KeyError for another."""
        return {contender.name: contender for contender in self.contenders}[name]

    def to_markdown(self) -> str:
        """A table with the mean over the pictures for each method; one that could not draw has its sentence there."""
        rule = f"|{' --- |' * len(HEAD)}"
        return "\n".join([f"| {' | '.join(HEAD)} |", rule, *(contender.line() for contender in self.contenders)])

    def __str__(self) -> str:
        return self.to_markdown()

    def to_json(self) -> dict[str, Any]:
        """Everything but the pictures, as JSON has it."""
        asked = {"prompts": list(self.prompts), "seeds": list(self.seeds), "stopped": self.stopped}
        return {**asked, "methods": [contender.to_json() for contender in self.contenders]}

    def sheet(self) -> Image.Image:
        """All pictures in one: a line for each prompt and seed, a column for each method."""
        return table_sheet([c.name for c in self.contenders], self._rows(), self._columns())

    def _repr_png_(self) -> bytes:
        return sheet_png(self.sheet())

    def _repr_html_(self) -> str:
        means: list[Cell] = ["mean", *(contender.means() for contender in self.contenders)]
        pictures = [[name, *cells] for name, *cells in zip(self._rows(), *self._columns(), strict=True)]
        return html_table(["", *(contender.name for contender in self.contenders)], [means, *pictures])

    def _rows(self) -> list[str]:
        several = len(set(self.seeds)) > 1
        return [f"{prompt} ({seed})" if several else prompt for prompt, seed in zip(self.prompts, self.seeds, strict=True)]

    def _columns(self) -> list[list[Image.Image | str | None]]:
        return [_column(contender, list(zip(self.prompts, self.seeds, strict=True))) for contender in self.contenders]

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the sheet as a .png. Raises OutputError: it cannot be written. InvalidInput: another suffix."""
        return save_sheet(self.sheet(), path, overwrite=overwrite)

    def save_json(self, path: Path) -> None:
        """Write every number, whole or not at all."""
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")


def _column(contender: Contender, names: Sequence[tuple[str, int]]) -> list[Image.Image | str | None]:
    """The pictures of a method, one for each row; or its sentence."""
    found = contender.result
    if found is None:
        return [contender.told or None, *[None] * (len(names) - 1)]
    drawn = dict(zip(zip(found.prompts, found.seeds, strict=True), found.pil, strict=True))
    return [drawn.get(name) for name in names]
