"""The other loop: ask a population for candidates, tell it their losses. A gradient is taken only where members are refined.

A population is a group of members for each row, and groups never mix: a row's group sees its own losses alone, so that
a row gives the same picture whatever else is asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from fusedream_sdk.latents import Latents, map_latents, select
from fusedream_sdk.optim.loop import Selection, iterate
from fusedream_sdk.optim.optimisers import MakeOptimiser
from fusedream_sdk.optim.state import Best, State, copy, detached, marked, running
from fusedream_sdk.optim.status import Status
from fusedream_sdk.protocols import Direction, Evaluation, Objective, Parametrisation, Params
from fusedream_sdk.runtime.bounds import STEPS, UPDATES


class Population(Protocol):
    """Members of B groups, M in each."""

    def ask(self) -> Params:
        """The next generation: name -> (B, M, ...)."""
        ...

    def tell(self, params: Params, losses: Mapping[str, Tensor]) -> None:
        """What the members asked for came to, after they were put inside the constraints, and refined where they are.

        Args:
            params: name -> (B, M, ...).
            losses: name -> (B, M), the first entry the primary; infinite where a value was not finite.
        """
        ...


@dataclass(frozen=True)
class Refinement:
    """Steps along the gradient that each member takes by itself before its loss is told: a search of basins, not of points.

    The optimiser begins anew in every generation, and each of its steps sees other views.

    Args:
        updates: of each member in a generation, from 0 to a million.
        last: in the last generation, after which no other is asked for.
        direction: losses to gradients; descent of the primary loss by default.
        make_optimiser: as of `iterate`.

    Raises:
        InvalidInput: a number outside its bounds.
    """

    updates: int
    last: int
    direction: Direction | None = None
    make_optimiser: MakeOptimiser | None = None

    def __post_init__(self) -> None:
        for name in ("updates", "last"):
            object.__setattr__(self, name, UPDATES.check(name, getattr(self, name), "30 and 300 are usual."))

    def points(self, steps: int) -> int:
        """At how many points each member is evaluated in `steps + 1` generations."""
        return steps * (self.updates + 1) + self.last + 1

    def __call__(
        self, objective: Objective, parametrisation: Parametrisation, params: Params, *, at: tuple[int, bool]
    ) -> tuple[Params, Evaluation]:
        """Where the members end, and their evaluation there.

        Args:
            objective, parametrisation: of all members, one row each.
            params: where they begin.
            at: the generation, and whether it is the last.
        """
        generation, last = at
        first, count = generation * (self.updates + 1), self.last if last else self.updates

        def fresh(latents: Latents, *, step: int) -> Evaluation:
            return objective(latents, step=first + step)

        if not count:
            return params, fresh(parametrisation(params), step=0)
        how, kept = (self.direction, self.make_optimiser), Selection(every=count)
        with torch.enable_grad():
            course = iterate(
                *(fresh, parametrisation, params), steps=count, direction=how[0], make_optimiser=how[1], selection=kept
            )
            end = deque(course, maxlen=1).pop()
        return end.params, end.evaluation


def evolve(
    objective: Objective,
    parametrisation: Parametrisation,
    population: Population,
    *,
    steps: int,
    selection: Selection | None = None,
    refine: Refinement | None = None,
) -> Iterator[State]:
    """Minimise over a population, one `State` for each of the `steps + 1` generations.

    Args:
        objective: over B x M rows, group by group.
        parametrisation: of B x M rows.
        population: what is asked and told.
        steps: generations after the first, at least 1.
        selection: how the best point of a group is found; its holdout is over B rows. It judges each group's best member.
        refine: steps along the gradient that each member takes first; none by default.

    Yields:
        States of B rows: a group's best member in `evaluation`, all members in `params`, (B, M, ...) each.

    A group without a finite member is marked "failed"; the others go on.
    """
    steps = STEPS.check("steps", steps, "200 are usual.")
    selection = selection or Selection()
    state: State | None = None
    for step in range(steps + 1):
        state = _generation(objective, parametrisation, population, (step, step == steps), state, selection, refine)
        yield state
        if not running(state.status, state.best.loss.device).any():
            return


def as_vectors(params: Params) -> np.ndarray:
    """The members of groups, name -> (B, M, ...), as vectors of all their coordinates: (B, M, N), float64."""
    return torch.cat([x.flatten(2).double().cpu() for x in params.values()], dim=2).numpy()


def from_vectors(vectors: np.ndarray, like: Params) -> Params:
    """Vectors (B, M, N) as members of groups again, name -> (B, M, ...): names, shapes, device and format as in `like`."""
    sizes = [x[0, 0].numel() for x in like.values()]
    parts = torch.from_numpy(vectors).split(sizes, dim=2)
    return {name: part.unflatten(2, x.shape[2:]).to(x) for (name, x), part in zip(like.items(), parts, strict=True)}


def ranked(losses: Tensor) -> np.ndarray:
    """Losses for a library that reads ranks: what is not finite is worse than all that is. Shape as given, float64."""
    values = losses.double().cpu()
    finite = values[torch.isfinite(values)]
    worst = float(finite.max()) + 1 if len(finite) else 0.0
    return torch.where(torch.isfinite(values), values, worst).numpy()


@torch.no_grad()
def _generation(
    objective: Objective,
    parametrisation: Parametrisation,
    population: Population,
    at: tuple[int, bool],
    before: State | None,
    selection: Selection,
    refine: Refinement | None,
) -> State:
    """Ask, refine, evaluate, tell, and look at each group's best member; `at` is the step, and whether it is the last."""
    step, _ = at
    asked = population.ask()
    groups, members = shape = next(iter(asked.values())).shape[:2]
    flat = parametrisation.project({name: x.flatten(0, 1) for name, x in asked.items()})
    if refine is None:
        evaluation = objective(parametrisation(flat), step=step)
    else:
        flat, evaluation = refine(objective, parametrisation, flat, at=at)
    losses = {name: torch.where(torch.isfinite(x), x, torch.inf).view(shape) for name, x in evaluation.losses.items()}
    params = {name: x.unflatten(0, shape) for name, x in flat.items()}
    loss, first = next(iter(losses.values())).min(dim=1)
    leaders = torch.arange(groups, device=first.device) * members + first
    clean = select(parametrisation(flat), leaders)  # the objective may have put noise on what it was given
    best = Best.begin(clean, loss) if before is None else before.best
    status = [Status.RUNNING] * groups if before is None else list(before.status)
    status = marked(status, torch.isfinite(loss), Status.FAILED)
    best, held_out = selection.look(best, clean, loss, at, running(status, loss.device))
    status = selection.stopped(best, status)
    point = detached(_rows_of(evaluation, leaders))
    state = State(step, point, map_latents(copy, params), best, tuple(status), held_out=held_out)
    population.tell(params, losses)  # last, as what it is given is its own from here on
    return state


def _rows_of(evaluation: Evaluation, index: Tensor) -> Evaluation:
    return Evaluation(
        select(evaluation.latents, index),
        evaluation.images[index],
        {name: x[index] for name, x in evaluation.losses.items()},
    )
