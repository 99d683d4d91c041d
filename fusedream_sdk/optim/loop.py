"""The loop: evaluate, direct, step, project. It knows nothing of GANs, prompts or views."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents, map_latents, select
from fusedream_sdk.optim.directions import Descent
from fusedream_sdk.protocols import Direction, Evaluation, Objective, Parametrisation, Params

MakeOptimiser = Callable[[list[Tensor]], torch.optim.Optimizer]
Memory = dict[str, dict[str, Any]]
"""What an optimiser keeps of each parameter: name -> its state, rows first where it is shaped as the parameter."""

RUNNING, PLATEAU, FAILED, DONE, CANCELLED = "running", "plateau", "failed", "done", "cancelled"


def adam(lr: float = 5e-3) -> MakeOptimiser:
    """Adam without weight decay or schedule (appendix A of the paper: lr 5e-3)."""
    return lambda params: torch.optim.Adam(params, lr=lr)


@dataclass(frozen=True)
class Selection:
    """How the best point of a row is found.

    Args:
        holdout: judges clean latents on views that are not optimised; without it the objective itself judges, which
            flatters the point that happened on lucky views.
        every: steps between two judgements; the first and the last step are always judged.
        patience: judgements without a gain after which a row stops; None never stops early.
        tolerance: the least gain that counts.
    """

    holdout: Objective | None = None
    every: int = 10
    patience: int | None = None
    tolerance: float = 1e-4


@dataclass
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

    @classmethod
    def begin(cls, latents: Latents, loss: Tensor) -> Best:
        """Nothing judged yet: the start is the best known point."""
        zero, worst = torch.zeros_like(loss, dtype=torch.long), torch.full_like(loss, torch.inf)
        return cls(map_latents(_copy, latents), worst, zero, worst.clone(), zero.clone())

    def update(self, latents: Latents, loss: Tensor, step: int, alive: Tensor, tolerance: float) -> None:
        """Take the points that improve; a loss that is not finite never does."""
        loss = torch.where(torch.isfinite(loss) & alive, loss, torch.full_like(loss, torch.inf))
        gained = loss < self.loss
        taken = {name: torch.where(_wide(gained, x), latents[name].detach(), x) for name, x in self.latents.items()}
        counts = loss < self.counted - tolerance
        counted, stale = torch.where(counts, loss, self.counted), torch.where(counts, 0, self.stale + 1)
        loss, at = torch.where(gained, loss, self.loss), torch.where(gained, step, self.step)
        # At once: Ctrl-C must not split them.
        self.latents, self.loss, self.step, self.counted, self.stale = taken, loss, at, counted, stale


@dataclass(frozen=True)
class State:
    """What a user sees after the evaluation of a step, before the update that follows.

    Attributes:
        step: from 0 to `steps`; `step` updates have been made.
        evaluation: of exactly these parameters on this step's views and noise, detached.
        params: name -> (B, ...), detached.
        best: the best judged points so far; shared, not a copy.
        status: "running", "plateau" or "failed" for each row.
        memory: the optimiser's; shared, not a copy.
    """

    step: int
    evaluation: Evaluation
    params: Params
    best: Best
    status: tuple[str, ...]
    memory: Memory = field(default_factory=dict)

    def keep(self, index: Sequence[int]) -> State:
        """Some of the rows, from which `iterate(resume=...)` goes on as if the others had never been there."""
        chosen = torch.tensor(index, dtype=torch.long, device=self.best.loss.device)
        count = len(self.status)

        def rows(x: Any) -> Any:
            return x[chosen] if isinstance(x, Tensor) and x.dim() and len(x) == count else x

        losses = {name: rows(x) for name, x in self.evaluation.losses.items()}
        best = self.best
        return State(
            self.step,
            Evaluation(select(self.evaluation.latents, chosen), rows(self.evaluation.images), losses),
            select(self.params, chosen),
            Best(select(best.latents, chosen), *(rows(x) for x in (best.loss, best.step, best.counted, best.stale))),
            tuple(self.status[i] for i in index),
            {name: {key: rows(x) for key, x in kept.items()} for name, kept in self.memory.items()},
        )


def iterate(
    objective: Objective,
    parametrisation: Parametrisation,
    params: Params,
    *,
    steps: int,
    direction: Direction | None = None,
    make_optimiser: MakeOptimiser | None = None,
    selection: Selection | None = None,
    resume: State | None = None,
) -> Iterator[State]:
    """Minimise the objective over the parameters, one `State` for each of the `steps + 1` points, the last included.

    Args:
        objective: what is minimised.
        parametrisation: parameters to latents.
        params: where to begin, (B, ...) each; not changed.
        steps: number of updates, at least 1.
        direction: losses to gradients; descent of the primary loss by default.
        make_optimiser: parameters to a torch optimiser whose update is elementwise; Adam at 5e-3 by default.
        selection: how the best point is found and when a row stops.
        resume: a state to go on from, up to the same `steps`; then `params` are not used. Its step is evaluated once more.

    A row whose loss or gradient is not finite is left where it was and marked "failed"; the others go on.
    """
    if steps < 1:
        raise InvalidInput("steps", expected="at least 1", got=steps)
    direction, selection = direction or Descent(), selection or Selection()
    begin = params if resume is None else resume.params
    free = {name: x.detach().clone().requires_grad_() for name, x in begin.items()}
    optimiser = (make_optimiser or adam())(list(free.values()))
    best: Best | None = None
    status: list[str] = []
    if resume is not None:
        best, status = resume.best, list(resume.status)
        optimiser.state.update({x: map_memory(resume.memory.get(name, {})) for name, x in free.items()})
    first = 0 if resume is None else resume.step
    for step in range(first, steps + 1):
        evaluation = objective(parametrisation(free), step=step)
        loss = evaluation.primary.detach()
        if best is None:
            best, status = Best.begin(parametrisation(free), loss), [RUNNING] * len(loss)
        last = step == steps
        gradients = {} if last else direction(evaluation.losses, free)
        _mark(status, torch.isfinite(loss) & _finite_rows(gradients, loss), FAILED)
        alive = _alive(status, loss.device)
        if last or (step % selection.every == 0 and not (resume and step == first)):
            _judge(best, parametrisation, free, selection, loss, step, alive)
            if selection.patience is not None:
                _mark(status, best.stale < max(1, selection.patience), PLATEAU)
        memory: Memory = {name: optimiser.state[x] for name, x in free.items()}
        yield State(step, _detach(evaluation), map_latents(_copy, free), best, tuple(status), memory)
        alive = _alive(status, loss.device)
        if last or not alive.any():
            return
        _update(optimiser, parametrisation, free, gradients, alive)


@dataclass(frozen=True)
class Outcome:
    """What a finished, stopped or cancelled run leaves.

    Attributes:
        best: the best judged point of each row.
        status: "done", "plateau", "failed" or "cancelled" for each row.
        history: name of a loss -> (T, B), at each evaluated step.
        steps: updates made.
    """

    best: Best
    status: tuple[str, ...]
    history: dict[str, Tensor] = field(default_factory=dict)
    steps: int = 0


def optimise(states: Iterator[State], *, watch: Callable[[State], None] = lambda state: None) -> Outcome:
    """Run an `iterate(...)` to its end and keep its history; Ctrl-C ends it early and loses nothing.

    Args:
        states: from `iterate`.
        watch: called with every state.

    Raises:
        KeyboardInterrupt: only when it comes before the first evaluation is over.
    """
    state, history, cancelled = None, [], False
    try:
        for state in states:
            history.append({name: x.cpu() for name, x in state.evaluation.losses.items()})
            watch(state)
    except KeyboardInterrupt:
        if not history:
            raise
        cancelled = True
    if state is None:
        raise InvalidInput("states", expected="an iterator that yields at least one state", got="an empty one")
    ended = tuple((CANCELLED if cancelled else DONE) if s == RUNNING else s for s in state.status)
    losses = {name: torch.stack([h[name] for h in history]) for name in history[0]}
    return Outcome(state.best, ended, losses, state.step)


def map_memory(kept: dict[str, Any]) -> dict[str, Any]:
    """A copy of what an optimiser keeps of one parameter."""
    return {key: x.clone() if isinstance(x, Tensor) else x for key, x in kept.items()}


def _judge(
    best: Best, parametrisation: Parametrisation, free: Params, selection: Selection, loss: Tensor, step: int, alive: Tensor
) -> None:
    """Offer the present point to `best`, on views that were not optimised if there is a holdout."""
    with torch.no_grad():
        latents = parametrisation(free)
        if selection.holdout is not None:
            loss = selection.holdout(latents, step=0).primary
    best.update(latents, loss, step, alive, selection.tolerance)


def _update(
    optimiser: torch.optim.Optimizer, parametrisation: Parametrisation, free: Params, gradients: Params, alive: Tensor
) -> None:
    """One optimiser step and the projection, for the rows that are alive; momentum must not move the others."""
    before = {name: x.detach().clone() for name, x in free.items()}
    for name, x in free.items():
        x.grad = torch.where(_wide(alive, x), gradients[name], torch.zeros_like(x))
    optimiser.step()
    with torch.no_grad():
        projected = parametrisation.project({name: x.detach() for name, x in free.items()})
        for name, x in free.items():
            x.copy_(torch.where(_wide(alive, x), projected[name], before[name]))


def _mark(status: list[str], good: Tensor, mark: str) -> None:
    for row, ok in enumerate(good.tolist()):
        if not ok and status[row] == RUNNING:
            status[row] = mark


def _alive(status: list[str], device: torch.device) -> Tensor:
    return torch.tensor([s == RUNNING for s in status], device=device)


def _finite_rows(tensors: Params, like: Tensor) -> Tensor:
    """Which rows are finite in every tensor: (B,)."""
    finite = torch.ones_like(like, dtype=torch.bool)
    for x in tensors.values():
        finite &= torch.isfinite(x).flatten(1).all(dim=1)
    return finite


def _wide(mask: Tensor, like: Tensor) -> Tensor:
    """(B,) shaped to broadcast over (B, ...)."""
    return mask.view(-1, *[1] * (like.dim() - 1))


def _copy(x: Tensor) -> Tensor:
    """Detached, and safe from the update in place that follows."""
    return x.detach().clone()


def _detach(evaluation: Evaluation) -> Evaluation:
    return Evaluation(
        latents=map_latents(_copy, evaluation.latents),
        images=evaluation.images.detach(),
        losses={name: x.detach() for name, x in evaluation.losses.items()},
    )
