"""The other loop: ask a population for candidates, tell it their losses. No gradient is taken.

A population is a group of members for each row, and groups never mix: a row's group sees its own losses alone, so that
a row gives the same picture whatever else is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import torch
from torch import Tensor

from fusedream_sdk.latents import map_latents, select
from fusedream_sdk.optim.loop import Selection
from fusedream_sdk.optim.state import Best, State, copy, detached, marked, running
from fusedream_sdk.optim.status import Status
from fusedream_sdk.protocols import Evaluation, Objective, Parametrisation, Params
from fusedream_sdk.runtime.bounds import STEPS


class Population(Protocol):
    """Members of B groups, M in each."""

    def ask(self) -> Params:
        """The next generation: name -> (B, M, ...)."""
        ...

    def tell(self, params: Params, losses: Mapping[str, Tensor]) -> None:
        """What the members asked for came to, after they were put inside the constraints.

        Args:
            params: name -> (B, M, ...).
            losses: name -> (B, M), the first entry the primary; infinite where a value was not finite.
        """
        ...


def evolve(
    objective: Objective,
    parametrisation: Parametrisation,
    population: Population,
    *,
    steps: int,
    selection: Selection | None = None,
) -> Iterator[State]:
    """Minimise over a population, one `State` for each of the `steps + 1` generations.

    Args:
        objective: over B x M rows, group by group.
        parametrisation: of B x M rows.
        population: what is asked and told.
        steps: generations after the first, at least 1.
        selection: how the best point of a group is found; its holdout is over B rows. It judges each group's best member.

    Yields:
        States of B rows: a group's best member in `evaluation`, all members in `params`, (B, M, ...) each.

    A group without a finite member is marked "failed"; the others go on.
    """
    steps = STEPS.check("steps", steps, "200 are usual.")
    selection = selection or Selection()
    state: State | None = None
    for step in range(steps + 1):
        state = _generation(objective, parametrisation, population, (step, step == steps), state, selection)
        yield state
        if not running(state.status, state.best.loss.device).any():
            return


@torch.no_grad()
def _generation(
    objective: Objective,
    parametrisation: Parametrisation,
    population: Population,
    at: tuple[int, bool],
    before: State | None,
    selection: Selection,
) -> State:
    """Ask, evaluate, tell, and look at each group's best member; `at` is the step, and whether it is the last."""
    step, _ = at
    asked = population.ask()
    groups, members = shape = next(iter(asked.values())).shape[:2]
    flat = parametrisation.project({name: x.flatten(0, 1) for name, x in asked.items()})
    evaluation = objective(parametrisation(flat), step=step)
    losses = {name: torch.where(torch.isfinite(x), x, torch.inf).view(shape) for name, x in evaluation.losses.items()}
    params = {name: x.unflatten(0, shape) for name, x in flat.items()}
    loss, first = next(iter(losses.values())).min(dim=1)
    leaders = torch.arange(groups, device=first.device) * members + first
    clean = select(parametrisation(flat), leaders)  # the objective may have put noise on what it was given
    best = Best.begin(clean, loss) if before is None else before.best
    status = [Status.RUNNING] * groups if before is None else list(before.status)
    status = marked(status, torch.isfinite(loss), Status.FAILED)
    best = selection.look(best, clean, loss, at, running(status, loss.device))
    status = selection.stopped(best, status)
    state = State(step, detached(_rows_of(evaluation, leaders)), map_latents(copy, params), best, tuple(status))
    population.tell(params, losses)  # last, as what it is given is its own from here on
    return state


def _rows_of(evaluation: Evaluation, index: Tensor) -> Evaluation:
    return Evaluation(
        select(evaluation.latents, index),
        evaluation.images[index],
        {name: x[index] for name, x in evaluation.losses.items()},
    )
