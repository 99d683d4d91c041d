"""What the loop shows of itself: states, which never change, and what a run comes to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.latents import Latents, map_latents, select
from fusedream_sdk.optim.status import Status
from fusedream_sdk.protocols import Evaluation, Params

HELD_OUT = "held_out"
"""What a history calls the losses on held-out views."""

Memory = dict[str, dict[str, Any]]
"""What an optimiser keeps of each parameter: name -> its state, rows first where it is shaped as the parameter."""


@dataclass(frozen=True)
class Best:
    """The best judged point of each row.

    Attributes:
        latents: (B, ...) each, detached.
        loss: (B,), of the holdout; infinite where no finite point was seen.
        step: (B,), the step of that point.
        counted: (B,), the loss at the last gain that counted; gains below the tolerance add up against it.
        stale: (B,), judgements since then.
    """

    latents: Latents
    loss: Tensor
    step: Tensor
    counted: Tensor
    stale: Tensor

    @property
    def scores(self) -> list[float]:
        """Minus the loss of each row that has one: what is higher is better."""
        return [-loss for loss in self.loss.tolist() if math.isfinite(loss)]

    @classmethod
    def begin(cls, latents: Latents, loss: Tensor) -> Best:
        """Nothing judged yet: the start is the best known point."""
        zero, worst = torch.zeros_like(loss, dtype=torch.long), torch.full_like(loss, torch.inf)
        return cls(map_latents(copy, latents), worst, zero, worst.clone(), zero.clone())

    def moved(self, latents: Latents, loss: Tensor, step: int, alive: Tensor) -> Best:
        """At these points, whatever their loss, as long as it is finite."""
        there = torch.isfinite(loss) & alive
        return replace(
            self,
            latents={name: torch.where(wide(there, x), latents[name].detach(), x) for name, x in self.latents.items()},
            loss=torch.where(there, loss, self.loss),
            step=torch.where(there, step, self.step),
        )

    def offered(self, latents: Latents, loss: Tensor, step: int, alive: Tensor, tolerance: float) -> Best:
        """With the points that improve; a loss that is not finite never does."""
        loss = torch.where(torch.isfinite(loss) & alive, loss, torch.full_like(loss, torch.inf))
        gained = loss < self.loss
        counts = loss < self.counted - tolerance
        return Best(
            latents={name: torch.where(wide(gained, x), latents[name].detach(), x) for name, x in self.latents.items()},
            loss=torch.where(gained, loss, self.loss),
            step=torch.where(gained, step, self.step),
            counted=torch.where(counts, loss, self.counted),
            stale=torch.where(counts, 0, self.stale + 1),
        )


@dataclass(frozen=True)
class State:
    """What a user sees after the evaluation of a step, before the update that follows. It shares nothing with the run.

    Attributes:
        step: from 0 to `steps`; `step` updates have been made.
        evaluation: of exactly these parameters on this step's views and noise, detached.
        params: name -> (B, ...), detached.
        best: the best judged points so far.
        status: "running", "plateau" or "failed" for each row.
        memory: the optimiser's.
        average: of the parameters so far, where a `Selection` keeps one; shaped as they are.
        held_out: (B,), the loss on views that are not optimised, where this step was judged on some; else None.
    """

    step: int
    evaluation: Evaluation
    params: Params
    best: Best
    status: tuple[Status, ...]
    memory: Memory = field(default_factory=dict)
    average: Params = field(default_factory=dict)
    held_out: Tensor | None = None

    @property
    def told(self) -> dict[str, Tensor]:
        """What a history keeps of it: name of a loss -> (B,), the held-out one last where there is one."""
        return {**self.evaluation.losses, **({} if self.held_out is None else {HELD_OUT: self.held_out})}

    def keep(self, index: Sequence[int]) -> State:
        """Some of the rows, from which `iterate(resume=...)` goes on as if the others had never been there."""
        chosen = torch.tensor(index, dtype=torch.long, device=self.best.loss.device)
        count = len(self.status)

        def rows(x: Any) -> Any:
            return x[chosen] if isinstance(x, Tensor) and x.dim() and len(x) == count else x

        losses = {name: rows(x) for name, x in self.evaluation.losses.items()}
        best = self.best
        return replace(
            self,
            evaluation=Evaluation(select(self.evaluation.latents, chosen), rows(self.evaluation.images), losses),
            params=select(self.params, chosen),
            best=Best(select(best.latents, chosen), *(rows(x) for x in (best.loss, best.step, best.counted, best.stale))),
            status=tuple(self.status[i] for i in index),
            memory={name: {key: rows(x) for key, x in kept.items()} for name, kept in self.memory.items()},
            average=select(self.average, chosen),
            held_out=rows(self.held_out),
        )


@dataclass(frozen=True)
class Outcome:
    """What a finished, stopped or cancelled run leaves.

    Attributes:
        best: the best judged point of each row.
        status: "done", "plateau", "failed", "dropped" or "cancelled" for each row.
        history: name of a loss -> (T, B), at each evaluated step; "held_out" is NaN where it was not judged.
        steps: updates made.
    """

    best: Best
    status: tuple[Status, ...]
    history: dict[str, Tensor] = field(default_factory=dict)
    steps: int = 0


def join_states(states: Sequence[State]) -> State:
    """One state of the rows of all, which stand at one step (or are only read)."""
    first = states[0]

    def rows(parts: list[Any]) -> Any:
        if not isinstance(parts[0], Tensor):
            return parts[0]
        return torch.cat(parts) if parts[0].dim() else torch.stack(parts).max()  # a count of steps: a stopped row's is behind

    def entries(parts: list[dict[str, Any]]) -> dict[str, Any]:
        return {name: rows([part[name] for part in parts]) for name in parts[0]}

    evaluation = Evaluation(
        entries([s.evaluation.latents for s in states]),
        rows([s.evaluation.images for s in states]),
        entries([dict(s.evaluation.losses) for s in states]),
    )
    bests = [s.best for s in states]
    best = Best(
        entries([b.latents for b in bests]),
        *(rows([getattr(b, name) for b in bests]) for name in ("loss", "step", "counted", "stale")),
    )
    memory = {name: entries([s.memory[name] for s in states]) for name in first.memory}
    status = tuple(mark for s in states for mark in s.status)
    params, average = (entries(parts) for parts in ([s.params for s in states], [s.average for s in states]))
    held_out = None
    if any(s.held_out is not None for s in states):
        held_out = torch.cat([torch.full_like(s.best.loss, torch.nan) if s.held_out is None else s.held_out for s in states])
    return State(max(s.step for s in states), evaluation, params, best, status, memory, average, held_out)


def side_by_side(runs: Sequence[Iterator[State]]) -> Iterator[State]:
    """One state of the rows of all runs in each step; a run that has ended stays at its last one."""
    last = [next(run) for run in runs]
    moved = True
    while moved:
        yield join_states(last)
        moved = False
        for i, run in enumerate(runs):
            state = next(run, None)
            if state is not None:
                last[i], moved = state, True


def marked(status: Sequence[Status], good: Tensor, mark: Status) -> list[Status]:
    """The statuses, with a mark on every running row that is not good: (B,)."""
    return [mark if not ok and now == Status.RUNNING else now for now, ok in zip(status, good.tolist(), strict=True)]


def running(status: Sequence[Status], device: torch.device) -> Tensor:
    """Which rows are running: (B,)."""
    return torch.tensor([s == Status.RUNNING for s in status], device=device)


def finite_rows(tensors: Params, like: Tensor) -> Tensor:
    """Which rows are finite in every tensor: (B,), as `like` is."""
    finite = torch.ones_like(like, dtype=torch.bool)
    for x in tensors.values():
        finite &= torch.isfinite(x).reshape(len(x), -1).all(dim=1)
    return finite


def wide(mask: Tensor, like: Tensor) -> Tensor:
    """(B,) shaped to broadcast over (B, ...)."""
    return mask.view(-1, *[1] * (like.dim() - 1))


def copy(x: Tensor) -> Tensor:
    """Detached, and safe from an update in place that follows."""
    return x.detach().clone()


def detached(evaluation: Evaluation) -> Evaluation:
    """A copy of an evaluation without its graph; of a generator of pixels the images may be the parameters themselves."""
    return Evaluation(
        latents=map_latents(copy, evaluation.latents),
        images=copy(evaluation.images),
        losses={name: copy(x) for name, x in evaluation.losses.items()},
    )
