"""Rows of many captions, drawn one after the other by the models that are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from fusedream_sdk.batch.captions import Caption, read_captions
from fusedream_sdk.batch.executor import drawn_whole
from fusedream_sdk.batch.plan import Job, Wanted, distinct_settings, in_units, settled
from fusedream_sdk.dream.draw import draw, drawn_by
from fusedream_sdk.dream.prepare import check_places, make_task
from fusedream_sdk.dream.start import Beginning
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.methods.base import Method
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.estimate import check_time
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.checks import kind_of
from fusedream_sdk.runtime.device import rows_alone
from fusedream_sdk.runtime.progress import bar
from fusedream_sdk.scoring.prompt import Prompt, PromptLike, as_prompt, check_prompts

TOGETHER = 8  # rows that an accelerator is given at once, from which it takes as many as its memory holds

CaptionsLike: TypeAlias = Path | PromptLike | Sequence[PromptLike | Caption]
"""A file of captions (a `Path`), one or several prompts, or captions with seeds and settings of their own."""


class Drawer:
    """What draws jobs with one pair of models by one method: a `batch.executor.Draw`.

    Args:
        engine: the models.
        method: how.
    """

    def __init__(self, engine: Engine, method: Method) -> None:
        self._engine, self._method = engine, method

    def __call__(self, jobs: Sequence[Job]) -> Result:
        """Draw rows of the same settings. Errors as of `FuseDream.generate`."""
        with self._engine.faults():
            pairs = [(as_prompt(job.prompt), job.seed) for job in jobs]
            task = make_task(self._engine, jobs[0].settings, pairs, self._method, progress=False)
            begin = Beginning(self._method.starts(task))
            return draw(task, self._method, begin.latents, drawn_by(task, self._method, begin))


def as_captions(captions: CaptionsLike) -> list[Caption]:
    """Captions of whatever may be given. Raises InvalidInput for something else, or as of `read_captions`."""
    if isinstance(captions, Path):
        return read_captions(captions)
    listed = [captions] if isinstance(captions, (str, Prompt)) else captions
    if not isinstance(listed, (list, tuple)):
        expected = "a Path of a file, a sentence, or a list of sentences or captions"
        raise InvalidInput("captions", expected=expected, got=kind_of(captions))
    prompts = check_prompts([one.prompt if isinstance(one, Caption) else one for one in listed])
    return [one if isinstance(one, Caption) else Caption(prompt) for one, prompt in zip(listed, prompts, strict=True)]


def rows_at_once(engine: Engine) -> int:
    """How many rows a worker is given at a time."""
    return 1 if rows_alone(engine.device) else TOGETHER


def jobs_of(recommended: Settings, method: Method, rows: Sequence[Wanted], changes: Mapping[str, Any]) -> list[Job]:
    """The rows with all their settings, which the machine can bear.

    Args:
        recommended: settings, before the method's, the call's and the caption's.
        method: how the rows will be drawn.
        rows: that are asked for.
        changes: settings of the call.

    Raises:
        InvalidInput: settings cannot be used, with the line of the caption that they are of; or they would take years.
    """

    def settings_for(own: Mapping[str, Any]) -> Settings:
        given = {**changes, **own}
        check_places(method, given)
        return method.settings_for(recommended, given)

    jobs = settled(rows, settings_for)
    counts = Counter(id(job.settings) for job in jobs)
    for settings in distinct_settings(jobs):
        check_time(counts[id(settings)], vars(settings), members=method.at_a_point(settings.steps))
    return jobs


def rows_of(engine: Engine, method: Method, jobs: Sequence[Job], *, progress: bool) -> Iterator[Result]:
    """What comes of each job, one row each, in their order. Raises KeyboardInterrupt; errors as of `FuseDream.generate`."""
    drawer, done = Drawer(engine, method), 0
    with bar("drawing", progress) as advance:
        for unit in in_units(jobs, rows_at_once(engine)):
            for one in drawn_whole(drawer, unit).split():
                done += 1
                advance(done, len(jobs))
                yield one
