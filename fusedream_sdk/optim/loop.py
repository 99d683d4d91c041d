"""The loop: evaluate, direct, step, project. It knows nothing of GANs, prompts or views."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents, map_latents
from fusedream_sdk.optim.directions import Descent
from fusedream_sdk.optim.optimisers import MakeOptimiser, Optimiser, adam
from fusedream_sdk.optim.state import Best, Memory, Outcome, State, copy, detached, finite_rows, marked, running, wide
from fusedream_sdk.optim.status import Status
from fusedream_sdk.protocols import Direction, Objective, Parametrisation, Params
from fusedream_sdk.runtime.bounds import STEPS
from fusedream_sdk.runtime.checks import check_function, check_kind, is_number

Keep = Literal["best", "last"]


@dataclass(frozen=True)
class Selection:
    """Which point of a row is kept, and when the row stops.

    Args:
        holdout: judges clean latents on views that are not optimised; without it the objective itself judges, which
            flatters the point that happened on lucky views.
        every: steps between two judgements; the first and the last step are always judged.
        patience: judgements without a gain after which a row stops; None never stops early.
        tolerance: the least gain that counts.
        keep: "best", the best judged point; or "last", the last finite one. Then judgements on the way serve `patience`
            alone, and without it only the last step is judged. Of a run that is stopped before, the loss is the objective's.
        average: decay of an exponential moving average of the parameters, at least 0 and below 1: then what is judged and kept
            is the point of that average, each step's own only optimised. None for no average; a population has none.
    """

    holdout: Objective | None = None
    every: int = 10
    patience: int | None = None
    tolerance: float = 1e-4
    keep: Keep = "best"
    average: float | None = None

    def __post_init__(self) -> None:
        if self.average is not None and not (is_number(self.average) and 0 <= self.average < 1):
            fix = "0.99 is usual."
            raise InvalidInput("average", expected="a number of at least 0 and below 1, or None", got=self.average, fix=fix)

    def judges(self, step: int, *, last: bool) -> bool:
        """Whether a step is judged."""
        return last or (step % self.every == 0 and (self.keep == "best" or self.patience is not None))

    def looks(self, step: int, *, last: bool) -> bool:
        """Whether a step's point may be kept."""
        return self.keep == "last" or self.judges(step, last=last)

    def look(
        self, best: Best, latents: Latents, loss: Tensor, at: tuple[int, bool], alive: Tensor
    ) -> tuple[Best, Tensor | None]:
        """`best` after one more point, and what the holdout said of it, (B,); None where it was not asked.

        Args:
            best: so far.
            latents: (B, ...) each, clean.
            loss: (B,), the objective's of this step.
            at: the step, and whether it is the last.
            alive: (B,), which rows are running.
        """
        step, last = at
        held_out = None
        if self.judges(step, last=last):
            if self.holdout is not None:
                loss = held_out = self.holdout(latents, step=0).primary
            best = best.offered(latents, loss, step, alive, self.tolerance)
        return (best.moved(latents, loss, step, alive) if self.keep == "last" else best), held_out

    def averaged(self, before: Params, params: Params, points: int, alive: Tensor) -> Params:
        """The average of the parameters after one more point; without a decay the point itself.

        Every point counts `average` times as much as the one after it, and the shares add up to 1 from the first point on: the
        bias towards 0 of an average that begins there is divided out, as in Adam.

        Args:
            before: the average so far, (B, ...) each.
            params: the point.
            points: how many it is the last of, at least 1.
            alive: (B,), which rows are running; of the others it stays.
        """
        if self.average is None:
            return params
        share = (1 - self.average) / (1 - self.average**points)
        moved = {name: before[name].lerp(x.detach(), share) for name, x in params.items()}
        return {name: torch.where(wide(alive, x), x, before[name]) for name, x in moved.items()}

    def stopped(self, best: Best, status: list[Status]) -> list[Status]:
        """The statuses, with those rows on a plateau whose patience is over."""
        if self.patience is None:
            return status
        return marked(status, best.stale < max(1, self.patience), Status.PLATEAU)


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
        steps: number of updates, from 1 to a million.
        direction: losses to gradients; descent of the primary loss by default.
        make_optimiser: parameters to an optimiser, such as torch's, whose update is elementwise; Adam at 5e-3 by default.
        selection: how the best point is found and when a row stops.
        resume: a state to go on from, up to the same `steps`; then `params` are not used. Its step is evaluated once more.
            The state is not changed: any number of runs may go on from it.

    A row whose loss or gradient is not finite is left where it was and marked "failed"; the others go on.
    """
    check_function("objective", objective, "an Objective")
    check_function("parametrisation", parametrisation, "a Parametrisation")
    check_kind("params", params, Mapping, "tensors by their names")
    steps = STEPS.check("steps", steps, "200 are usual.")
    direction, selection = direction or Descent(), selection or Selection()
    begin = params if resume is None else resume.params
    free = {name: x.detach().clone().requires_grad_() for name, x in begin.items()}
    optimiser = (make_optimiser or adam())(list(free.values()))
    kept = free  # the point that is judged
    if selection.average is not None:
        kept = map_latents(copy, (resume.average if resume is not None else {}) or free)
    best: Best | None = None
    status: list[Status] = []
    if resume is not None:
        best, status = resume.best, list(resume.status)
        optimiser.state.update({x: copied(resume.memory.get(name, {})) for name, x in free.items()})
    first = 0 if resume is None else resume.step
    for step in range(first, steps + 1):
        evaluation = objective(parametrisation(free), step=step)
        loss = evaluation.primary.detach()
        if best is None:
            best, status = Best.begin(parametrisation(kept), loss), [Status.RUNNING] * len(loss)
        last = step == steps
        gradients = {} if last else direction(evaluation.losses, free)
        status = marked(status, torch.isfinite(loss) & finite_rows(gradients, loss), Status.FAILED)
        held_out = None
        if last or (selection.looks(step, last=last) and not (resume and step == first)):
            alive = running(status, loss.device)
            with torch.no_grad():
                best, held_out = selection.look(best, parametrisation(kept), loss, (step, last), alive)
            status = selection.stopped(best, status)
        memory: Memory = {name: copied(optimiser.state[x]) for name, x in free.items()}
        average = {} if selection.average is None else map_latents(copy, kept)
        yield State(step, detached(evaluation), map_latents(copy, free), best, tuple(status), memory, average, held_out)
        alive = running(status, loss.device)
        if last or not alive.any():
            return
        _update(optimiser, parametrisation, free, gradients, alive)
        kept = selection.averaged(kept, free, step + 2, alive)


def optimise(states: Iterator[State], *, watch: Callable[[State], None] = lambda state: None) -> Outcome:
    """Run an `iterate(...)` to its end and keep its history; Ctrl-C ends it early and loses nothing.

    Args:
        states: from `iterate`.
        watch: called with every state.

    Raises:
        KeyboardInterrupt: only when it comes before the first evaluation is over.
    """
    check_kind("states", states, Iterable, "an iterator of states", "Give fd.iterate(...).")
    check_function("watch", watch)
    state, history, cancelled = None, [], False
    try:
        for state in states:
            history.append({name: x.cpu() for name, x in state.told.items()})
            watch(state)
    except KeyboardInterrupt:
        if not history:
            raise
        cancelled = True
    if state is None:
        raise InvalidInput("states", expected="an iterator that yields at least one state", got="an empty one")
    end = Status.CANCELLED if cancelled else Status.DONE
    ended = tuple(end if s == Status.RUNNING else s for s in state.status)
    unseen = torch.full_like(state.best.loss, torch.nan, device="cpu")
    names = dict.fromkeys(name for told in history for name in told)
    losses = {name: torch.stack([told.get(name, unseen) for told in history]) for name in names}
    return Outcome(state.best, ended, losses, state.step)


def copied(kept: dict[str, Any]) -> dict[str, Any]:
    """A copy of what an optimiser keeps of one parameter."""
    return {key: x.clone() if isinstance(x, Tensor) else x for key, x in kept.items()}


def _update(optimiser: Optimiser, parametrisation: Parametrisation, free: Params, gradients: Params, alive: Tensor) -> None:
    """One optimiser step and the projection, for the rows that are alive; momentum must not move the others."""
    before = {name: x.detach().clone() for name, x in free.items()}
    for name, x in free.items():
        x.grad = torch.where(wide(alive, x), gradients[name], torch.zeros_like(x))
    optimiser.step()
    with torch.no_grad():
        projected = parametrisation.project({name: x.detach() for name, x in free.items()})
        for name, x in free.items():
            x.copy_(torch.where(wide(alive, x), projected[name], before[name]))
