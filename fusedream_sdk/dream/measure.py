"""What a run would take: measured on one row and a part of the bank, and extrapolated. Nothing is kept or written."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import torch

from fusedream_sdk.dream.prepare import prepare, searches
from fusedream_sdk.latents import Latents, map_latents
from fusedream_sdk.methods.base import Method
from fusedream_sdk.optim.loop import Selection
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.estimate import FLOAT, Estimate
from fusedream_sdk.run.recipe import Verb
from fusedream_sdk.run.report import make_recipe, render, report_scores
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import Task, drawn
from fusedream_sdk.runtime.memory import bytes_of_graph, bytes_of_row
from fusedream_sdk.runtime.room import out_of_memory
from fusedream_sdk.scoring.prompt import PromptLike
from fusedream_sdk.scoring.target import PromptTarget
from fusedream_sdk.search.bank import BLOCK, HALF
from fusedream_sdk.search.building import check_size, embed_block
from fusedream_sdk.search.starts import searched_starts

TIMED = 2  # steps
TRIED = 32  # latents of a bank: a batch of `build_bank`
ABOUT = 500  # bytes of what a picture's recipe says beside that of the run, and of the headers of its files
Made = TypeVar("Made")


def measure(
    engine: Engine,
    recommended: Settings,
    asked: tuple[PromptLike | Sequence[PromptLike], int | Sequence[int]],
    method: Method,
    changes: Mapping[str, Any],
) -> Estimate:
    """Run a little of what a call would, and say what all of it would take.

    Args:
        engine: the models.
        recommended: settings, before the method's and the call's.
        asked: prompts and seeds.
        method: how the rows would be drawn.
        changes: settings of the call.

    Raises:
        InvalidInput, OutputError: as drawing would, before it begins. PluginContractError: a model breaks its protocol.
    """
    engine = engine.uncompiled  # compiling takes longer than all that is measured here
    first = replace(method, starts=partial(_one_start, method))
    task, begin = prepare(engine, recommended, asked, first, None, changes, progress=False)
    one, count = task.take([0]), len(task.rows)
    step, latents, losses = _step(one, method, begin.latents)
    bank, search = _search(one, method)
    each = search + method.points(task.settings.steps) * step + _looks(one, method, latents) + _report(one, latents)
    every = map_latents(lambda x: x.expand(count, *x.shape[1:]), begin.latents)
    at_once = min(count, method.rows_at_a_time(task, every))
    tensors, picture = _bytes_of_a_picture(one, latents, losses)
    return Estimate(
        models=engine.about,
        pictures=count,
        at_once=at_once,
        bank_seconds=bank.seconds,
        picture_seconds=each,
        graph_bytes=at_once * method.members * _row(one, method, begin.latents),
        held_bytes=bank.held + bank.scores + count * tensors,
        bank_bytes=bank.disk,
        picture_bytes=2 * tensors + picture,
    )


@dataclass(frozen=True)
class _Bank:
    """What a bank takes: seconds to build it; bytes in memory, of scores in it, and on disk. 0 where none is used."""

    seconds: float = 0.0
    held: int = 0
    scores: int = 0
    disk: int = 0


def _one_start(method: Method, task: Task) -> Latents:
    """Where the first row might begin, without a search: (1, k, ...) each."""
    one = task.take([0])
    return drawn(one, task.settings.basis) if searches(method, task.settings) else method.starts(one)


def _step(one: Task, method: Method, starts: Latents) -> tuple[float, Latents, int]:
    """Seconds of a point of all members without a look, the latents of a row (1, ...), and the number of losses."""
    settings = one.settings.replace(steps=max(one.settings.steps, TIMED + 2))  # the last one takes no gradient
    shorter = method.refine and replace(method.refine, updates=min(TIMED, method.refine.updates))
    blind = replace(method, selection=lambda task: Selection(every=settings.steps), refine=shorter)
    states = blind.course(replace(one, settings=settings), starts)
    cold, state = _timed(one, lambda: next(states))  # the first is slower: what is loaded or compiled on its way
    warm = [seconds for seconds, made in (_timed(one, lambda: next(states, None)) for _ in range(TIMED)) if made is not None]
    points = 1 if shorter is None else shorter.updates + 1
    return statistics.median(warm or [cold]) / points, state.best.latents, len(state.evaluation.losses)


def _looks(one: Task, method: Method, latents: Latents) -> float:
    """Seconds of a run's looks at held-out views."""
    selection, steps = method.selection(one), one.settings.steps
    judge = selection.holdout
    if judge is None:
        return 0.0
    with torch.no_grad():
        seconds, _ = _timed(one, lambda: judge(latents, step=0))
    return seconds * sum(selection.judges(step, last=step == steps) for step in range(steps + 1))


def _report(one: Task, latents: Latents) -> float:
    """Seconds of rendering a picture and scoring it."""
    judge = one.engine.judge if one.settings.judge else None
    if judge is not None:
        judge.scores(render(one.generator, latents), one.rows.prompts)  # it is loaded on the first use
    return _timed(one, lambda: report_scores(one, render(one.generator, latents), lambda done, total: None))[0]


def _search(one: Task, method: Method) -> tuple[_Bank, float]:
    """What the bank takes, and seconds of a row's own search where no bank can serve."""
    engine, settings = one.engine, one.settings
    if not searches(method, settings):
        return _Bank(), 0.0
    if engine.has_bank and isinstance(one.rows.target, PromptTarget):
        return _bank(one), 0.0
    tried = min(settings.samples, BLOCK)
    seconds, _ = _timed(
        one,
        lambda: searched_starts(
            *(one.generator, one.rows.target, one.rows.prompts, one.rows.seeds),
            k=1,
            samples=tried,
            views=(settings.search_views, settings.bank_views),
            run=(engine.precision, lambda done, total: None),
        ),
    )
    return _Bank(), seconds * settings.samples / tried


def _bank(one: Task) -> _Bank:
    """What the bank takes, from some of its latents if it is not there. Raises InvalidInput, OutputError: it does not fit."""
    engine, recipe = one.engine, one.engine.bank_recipe(one.settings)
    known, scores = engine.known_bank(one.settings), FLOAT * recipe.size
    if known is not None:
        return _Bank(held=HALF * known.embeddings.numel(), scores=scores)
    tried = min(recipe.size, TRIED)
    part, how = replace(recipe, size=tried), (tried, engine.precision, lambda done, total: None)
    with torch.no_grad():
        seconds, found = _timed(one, lambda: embed_block(one.generator, engine.scorer.model, part, 0, how))
    check_size(recipe, found.shape[1])
    size = HALF * recipe.size * found.shape[1]
    return _Bank(seconds * recipe.size / tried, held=size, scores=scores, disk=size)


def _row(one: Task, method: Method, starts: Latents) -> int:
    """Bytes of one row, or member, at work: graph and gradients, without the models where two rows fit the memory."""
    two, latents = one.repeat(2), map_latents(lambda x: x[:, 0].repeat_interleave(2, dim=0), starts)
    try:
        return bytes_of_row(lambda n: method.objective(two.take(range(n))), latents)
    except Exception as error:
        if not out_of_memory(error):
            raise
    return 2 * bytes_of_graph(method.objective(one), map_latents(lambda x: x[:1], latents))


def _bytes_of_a_picture(one: Task, latents: Latents, losses: int) -> tuple[int, int]:
    """Of a picture's tensors, and of its file at most, from their shapes."""
    engine, (height, width) = one.engine, one.generator.resolution
    pixels, about = 3 * height * width, len(json.dumps(make_recipe(engine, one.settings, Verb.GENERATE).to_json()))
    numbers = pixels + sum(x.numel() for x in latents.values()) + losses * (one.settings.steps + 1)
    return FLOAT * numbers, pixels + about + ABOUT + 2 * (about + ABOUT)


def _timed(task: Task, work: Callable[[], Made]) -> tuple[float, Made]:
    """Seconds of some work, and what it made; where the device works on by itself, its end is waited for."""

    def wait() -> None:
        if task.engine.device.type == "cuda":
            torch.cuda.synchronize(task.engine.device)

    wait()
    began = time.perf_counter()
    made = work()
    wait()
    return time.perf_counter() - began, made
