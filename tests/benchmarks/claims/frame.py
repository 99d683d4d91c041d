"""What the seven commands share: what is asked for, prompts, and rows that are measured once and kept."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from fusedream_emoji.art import names
from fusedream_emoji.render import COLOURS
from fusedream_emoji.training.captions import article
from fusedream_sdk.errors import FuseDreamError, InvalidInput
from fusedream_sdk.evaluation.bootstrap import Array, Bootstrap, Interval
from fusedream_sdk.imaging.pictures import grid, read_picture
from fusedream_sdk.run.saving import slug
from fusedream_sdk.runtime.files import atomic_path
from fusedream_sdk.runtime.plain import read_json
from fusedream_sdk.runtime.progress import bar
from tests.benchmarks import single_objects, two_objects
from tests.benchmarks.case_studies import PAIRS
from tests.benchmarks.claims.verdict import Sheet
from tests.benchmarks.judging import with_article

if TYPE_CHECKING:
    from fusedream_sdk.run.result import Result

ASKED, ROWS = "asked.json", "rows"
SHOWN = 10  # prompts side by side on a sheet
SHARE, DIFFERENCE = (0.0, 1.0), (-1.0, 1.0)  # what a share can be, and a difference of two
Values = Mapping[str, float]
Draw = Callable[[str, list[str], list[int]], Sequence[Values]]
"""Way, prompts and seeds to the measures of every prompt with every seed, prompt by prompt."""
Judge = Callable[[Tensor, list[str]], Sequence[Values]]
"""Pictures (B, 3, H, W) in [0, 1] and their prompts to the measures of each."""
Item = TypeVar("Item")


@dataclass(frozen=True)
class Asked:
    """What a command is asked for.

    Attributes:
        folder: takes rows, table and plot. prompts: how many. seeds: of each.
        settings: changes of the settings of every run, such as the number of steps; empty for what the pair recommends.
        options: of one claim, such as the generations of BasinCMA.
        device: where pictures are drawn. together: how many prompts at once, with all their seeds; None for row after row.
        weighed: of claim 5, how many of the prompts are drawn by all six ways, the others by two; None for all of them.
        bootstrap: of the intervals.
    """

    folder: Path
    prompts: int
    seeds: tuple[int, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    together: int | None = None
    weighed: int | None = None
    bootstrap: Bootstrap = field(default_factory=Bootstrap)

    def open(self, claim: int, *, resume: bool) -> None:
        """Make the folder, and note in it what cannot change while it fills. Prompts and seeds may be added.

        Raises:
            InvalidInput: it is there and `resume` is not asked for, or it was filled otherwise.
        """
        path = self.folder / ASKED
        about = {"claim": claim, "settings": dict(self.settings), "options": dict(self.options), "device": self.device}
        if self.folder.exists() and any(self.folder.iterdir()) and not (resume and path.exists()):
            fix = "Go on with it by --resume, or choose another."
            raise InvalidInput("out", expected="a folder that this command has begun, or none", got=f"{self.folder}", fix=fix)
        if path.exists():
            found = read_json(path)
            if found != about:
                fix = "Give the same options, or another folder."
                raise InvalidInput("out", expected=f"a folder of {about}", got=f"one of {found}", fix=fix)
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(path, about)

    def blocks(self, prompts: Sequence[str]) -> list[tuple[list[str], list[int]]]:
        """What is drawn at once: prompts, and their seeds."""
        if self.together is None:
            return [([prompt], [seed]) for prompt in prompts for seed in self.seeds]
        return [(list(prompts[at : at + self.together]), list(self.seeds)) for at in range(0, len(prompts), self.together)]


@dataclass(frozen=True)
class Paired:
    """The same prompts and seeds by several ways of drawing: a value of every measure for each of them.

    Attributes:
        prompts: of each row.
        ways: way -> a dictionary of measures for each row.
        bootstrap: of the intervals, which resample prompts with all of their seeds.
    """

    prompts: Sequence[str]
    ways: Mapping[str, Sequence[Values]]
    bootstrap: Bootstrap

    def column(self, way: str, measure: str) -> Array:
        """The values of a measure, (rows,)."""
        return np.array([row[measure] for row in self.ways[way]], dtype=np.float64)

    def mean(self, values: Array, bounds: tuple[float, float] | None = None) -> Interval:
        """The mean of a value of each row, and its interval; rows that are NaN are left out."""
        there = np.isfinite(values)
        kept = [prompt for prompt, one in zip(self.prompts, there, strict=True) if one]
        return self.bootstrap.mean(values[there].tolist(), kept, bounds)

    def apart(self, way: str, other: str, measure: str, bounds: tuple[float, float] | None = None) -> Interval:
        """How much more one way has than another, row by row."""
        return self.mean(self.column(way, measure) - self.column(other, measure), bounds)

    @property
    def counts(self) -> tuple[int, int]:
        """Of prompts and of rows."""
        return len(set(self.prompts)), len(self.prompts)


def paired(asked: Asked, prompts: Sequence[str], ways: Sequence[str], draw: Draw) -> Paired:
    """Every prompt and seed by every way, those measured now that are not in the folder yet.

    All ways of a block are done before the next, so that whatever is there is a fair comparison. A block that lacks a row is
    measured anew but for the rows that are there.
    """
    blocks, found = asked.blocks(prompts), {way: dict[tuple[str, int], Values]() for way in ways}
    with bar("rows", True) as advance:
        for place, (some, seeds) in enumerate(blocks):
            for number, way in enumerate(ways):
                pairs = [(prompt, seed) for prompt in some for seed in seeds]
                there = {pair: kept for pair in pairs if (kept := _kept(asked, way, *pair)) is not None}
                missing = list(dict.fromkeys(prompt for prompt, seed in pairs if (prompt, seed) not in there))
                drawn = [(prompt, seed) for prompt in missing for seed in seeds]
                for pair, values in zip(drawn, draw(way, missing, seeds) if missing else [], strict=True):
                    if pair not in there:
                        there[pair] = _keep(asked, way, *pair, values)
                found[way] |= there
                advance(place * len(ways) + number + 1, len(blocks) * len(ways))
    every = [(prompt, seed) for prompt in prompts for seed in asked.seeds]
    return Paired([prompt for prompt, _ in every], {way: [found[way][pair] for pair in every] for way in ways}, asked.bootstrap)


def judged(asked: Asked, rows: Paired, judge: Judge) -> Paired:
    """The same rows, with what a judge says of their pictures, which are read back: another judge takes no other pictures."""
    pairs = [(prompt, seed) for prompt in dict.fromkeys(rows.prompts) for seed in asked.seeds]
    ways: dict[str, list[Values]] = {}
    for way, known in rows.ways.items():
        pictures = [read_picture("picture", row_file(asked, way, *pair, ".png")) for pair in pairs]
        said = judge(torch.stack(pictures), [prompt for prompt, _ in pairs])
        ways[way] = [{**one, **other} for one, other in zip(known, said, strict=True)]
    return replace(rows, ways=ways)


def sheet(title: str, labels: Mapping[str, str], prompts: Sequence[str], file: Callable[[str, str], Path]) -> Sheet:
    """Pictures of some prompts, ten at a time, a line for each way, which has a label.

    Args:
        file: where the picture of a way and a prompt is.
    """
    columns, pictures = min(SHOWN, len(prompts)), list[Tensor]()
    for at in range(0, len(prompts), columns):
        for way in labels:
            line = [read_picture("picture", file(way, prompt)) for prompt in prompts[at : at + columns]]
            pictures += line + [torch.ones_like(line[0])] * (columns - len(line))  # a last line that is short ends in white
    says = f"From top to bottom: {'; '.join(labels.values())}. From left to right: {'; '.join(prompts)}."
    return Sheet("ways", title, says, grid(torch.stack(pictures), columns))


def row_sheet(asked: Asked, title: str, labels: Mapping[str, str], prompts: Sequence[str]) -> Sheet:
    """The pictures of rows, of the first seed."""
    return sheet(title, labels, prompts, lambda way, prompt: row_file(asked, way, prompt, asked.seeds[0], ".png"))


def one_by_one(make: Callable[[str, str, int], Values]) -> Draw:
    """Drawing of a single row, for several."""
    return lambda way, prompts, seeds: [make(way, prompt, seed) for prompt in prompts for seed in seeds]


def save_rows(asked: Asked, way: str, found: Result) -> None:
    """Keep the picture of every row of a result."""
    for place, (prompt, seed) in enumerate(zip(found.prompts, found.seeds, strict=True)):
        path = row_file(asked, way, str(prompt), seed, ".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        found[place].save(path, overwrite=True)


def row_file(asked: Asked, way: str, prompt: str, seed: int, suffix: str = ".json") -> Path:
    """Where a row of the folder is, or its picture."""
    letters = f"{slug(prompt)}-{crc32(prompt.encode()):08x}"  # long captions may begin alike
    return asked.folder / ROWS / slug(way) / f"{letters}-seed{seed}{suffix}"


def _kept(asked: Asked, way: str, prompt: str, seed: int) -> Values | None:
    """The measures of a row, if they are in the folder and whole."""
    try:
        kept: Any = read_json(row_file(asked, way, prompt, seed))
        if {"prompt": prompt, "seed": seed}.items() <= kept.items():
            return {name: float(x) for name, x in kept["values"].items()}
    except (OSError, ValueError, AttributeError, KeyError, TypeError, FuseDreamError):
        pass  # none yet, or damaged: it is measured again
    return None


def _keep(asked: Asked, way: str, prompt: str, seed: int, values: Values) -> Values:
    """Write the measures of a row, and give them as they will be read."""
    path, plain = row_file(asked, way, prompt, seed), {name: float(x) for name, x in values.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, {"prompt": prompt, "seed": seed, "values": plain})
    return plain


def _write(path: Path, plain: Any) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


# Prompts: those of the benchmarks first, then others drawn in a fixed order, so that more of them keep the rows that are there


def coloured(count: int) -> list[str]:
    """ "a red apple": the forty of `single_objects.txt`, then random ones."""
    words, every = list(COLOURS), names()
    return _more(single_objects.PROMPTS, count, lambda rng: with_article(f"{rng.choice(words)} {rng.choice(every)}"))


def couples(count: int) -> list[tuple[str, str]]:
    """Two things, such as a dog and a cat: the ten of `case_studies`, then random ones."""
    every = names()
    return _more(PAIRS, count, lambda rng: _two(rng, every))


def two_things(count: int) -> list[str]:
    """ "a dog near a boat": the thirty of `two_objects.txt`, then random ones."""
    plain = [name for name in names() if not any(link in f" {name} " for link in two_objects.LINKS)]

    def drawn(rng: random.Random) -> str:
        first, second = _two(rng, plain)
        return f"{article(first)}{rng.choice(two_objects.LINKS)}{article(second)}"

    return _more(two_objects.PROMPTS, count, drawn)


def _two(rng: random.Random, listed: Sequence[str]) -> tuple[str, str]:
    first, second = rng.sample(listed, 2)
    return first, second


def _more(first: Sequence[Item], count: int, drawn: Callable[[random.Random], Item]) -> list[Item]:
    """So many different ones: the first, then those that are drawn."""
    rng, found = random.Random(0), dict.fromkeys(first)
    while len(found) < count:
        found.setdefault(drawn(rng))
    return list(found)[:count]
