"""What there is to see of a run while it goes on: the picture so far, and how its score rises."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.imaging.pictures import grid
from fusedream_sdk.optim.state import State

SEEN, HELD_OUT, DISTANCE = "optimised views", "held-out views, best so far", "distance, lower is nearer"
POINTS = 150  # of a curve at most
EVERY = 0.4  # seconds between two looks

Curve = list[tuple[int, float, str]]
"""(step, score, which views) of every point."""


@dataclass(frozen=True)
class Glimpse:
    """A run at one moment: all pictures so far, side by side; the course of the score; and where it stands, in words."""

    picture: Image.Image
    curve: Curve
    said: str


@dataclass
class Viewing:
    """The watcher of a run, which another thread may look at.

    Args:
        stop: ends the run at its next step, once it is set.
        rows: how many pictures there will be.
        columns: of them in a line.
        nearness: whether the loss is a distance, and not a score with its sign turned.
    """

    stop: threading.Event
    rows: int
    columns: int = 4
    nearness: bool = False
    _images: dict[int, Tensor] = field(default_factory=dict)
    _points: list[tuple[int, float, float]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _looked: float = 0.0
    _step: int = -1
    _now: Sequence[int] = ()

    def __call__(self, state: State, rows: Sequence[int]) -> None:
        """As of `FuseDream.generate(watch=)`. Raises KeyboardInterrupt where the run is to end."""
        point = state.step, float(state.evaluation.primary.mean()), float(state.best.loss.mean())
        due = time.monotonic() - self._looked > EVERY
        images = [image.float().cpu() for image in state.evaluation.images] if due else []
        with self._lock:
            if state.step <= self._step or list(rows) != list(self._now):  # the next rows, or another method, has begun
                self._points.clear()
            self._points.append(point)
            self._step, self._now = state.step, tuple(rows)
            if due:
                self._looked = time.monotonic()
                self._images |= dict(zip(rows, images, strict=True))
        if self.stop.is_set():
            raise KeyboardInterrupt

    def advance(self, done: int, total: int) -> None:
        """Called with (done, total) by work that has no states. Raises KeyboardInterrupt where it is to end."""
        if self.stop.is_set():
            raise KeyboardInterrupt

    def glimpse(self) -> Glimpse | None:
        """What there is to see; None before the first step."""
        with self._lock:
            images, points, rows, step = dict(self._images), list(self._points), self._now, self._step
        if not images or not points:
            return None
        blank = torch.ones_like(next(iter(images.values())))
        cells = torch.stack([images.get(row, blank) for row in range(self.rows)])
        which = f"picture {rows[0] + 1} of {self.rows}, " if self.rows > len(set(rows)) else ""
        return Glimpse(grid(cells, min(self.columns, self.rows)), self._curve(points), f"{which}step {step}")

    def _curve(self, points: list[tuple[int, float, float]]) -> Curve:
        """The points as scores, higher is better; or as distances."""
        kept = points[:: 1 + len(points) // POINTS]
        kept += [] if kept[-1] == points[-1] else points[-1:]
        if self.nearness:
            return [(step, loss, DISTANCE) for step, loss, _ in kept]
        seen: Curve = [(step, -loss, SEEN) for step, loss, _ in kept]
        best: Curve = [(step, -loss, HELD_OUT) for step, _, loss in kept if torch.isfinite(torch.tensor(loss))]
        return seen + best
