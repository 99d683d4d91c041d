"""What the trainings share: a course of so many steps and minutes, and an average that follows the model."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import torch


class Timed(Protocol):
    """A run that knows how far it is, in steps and in seconds of them."""

    step: int
    seconds: float


AnyRun = TypeVar("AnyRun", bound=Timed)


def fit(
    run: AnyRun, plan: Any, advance: Callable[[AnyRun], Any], report: Callable[[AnyRun], None], *, every: float = 240.0
) -> None:
    """Train to the end of the plan, its `steps` or `minutes`, reporting `every` so many seconds and at the end.

    Args:
        run: is advanced; its seconds are those of the steps alone.
        plan: with `steps` and `minutes`.
        advance: one step.
        report: says and saves how it stands.
    """
    noted, clock = run.seconds, time.monotonic()
    while run.step < plan.steps and run.seconds < 60 * plan.minutes:
        advance(run)
        run.seconds, clock = run.seconds + time.monotonic() - clock, time.monotonic()
        if run.seconds - noted > every:
            noted = run.seconds
            report(run)
            clock = time.monotonic()
    report(run)


@torch.no_grad()
def follow(average: torch.nn.Module, model: torch.nn.Module, step: int, *, most: float) -> None:
    """Move an average towards the model after so many steps; it keeps step / (step + 10) of itself, `most` at most."""
    keep = min(most, step / (step + 10))
    means, parts = tuple(average.parameters()), tuple(model.parameters())
    torch._foreach_lerp_(means, parts, 1 - keep)  # pyright: ignore[reportPrivateImportUsage]
