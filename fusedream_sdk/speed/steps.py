"""A step of ours, one of the public code's loop, and a look at held-out views: each whenever it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch

from fusedream_sdk.latents import firsts, map_latents
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.fusedream import fusedream
from fusedream_sdk.optim.loop import Selection
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.rows import each_with_each
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import Task, drawn
from fusedream_sdk.speed.reference import Course, Reference

PROMPT = "a photo of a cat"
Step = Callable[[], object]


def task_of(engine: Engine, settings: Settings, rows: int) -> Task:
    """So many rows of one prompt."""
    return Task(engine, engine.rows(each_with_each(PROMPT, list(range(rows)))), settings)


def blind() -> Method:
    """FuseDream, but no step is judged on held-out views."""
    return replace(fusedream(), selection=lambda task: Selection(every=task.settings.steps))


def our_step(task: Task, method: Method | None = None) -> Step:
    """Of our loop, all rows; blind by default. It begins at draws from the rows' seeds, as nothing is searched."""
    states = (method or blind()).states(task, drawn(task, k=task.settings.basis))
    return lambda: next(states)


def their_step(task: Task) -> Step:
    """Of the public code's loop, the first row."""
    one, rng, engine = task.take([0]), torch.Generator().manual_seed(0), task.engine
    reference = Reference(engine.generator.model, engine.scorer.model, PROMPT, engine.precision)
    start = map_latents(lambda x: x[0], drawn(one, k=task.settings.basis))
    course = Course(reference.generator.space, start, rng)
    return lambda: reference.step(course, course.numbers(task.settings.views, rng))


def our_look(task: Task) -> Step:
    """Of the judge of our loop, at every row."""
    judge = fusedream().selection(task).holdout
    latents = firsts(drawn(task))

    @torch.no_grad()
    def look() -> None:
        if judge is not None:
            judge(latents, step=0)

    return look


def share_of_looks(task: Task) -> float:
    """How many looks there are for each step."""
    selection = fusedream().selection(task)
    return 1 / selection.every if selection.judges(selection.every, last=False) else 0.0


MAKERS: Mapping[str, Callable[[Task], Step]] = {"ours": our_step, "reference": their_step}
