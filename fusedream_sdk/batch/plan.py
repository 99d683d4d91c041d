"""From captions and seeds to rows with a name each, and from rows to work that anybody can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fusedream_sdk.batch.captions import Caption
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.run.estimate import check_rows
from fusedream_sdk.run.saving import slug
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.checks import check_seed, check_seeds
from fusedream_sdk.scoring.prompt import PromptLike


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row that is asked for.

    Attributes:
        caption: what to draw. seed: from which seed. stem: name of the picture.
    """

    caption: Caption
    seed: int
    stem: str


@dataclass(frozen=True, slots=True)
class Job:
    """A row, as whoever draws it is given it: nothing else decides the picture, but models and method.

    Attributes:
        number: of the row. prompt, seed: of it. settings: all of them.
    """

    number: int
    prompt: PromptLike
    seed: int
    settings: Settings


Unit: TypeAlias = tuple[Job, ...]
"""Rows of the same settings that are drawn in one go."""


def wanted_rows(captions: Sequence[Caption], seeds: int | Sequence[int]) -> list[Wanted]:
    """Every caption from every seed, caption by caption; one that has a seed of its own from that one alone.

    Raises:
        InvalidInput: a seed cannot be used, there are more than a million rows, or two would have one name.
    """
    numbers = check_seeds(seeds)
    count = sum(1 if caption.seed is not None else len(numbers) for caption in captions)
    check_rows(count)
    width, rows = max(2, len(str(count - 1))), list[Wanted]()
    for caption in captions:
        for seed in numbers if caption.seed is None else (check_seed(f"{caption.where}: seed", caption.seed),):
            called = slug(caption.name) if caption.name else f"{len(rows):0{width}d}-{slug(str(caption.prompt))}"
            rows.append(Wanted(caption, seed, f"{called}-seed{seed}"))
    if any(caption.name for caption in captions):  # otherwise the numbers differ
        check_stems(rows)
    return rows


def check_stems(rows: Sequence[Wanted]) -> None:
    """Every picture has a name of its own, on file systems that know no capitals too. Raises InvalidInput."""
    names: dict[str, Wanted] = {}
    for row in rows:
        before = names.setdefault(row.stem.casefold(), row)
        if before is not row:
            where, got = f"{row.caption.where}: name", f"{row.stem!r} of {before.caption.where} too"
            fix = "Change a name, or leave out the column."
            raise InvalidInput(where, expected="another for each picture", got=got, fix=fix)


def settled(rows: Sequence[Wanted], settings_for: Callable[[Mapping[str, Any]], Settings]) -> list[Job]:
    """The rows with all their settings; those that say the same share one object.

    Args:
        rows: that are asked for.
        settings_for: from what a caption changes to all settings.

    Raises:
        InvalidInput: settings of a caption cannot be used together, with its line.
    """
    found: dict[str, Settings] = {}
    jobs = []
    for number, row in enumerate(rows):
        changes = row.caption.settings
        key = repr(sorted(changes.items())) if changes else ""
        if key not in found:
            try:
                found[key] = settings_for(changes)
            except InvalidInput as error:
                if not changes:
                    raise
                named = f"{row.caption.where}: {error.argument}"
                raise InvalidInput(named, expected=error.expected, got=error.got, fix=error.fix) from error
        jobs.append(Job(number, row.caption.prompt, row.seed, found[key]))
    return jobs


def distinct_settings(jobs: Iterable[Job]) -> list[Settings]:
    """The settings of some rows, each once, in the order of their first use."""
    return list({id(job.settings): job.settings for job in jobs}.values())


def in_units(jobs: Iterable[Job], together: int) -> Iterator[Unit]:
    """Rows in units of at most so many, those that follow each other and share their settings."""
    unit: list[Job] = []
    for job in jobs:
        if unit and (len(unit) == together or job.settings is not unit[0].settings):
            yield tuple(unit)
            unit = []
        unit.append(job)
    if unit:
        yield tuple(unit)
