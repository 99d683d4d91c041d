"""The rows of a task drawn by a method, as many at a time as the memory holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from fusedream_sdk.dream.start import Beginning
from fusedream_sdk.latents import Latents, select
from fusedream_sdk.latents import rows as count_rows
from fusedream_sdk.methods.base import Method
from fusedream_sdk.optim.loop import optimise
from fusedream_sdk.optim.state import State
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.filling import Filling
from fusedream_sdk.run.folder import Folder
from fusedream_sdk.run.recipe import MethodRecord, Recipe, Verb
from fusedream_sdk.run.report import make_recipe, make_result
from fusedream_sdk.run.result import FILE, Result
from fusedream_sdk.run.saving import stems_of
from fusedream_sdk.run.task import Task
from fusedream_sdk.runtime.checks import check_function
from fusedream_sdk.runtime.chunks import run_chunks
from fusedream_sdk.runtime.progress import bar

Watch = Callable[[State, Sequence[int]], None]
"""Called with every state of a chunk and the rows of the result that the chunk makes."""

Done = Callable[[range, Result], None]
"""Called with the rows of a chunk and their result, as soon as it is there."""


def checked_watch(watch: Watch | None) -> Watch | None:
    """A watcher, or None. Raises InvalidInput for what cannot be called."""
    if watch is not None:
        check_function("watch", watch)
    return watch


def draw(
    task: Task,
    method: Method,
    starts: Latents,
    recipe: Recipe,
    watch: Watch | None = None,
    *,
    fingerprints: Sequence[str] = (),
    done: Done = lambda rows, made: None,
) -> Result:
    """Run the method on every row, and report.

    Args:
        task: what is wanted.
        method: how.
        starts: where each row begins, (B, k, ...) each.
        recipe: what is the same for every row.
        watch: called with every state, and the rows that it belongs to.
        fingerprints: of the latents at which each row begins, where it was told to.
        done: called with the rows of a chunk and their result, as soon as it is there.

    Returns:
        One row per row of the task. After Ctrl-C: the best found so far, without the rows that had not begun.

    Raises:
        KeyboardInterrupt: before any row had anything to give.
    """
    total = count_rows(starts)

    def part(rows: range) -> Result:
        own, label = task.take(rows), "dreaming" if len(rows) == total else f"dreaming {rows.stop} of {total}"
        with bar(label, task.progress) as advance:

            def seen(state: State) -> None:
                advance(state.step, task.settings.steps, lambda: best_so_far(state))
                if watch is not None:
                    watch(state, rows)

            outcome = optimise(method.states(own, select(starts, slice(rows.start, rows.stop))), watch=seen)
        with bar("scoring", task.progress) as advance:
            made = make_result(own, outcome, recipe, advance)
        return replace(made, starts=tuple(fingerprints[rows.start : rows.stop]))

    size = method.rows_at_a_time(task, starts)
    parts, _ = run_chunks(total, size, part, stopped=lambda made: Status.CANCELLED in made.status, done=done)
    if not parts:
        raise KeyboardInterrupt
    return Result.concatenate(parts)


def best_so_far(state: State) -> str:
    """For a progress bar: the mean over the rows of the score by which their best point is kept."""
    scores = state.best.scores
    return f"best {sum(scores) / len(scores):.3f}" if scores else ""


def drawn_by(task: Task, method: Method, begin: Beginning) -> Recipe:
    """What is the same for every row of a task that is drawn so."""
    how = MethodRecord(method.name, method.options)
    return replace(make_recipe(task.engine, task.settings, Verb.GENERATE), method=how, **begin.about)


def draw_into(
    folder: Folder | None, task: Task, method: Method, begin: Beginning, recipe: Recipe, watch: Watch | None = None
) -> Result:
    """`draw`, and every picture into a folder as soon as it is done; those that are there already are not drawn again."""
    if folder is None:
        return draw(task, method, begin.latents, recipe, watch, fingerprints=begin.fingerprints)
    prompts, seeds = list(map(str, task.rows.prompts)), list(task.rows.seeds)
    filling = Filling(
        asked={"recipe": recipe.to_json(), "prompts": prompts, "seeds": seeds, "starts": list(begin.fingerprints)},
        stems=stems_of(prompts, seeds),
        beside=[FILE],
        whole=FILE,
        load=Result.load_part,
        split=Result.split,
        join=Result.concatenate,
    )

    def work(left: list[int], done: Done) -> None:
        def seen(state: State, rows: Sequence[int]) -> None:
            if watch is not None:
                watch(state, rows if len(left) == len(prompts) else [left[row] for row in rows])

        fingerprints = [begin.fingerprints[row] for row in left] if begin.fingerprints else ()
        draw(task.take(left), method, select(begin.latents, left), recipe, seen, fingerprints=fingerprints, done=done)

    return filling.run(folder, work)
