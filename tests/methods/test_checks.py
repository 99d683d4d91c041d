"""Each promise of a `Method`, broken once: the error names it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fusedream_sdk.errors import PluginContractError
from fusedream_sdk.latents import Latents, map_latents
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.random_search import RandomSearch, random_search
from fusedream_sdk.optim.loop import Selection
from fusedream_sdk.optim.parametrise import Direct
from fusedream_sdk.optim.state import State
from fusedream_sdk.protocols import Evaluation, Objective, Params
from fusedream_sdk.run.task import Task, augclip, direct, drawn
from fusedream_sdk.scoring.views import NO_VIEWS
from fusedream_sdk.testing import check_method

SINGLE: dict[str, Any] = {"samples": 1, "basis": 1}
COUNTER = itertools.count()


def begun(change: Callable[[Latents], Latents]) -> Method:
    """A method with other starts."""
    return Method(starts=lambda task: change(drawn(task)), parametrise=direct, settings=SINGLE)


def touching(random_number: Callable[[], object]) -> Method:
    """A method that asks for a global random number."""
    return begun(lambda starts: [random_number(), starts][1])  # pyright: ignore[reportReturnType, reportArgumentType]


def told(change: Callable[[Iterator[State]], Iterator[Any]]) -> Method:
    """A method that tells its course otherwise."""

    class Telling(Method):
        def course(self, task: Task, starts: Latents) -> Iterator[State]:
            return change(super().course(task, starts))

    return Telling()


def judged(change: Callable[[Evaluation, int], Evaluation]) -> Method:
    """A method with another objective."""

    def objective(task: Task) -> Objective:
        return lambda latents, *, step: change(augclip(task)(latents, step=step), step)

    return Method(objective=objective)


def with_loss(evaluation: Evaluation, loss: Tensor) -> Evaluation:
    return replace(evaluation, losses={"augclip": loss})


def zeros(task: Task) -> Latents:
    """The same start for every row; what is frozen as it was drawn."""
    return {n: x if task.generator.space[n].frozen else torch.zeros_like(x) for n, x in drawn(task).items()}


def without_colour(state: State) -> State:
    return replace(state, best=replace(state.best, latents={n: x for n, x in state.best.latents.items() if n != "colour"}))


class Loose(Direct):
    """It forgets the constraints."""

    def project(self, params: Params) -> Params:
        return params


class Thawing(Direct):
    """It optimises what is frozen, as it were."""

    def __call__(self, params: Params) -> Latents:
        return {**super().__call__(params), **{name: x + 1 for name, x in self.frozen.items()}}


class Crowd(RandomSearch):
    """All groups follow the leader of the best of them."""

    def tell(self, params: Params, losses: Mapping[str, Tensor]) -> None:
        super().tell(params, losses)
        first = int(next(iter(losses.values())).min(dim=1).values.argmin())
        self.leaders = {name: x[first].expand_as(x).clone() for name, x in self.leaders.items()}


def made(kind: type[Direct]) -> Method:
    def parametrise(task: Task, starts: Latents) -> Direct:
        return kind(task.generator.space, map_latents(lambda x: x[:, 0], starts))

    return Method(parametrise=parametrise, settings={**SINGLE, "lr": 0.5})


def crowd() -> Method:
    return replace(random_search(population=4), population=partial(Crowd, members=4, spread=0.5, cooling=0.9))


def nan_judge(task: Task) -> Selection:
    return Selection(lambda latents, *, step: with_loss(augclip(task)(latents, step=step), torch.full((3,), torch.nan)))


BROKEN: dict[str, tuple[Any, str]] = {
    "no method": (3, "expected a Method, got a int"),
    "a name": ("fusedream", r"expected a Method, got a str. Load it: fusedream_sdk.load_method\(name\)"),
    "a setting": (Method(settings={"lr": -1}), "settings: expected constants that `Settings` takes: lr: expected a positive"),
    "too large a basis": (Method(settings={"samples": 2, "basis": 3}), "settings: .* basis: expected at most samples = 2"),
    "an entry": (begun(lambda x: {"z": x["z"]}), r"starts with the entries .*\['colour', 'tint', 'z'\], got \['z'\]"),
    "no basis": (begun(lambda x: map_latents(lambda y: y[:, 0], x)), r"starts of shape \(3, \d, 4\) for 'z', got \(3, 4\)"),
    "outside": (begun(lambda x: {**x, "z": x["z"] + 9}), "starts inside the constraints, got some outside"),
    "a crash": (begun(lambda x: {}[3]), "to draw with ToyConditioned and ToyScorer, got KeyError: 3"),
    "a mixture of a population": (
        replace(crowd(), parametrise=Method().parametrise, settings={}),
        r"to draw .* Choose `direct`",
    ),
    "no state": (told(lambda states: iter(())), "a State for each point, got none"),
    "other states": (told(lambda states: iter([3])), "a State for each point, got something else"),
    "too few": (told(lambda states: itertools.islice(states, 2)), r"steps \+ 1 = 4 points, in order, got steps \[0, 1\]"),
    "too many": (told(lambda states: (s for s in states for _ in range(2))), r"in order, got steps \[0, 0, 1, 1, 2\]"),
    "out of order": (told(lambda states: iter(list(states)[::-1])), r"in order, got steps \[3, 2, 1, 0\]"),
    "a mean": (
        judged(lambda e, step: replace(e, losses={**e.losses, "b": e.primary.mean()})),
        r"'b' of shape \(3,\), got \(\)",
    ),
    "pictures": (judged(lambda e, step: replace(e, images=e.images[:, :1])), r"images of shape \(3, 3, 16, 16\), got \(3, 1, "),
    "nan": (judged(lambda e, step: with_loss(e, e.primary / (step != 2))), "finite losses and gradients, .* in step 2"),
    "a gradient": (
        Method(direction=lambda losses, params: {n: x.detach() * torch.nan for n, x in params.items()}),
        "finite losses and gradients, .* in step 0",
    ),
    "a judge": (Method(selection=nan_judge), "a selection that judges the last point at least"),
    "best": (told(lambda states: map(without_colour, states)), r"best latents with the entries .*, got \['tint', 'z'\]"),
    "constraints": (made(Loose), "latents inside the constraints, got some outside"),
    "frozen": (made(Thawing), "the frozen entry 'tint' as it was, got another"),
    "torch's randomness": (touching(lambda: torch.rand(1)), "random numbers from the rows' seeds alone, got a change of torch"),
    "numpy's randomness": (touching(np.random.rand), "random numbers from the rows' seeds alone"),
    "Python's randomness": (touching(random.random), "random numbers from the rows' seeds alone"),
    "other randomness": (begun(lambda x: {**x, "colour": x["colour"] + next(COUNTER)}), "same outcome from the same seed"),
    "no seeds": (
        Method(starts=zeros, parametrise=direct, settings={**SINGLE, "augment": NO_VIEWS}),
        "another outcome from another seed, got the same",
    ),
    "rows that mix": (judged(lambda e, step: with_loss(e, e.primary * e.primary.mean())), "a row alone to equal the row"),
    "rows in disorder": (begun(lambda x: map_latents(lambda y: y.flip(0), x)), "a row alone to equal the row in a batch"),
    "groups that mix": (crowd(), "a row alone to equal the row in a batch, got .* apart: rows mix, or are out of order"),
}


@pytest.mark.parametrize(("method", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_promise_is_named(method: Any, message: str):
    with pytest.raises(PluginContractError, match=message):
        check_method(method)


def test_a_run_may_end_early_where_every_row_is_on_its_plateau():
    def slow(task: Task) -> Selection:
        return Selection(augclip(task), every=1, patience=1, tolerance=10.0)

    check_method(Method(selection=slow, settings={"augment": NO_VIEWS}), steps=6)


def test_noise_may_leave_the_constraints_in_a_step():
    check_method(Method(settings={"noise": 0.5}))
