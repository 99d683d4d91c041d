"""The pictures so far in a notebook: shown below the cell, replaced as the run goes on, and gone when it ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from html import escape
from types import TracebackType
from typing import Any

from fusedream_sdk.dream.draw import Watch
from fusedream_sdk.imaging.cards import Piece, html_cards
from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.plot import SCORE
from fusedream_sdk.run.task import Task
from fusedream_sdk.scenes.compose import Watch as SceneWatch
from fusedream_sdk.scenes.request import Request
from fusedream_sdk.scenes.result import Composed

PAUSE = 0.5  # seconds between two pictures at least, so that showing them costs little
PICTURES = 10  # of a step at most


def in_notebook() -> bool:
    """Whether this runs in a kernel of Jupyter, whose frontend shows pictures."""
    ipython = sys.modules.get("IPython")  # a kernel has imported it
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


class Live:
    """A watcher that shows each row's picture and score so far, and how many steps are done.

    The pictures are what the optimisation sees, noise included, so the finished ones may differ from the last of them.

    Args:
        names: of all rows.
        steps: of the run.
        clock: seconds, to show no more than two pictures in one of them.
    """

    def __init__(self, names: Sequence[str], steps: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._names, self._steps, self._clock = list(names), steps, clock
        self._handle: Any = None
        self._shown_at = -PAUSE

    def __enter__(self) -> Live:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._handle is not None:
            self._show("")

    def __call__(self, state: State, rows: Sequence[int]) -> None:
        """As of `FuseDream.generate(watch=)`."""
        now = self._clock()
        if now - self._shown_at < PAUSE and state.step != self._steps:
            return
        self._shown_at = now
        self._show(self.html(state, rows))

    def html(self, state: State, rows: Sequence[int]) -> str:
        """A bar, and the pictures of some rows with their scores."""
        several = "" if len(self._names) == 1 else f", {_rows(rows)} of {len(self._names):,}"
        words = escape(f"step {state.step} of {self._steps}{several}")
        cards = html_cards((self._card(state, place, row) for place, row in enumerate(rows[:PICTURES])), len(rows))
        return f'<div><progress value="{state.step}" max="{self._steps}"></progress> {words}</div>{cards}'

    def _card(self, state: State, place: int, row: int) -> list[Piece]:
        name, losses = next(iter(state.evaluation.losses.items()))
        loss, kept = float(losses[place]), float(state.best.loss[place])
        sign = -1 if name == SCORE else 1
        best = [f"best on held-out views {sign * kept:.3f}"] if kept < float("inf") else []
        return [to_pil(state.evaluation.images[place]), self._names[row], f"{name} {sign * loss:.3f}", *best]

    def _show(self, html: str) -> None:
        from IPython.display import HTML, display

        if self._handle is None:
            self._handle = display(HTML(html), display_id=True)
        else:
            self._handle.update(HTML(html))


@contextmanager
def previewed(task: Task, watch: Watch | None) -> Iterator[tuple[Task, Watch | None]]:
    """The task and the watcher of a run: in a notebook its pictures so far are shown, in place of bars, if it shows any."""
    if not (task.progress and in_notebook()):
        yield task, watch
        return
    names = [f"{prompt} (seed {seed})" for prompt, seed in zip(task.rows.prompts, task.rows.seeds, strict=True)]
    with Live(names, task.settings.steps) as live:

        def seen(state: State, rows: Sequence[int]) -> None:
            live(state, rows)
            if watch is not None:
                watch(state, rows)

        yield replace(task, progress=False), seen


def previewing(request: Request, progress: bool, run: Callable[[SceneWatch], Composed]) -> Callable[[SceneWatch], Composed]:
    """What composes with a watcher, so that it shows all candidates so far too, in a notebook and with `progress`."""
    if not (progress and in_notebook()):
        return run
    names = [f"{prompt} (seed {seed}), {place}" for prompt, seed in request.pairs for place in request.placements]

    def shown(watch: SceneWatch) -> Composed:
        with Live(names, request.settings.steps) as live:

            def seen(rows: list[int], state: State) -> None:
                live(state, rows)
                watch(rows, state)

            return run(seen)

    return shown


def _rows(rows: Sequence[int]) -> str:
    """Some rows by their numbers, from 1."""
    return f"picture {rows[0] + 1}" if len(rows) == 1 else f"pictures {rows[0] + 1} to {rows[-1] + 1}"
