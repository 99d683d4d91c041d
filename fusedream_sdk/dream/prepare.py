"""From what was asked for to rows that are ready to be drawn; what can be known is checked before a model runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fusedream_sdk.dream.start import Beginning, StartLike, as_start, begin_at, check_start, check_used
from fusedream_sdk.inversion.from_bank import inversion_settings
from fusedream_sdk.methods.base import Method
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.estimate import check_work
from fusedream_sdk.run.folder import Folder
from fusedream_sdk.run.result import FILE
from fusedream_sdk.run.rows import each_with_each
from fusedream_sdk.run.saving import stems_of
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import Task
from fusedream_sdk.runtime.checks import check_flag
from fusedream_sdk.scoring.prompt import PromptLike


def prepare(
    engine: Engine,
    recommended: Settings,
    asked: tuple[PromptLike | Sequence[PromptLike], int | Sequence[int]],
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
    settings = method.settings_for(recommended, changes)
    if told is not None:
        check_used(told, changes)
        settings = settings.replace(basis=1)
    pairs = each_with_each(*asked)
    generator, side = engine.generator.model, engine.scorer.model.resolution
    check_start(told, generator.space, len(pairs))
    if folder is not None:
        folder.plan(stems_of([str(prompt) for prompt, _ in pairs], [seed for _, seed in pairs]), [FILE])
    engine.check_once()
    check_work(len(pairs), vars(settings), members=method.members, canvas=generator.resolution, side=side)
    task = Task(engine, engine.rows(pairs), settings, progress)
    return task, begin_at(task, method.starts, told, inversion_settings(recommended, {}))
