"""The rows of a task drawn by a method, as many at a time as the memory holds."""

from __future__ import annotations

from collections.abc import Callable

from fusedream_sdk.latents import Latents, select
from fusedream_sdk.methods.base import Method
from fusedream_sdk.optim.loop import optimise
from fusedream_sdk.optim.state import State
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.recipe import Recipe
from fusedream_sdk.run.report import make_result
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.task import Task
from fusedream_sdk.runtime.chunks import run_chunks
from fusedream_sdk.runtime.progress import bar

Watch = Callable[[State, range], None]
"""Called with every state of a chunk and the rows of the result that the chunk makes."""


def draw(task: Task, method: Method, starts: Latents, recipe: Recipe, watch: Watch | None = None) -> Result:
    """Run the method on every row, and report.

    Args:
        task: what is wanted.
        method: how.
        starts: where each row begins, (B, k, ...) each.
        recipe: what is the same for every row.
        watch: called with every state, and the rows that it belongs to.

    Returns:
        One row per row of the task. After Ctrl-C: the best found so far, without the rows that had not begun.

    Raises:
        KeyboardInterrupt: before any row had anything to give.
    """
    total = len(task.rows)

    def part(rows: range) -> Result:
        own, label = task.take(rows), "dreaming" if len(rows) == total else f"dreaming {rows.stop} of {total}"
        with bar(label, task.progress) as advance:

            def seen(state: State) -> None:
                advance(state.step, task.settings.steps)
                if watch is not None:
                    watch(state, rows)

            outcome = optimise(method.states(own, select(starts, slice(rows.start, rows.stop))), watch=seen)
        with bar("scoring", task.progress) as advance:
            return make_result(own, outcome, recipe, advance)

    size = method.rows_at_a_time(task, starts)
    parts, _ = run_chunks(total, size, part, stopped=lambda made: Status.CANCELLED in made.status)
    if not parts:
        raise KeyboardInterrupt
    return Result.concatenate(parts)
