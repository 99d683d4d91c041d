"""Many captions into a folder: by this process, by several, or by a Ray cluster, with the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from fusedream_sdk.batch.executor import threads_held
from fusedream_sdk.batch.fill import fill
from fusedream_sdk.batch.on_ray import Cluster
from fusedream_sdk.batch.plan import wanted_rows
from fusedream_sdk.batch.table import TABLE, Batch
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.stream import CaptionsLike, as_captions, jobs_of, rows_at_once
from fusedream_sdk.dream.workers import NamedModels, Staff, Workers
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.loading import MethodLike, as_method
from fusedream_sdk.run.folder import Folder
from fusedream_sdk.run.recipe import DEFAULT_METHOD, MethodRecord, Verb
from fusedream_sdk.run.report import make_recipe
from fusedream_sdk.runtime.checks import check_flag
from fusedream_sdk.runtime.paths import user_path


def run_batch(
    captions: str | CaptionsLike,
    into: str | Path | Folder,
    *,
    models: str | NamedModels,
    seeds: int | Sequence[int] = 0,
    method: MethodLike = DEFAULT_METHOD,
    workers: int | Workers = 1,
    progress: bool = True,
    **changes: Any,
) -> Batch:
    """Draw many captions from every seed into a folder, each picture as soon as it is done.

        batch = fd.run_batch("captions.txt", "dreams", models="emoji", seeds=range(4), workers=2)

    Args:
        captions: a file, as of `read_captions`, what that gives, or a list of sentences.
        into: a folder, or a `Folder`, which can go on where a run was ended.
        models: name of a pair, or names of models, which every worker loads.
        seeds: for every caption that has none of its own.
        method: how; by its name where there are several workers.
        workers: how many processes, or `Workers`.
        progress: show bars on stderr.
        **changes: settings for all captions; those of a caption come last.

    Returns:
        What is in the folder. A row that could not be drawn, or that killed three workers, is in `lost`, with the reason. After
        Ctrl-C: what was done.

    Raises:
        InvalidInput: something cannot be used, a cluster that does not answer included. OutputError: `into` cannot be written.
        WorkerLost: workers die, or rows fail, before anything is drawn. KeyboardInterrupt: before any row was there. And the
        errors of `FuseDream`.
    """
    check_flag("progress", progress)
    chosen = as_method(method)
    who = workers if isinstance(workers, Workers) else Workers(workers)
    rows = wanted_rows(as_captions(Path(captions) if isinstance(captions, str) else captions), seeds)
    chosen.check_changes(changes)
    folder = folder_for(into, [row.stem for row in rows])
    named = models if isinstance(models, NamedModels) else NamedModels(models)
    if chosen.name is None and not who.alone:
        raise InvalidInput("method", expected="its name, as every worker loads it", got=f"{chosen}", fix="Use one worker.")
    with ExitStack() as stack:
        cluster = stack.enter_context(closing(Cluster(who.ray, (who.count or 1) * who.threads))) if who.ray else None
        stack.enter_context(threads_held(who.threads))
        staff, holder = Staff(who, named, chosen, cluster), [named.load()]
        jobs = jobs_of(holder[0].settings, chosen, rows, changes)
        asked, together = as_asked_of(holder[0], chosen), rows_at_once(holder[0].engine)
        return fill(
            *(folder, rows, jobs, asked),
            lambda left: staff.executor(holder, left, progress=progress),
            together=together,
            progress=progress,
        )


def folder_for(into: str | Path | Folder, stems: Sequence[str]) -> Folder:
    """Where the pictures go, tried before anything is loaded. Raises InvalidInput, OutputError."""
    folder = into if isinstance(into, Folder) else Folder(user_path("into", into))
    if ".png" in (folder.path.suffix.lower(), folder.path.name.lower()):
        raise InvalidInput("out", expected="a folder for the pictures of a batch", got=f"the file {folder.path}")
    folder.plan(stems, [TABLE])
    return folder


def as_asked_of(dream: FuseDream, method: Method) -> dict[str, Any]:
    """What decides all pictures of a batch, as JSON has it, beside prompts, seeds and settings."""
    recipe = make_recipe(dream.engine, dream.settings, Verb.GENERATE).to_json()
    about = {name: value for name, value in recipe.items() if name != "settings"}
    return {"recipe": {**about, "steering": MethodRecord(method.name, method.options).to_json()}}
