"""From what was asked for to rows that are ready to be drawn; what can be known is checked before a model runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from fusedream_sdk.dream.start import Beginning, StartLike, as_start, begin_at, check_start, check_used
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.inversion.from_bank import inversion_settings
from fusedream_sdk.methods.base import Method
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.estimate import check_work
from fusedream_sdk.run.folder import Folder
from fusedream_sdk.run.result import FILE
from fusedream_sdk.run.rows import each_with_each
from fusedream_sdk.run.saving import stems_of
from fusedream_sdk.run.settings import PLACES, Settings
from fusedream_sdk.run.task import Task, drawn, gaussian
from fusedream_sdk.runtime.checks import check_flag
from fusedream_sdk.scoring.prompt import Prompt, PromptLike

Asking: TypeAlias = tuple[PromptLike | Sequence[PromptLike], int | Sequence[int]]
"""Prompts and seeds, each with each."""


def prepare(
    engine: Engine,
    recommended: Settings,
    asked: Asking,
    method: Method,
    start: StartLike,
    changes: Mapping[str, Any],
    *,
    progress: bool,
    folder: Folder | None = None,
) -> tuple[Task, Beginning]:
    """The rows of a call, and where they begin.

    Args:
        engine: the models.
        recommended: settings, before the method's and the call's.
        asked: prompts and seeds.
        method: how the rows will be drawn. start: where they are told to begin.
        changes: settings of the call.
        progress: show progress bars on stderr.
        folder: where the pictures will go.

    Raises:
        InvalidInput, OutputError: something cannot be used. PluginContractError: a model breaks its protocol.
    """
    check_flag("progress", progress)
    told = as_start(start)
    if told is None:
        check_places(method, changes)
    settings = method.settings_for(recommended, changes)
    if told is not None:
        check_used(told, changes)
        settings = settings.replace(**dict.fromkeys(PLACES, ()), basis=1)
    pairs = each_with_each(*asked)
    check_start(told, engine.generator.model.space, len(pairs))
    if folder is not None:
        folder.plan(stems_of([str(prompt) for prompt, _ in pairs], [seed for _, seed in pairs]), [FILE])
    task = make_task(engine, settings, pairs, method, progress=progress)
    return task, begin_at(task, method.starts, told, inversion_settings(recommended, {}))


def make_task(
    engine: Engine, settings: Settings, pairs: Sequence[tuple[Prompt, int]], method: Method, *, progress: bool
) -> Task:
    """Rows of these prompts and seeds, which the machine can bear. Errors as of `prepare`."""
    generator, side = engine.generator.model, engine.scorer.model.resolution
    engine.check_once()
    members = evaluated_members(method, settings)
    check_work(len(pairs), vars(settings), members=members, canvas=generator.resolution, side=side)
    return Task(engine, engine.rows(pairs), settings, progress)


def evaluated_members(method: Method, settings: Settings) -> int:
    """Members of a row's population, as many as would take its time if none were refined."""
    return method.members * math.ceil(method.points(settings.steps) / (settings.steps + 1))


def searches(method: Method, settings: Settings) -> bool:
    """Whether a method begins where a search has found something, with these settings."""
    return settings.searches and may_search(method)


def may_search(method: Method) -> bool:
    """The same with settings that search."""
    return "samples" not in method.unused and method.starts not in (drawn, gaussian)


def given_places(changes: Mapping[str, Any]) -> list[str]:
    """Which of `pin` and `drop` name a place."""
    return [name for name in PLACES if name in changes and changes[name] not in ((), [])]


def check_places(method: Method, changes: Mapping[str, Any]) -> None:
    """Places of a search are given only to a method that begins where one has found something. Raises InvalidInput."""
    for name in given_places(changes):
        value, fix = changes[name], "Leave it out, or choose another method."
        if not may_search(method):
            raise InvalidInput(name, expected=f"nothing, as {method} does not search", got=value, fix=fix)
        if name == "pin" and "basis" in method.unused and isinstance(value, (list, tuple)) and len(value) > 1:
            raise InvalidInput(name, expected=f"one place, as {method} begins at one start", got=value, fix="Pin one.")
