"""A folder filled with the rows of a batch: those that are there stay, the others are drawn, each is written as it comes."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

from fusedream_sdk.batch.executor import Drawn, Executor
from fusedream_sdk.batch.plan import Job, Wanted, in_units
from fusedream_sdk.batch.table import TABLE, TENSORS, Batch, Record, mean_of
from fusedream_sdk.errors import WorkerLost
from fusedream_sdk.run.folder import Folder
from fusedream_sdk.run.result import Result
from fusedream_sdk.runtime.progress import bar

HOPELESS = 10  # rows that cannot be drawn, before any that could


def fill(
    folder: Folder,
    rows: Sequence[Wanted],
    jobs: Sequence[Job],
    asked: Mapping[str, Any],
    executor: Callable[[Sequence[Job]], Executor],
    *,
    together: int = 1,
    progress: bool = True,
) -> Batch:
    """Draw the rows that are not there yet.

    Args:
        folder: where they go.
        rows: that are asked for, and jobs: the same for who draws them.
        asked: what decides the pictures, as JSON has it, beside prompts, seeds and settings.
        executor: who draws; called with what is left, if anything is.
        together: rows in one go, at most.
        progress: show a bar on stderr.

    Returns:
        What is in the folder, after Ctrl-C too.

    Raises:
        OutputError, InvalidInput: as of `Folder`. FuseDreamError: as of `Executor.run`, or none of the first rows can be drawn.
        KeyboardInterrupt: before any row was there.
    """
    folder.open({**asked, **as_asked(jobs)}, [row.stem for row in rows], [TABLE], tensors=TENSORS)
    records = {number: Record.of(one) for number, one in folder.each_kept(Result.load_part)}
    left = [job for job in jobs if job.number not in records]
    lost: dict[int, str] = {}
    stopped = False

    def outcomes() -> Generator[Drawn, None, None]:
        if left:
            yield from executor(left).run(list(in_units(left, together)))

    def whole() -> Batch:
        return Batch(folder.path, rows, records, lost, stopped)

    try:
        with bar("drawing", progress) as advance, closing(outcomes()) as found:
            advance(len(records), len(rows))
            for outcome in found:
                if outcome.made is None:
                    lost[outcome.number] = outcome.why
                    check_hope(records, lost)
                else:
                    folder.add(outcome.number, outcome.made)
                    records[outcome.number] = Record.of(outcome.made)
                advance(len(records) + len(lost), len(rows), lambda: mean_so_far(records))
    except KeyboardInterrupt:
        if not records:
            raise
        stopped = True
    except WorkerLost:
        folder.finish(whole(), done=False)
        raise
    folder.finish(whole(), done=whole().done)
    return whole()


def mean_so_far(records: Mapping[int, Record]) -> str:
    """For a progress bar: the mean of the first score of the rows that are there."""
    first = next((name for record in records.values() for name in record.scores), "")
    mean = mean_of(first, records.values())
    return f"mean {first} {mean:.3f}" if math.isfinite(mean) else ""


def check_hope(records: Mapping[int, Record], lost: Mapping[int, str]) -> None:
    """Where not one of the first rows can be drawn, none can. Raises WorkerLost with what the last one said."""
    if not records and len(lost) == HOPELESS:
        why = list(lost.values())[-1]
        raise WorkerLost(f"captions: none of the first {HOPELESS} rows could be drawn. The last one said: {why}")


def as_asked(jobs: Sequence[Job]) -> dict[str, Any]:
    """What decides the pictures of rows, as JSON has it: settings stand there once."""
    places: dict[int, int] = {}
    settings = []
    for job in jobs:
        if id(job.settings) not in places:
            places[id(job.settings)] = len(settings)
            settings.append(job.settings.to_json())
    own = {} if len(settings) < 2 else {"settings_of": [places[id(job.settings)] for job in jobs]}
    return {"settings": settings, "prompts": [str(job.prompt) for job in jobs], "seeds": [job.seed for job in jobs], **own}
