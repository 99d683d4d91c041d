"""What the trainings share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from fusedream_emoji.training import pace


@dataclass
class Plan:
    steps: int = 6
    minutes: float = 10.0


@dataclass
class Run:
    step: int = 0
    seconds: float = 0.0
    reports: list[int] = field(default_factory=list)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Time that passes as it is told to."""
    now = [0.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(("plan", "steps"), [(Plan(), 6), (Plan(minutes=1.0), 2)], ids=["steps", "minutes"])
def test_it_ends_with_the_steps_or_the_minutes(plan: Plan, steps: int, clock: list[float]) -> None:
    run = Run()

    def advance(run: Run) -> None:
        run.step += 1
        clock[0] += 30

    def report(run: Run) -> None:
        run.reports.append(run.step)
        clock[0] += 1000  # is no training

    pace.fit(run, plan, advance, report, every=50.0)
    assert (run.step, run.seconds) == (steps, 30.0 * steps)
    assert run.reports == [*range(2, steps + 1, 2), steps]


def test_an_average_follows_slowly_and_slower_with_time() -> None:
    average, model = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    torch.nn.init.zeros_(average.weight)
    torch.nn.init.ones_(model.weight)
    pace.follow(average, model, 10, most=0.9)
    assert torch.allclose(average.weight, torch.tensor(0.5))
    pace.follow(average, model, 10_000, most=0.9)
    assert torch.allclose(average.weight, torch.tensor(0.55))
    assert torch.equal(model.weight, torch.ones(2, 2))
