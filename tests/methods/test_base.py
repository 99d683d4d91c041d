"""A method is a frozen choice of parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents, map_latents
from fusedream_sdk.methods.base import Method, as_published
from fusedream_sdk.methods.random_search import RandomSearch, random_search
from fusedream_sdk.optim.directions import Clipped, inner
from fusedream_sdk.optim.loop import Selection
from fusedream_sdk.optim.optimisers import sgd
from fusedream_sdk.optim.population import Refinement
from fusedream_sdk.protocols import Params
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import Task, augclip, direct
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.scoring.views import NO_VIEWS
from fusedream_sdk.testing import check_method, random_latents

MakeDream = Callable[..., FuseDream]
PROMPTS = ["red", "blue"]


def task_of(dream: FuseDream, method: Method, **changes: Any) -> Task:
    rows = dream.engine.rows([(prompt, seed) for seed, prompt in enumerate(map(Prompt, PROMPTS))])
    return Task(dream.engine, rows, method.settings_for(dream.settings, changes))


def by_hand(**parts: Any) -> Method:
    """SGD with Nesterov's momentum, a clipped direction, a penalty on the size of the colours."""

    def objective(task: Task) -> Any:
        return augclip(task, penalties={"size": lambda latents: 10 * latents["colour"].square().sum(dim=1)})

    def optimiser(settings: Settings) -> Any:
        return sgd(settings.lr, momentum=0.9, nesterov=True)

    chosen = {"objective": objective, "direction": Clipped(0.5), "optimiser": optimiser, **parts}
    return Method(parametrise=direct, settings={"basis": 1, "lr": 0.2}, **chosen)


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Method().name = "other"  # pyright: ignore[reportAttributeAccessIssue]
    assert str(Method()) == "a method of your own"
    assert str(Method(name="clip-eve")) == "clip-eve"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"settings": {"stepz": 3}}, "stepz: expected a setting: steps, .*, got an unknown name. Did you mean 'steps'"),
        ({"unused": frozenset({"bang"})}, "bang: expected a setting: .* Did you mean 'bank'"),
        ({"members": 4}, "members: expected 1, as there is no population, got 4"),
        ({"members": 0}, "members: expected an integer of at least 1, got 0"),
        ({"members": 2.0}, "members: expected an integer of at least 1, got 2.0"),
        ({"refine": Refinement(2, 3)}, "refine: expected None, as there is no population, got Refinement"),
        ({"refine": (2, 3)}, "refine: expected a Refinement, or None, got a tuple"),
    ],
)
def test_parts_that_do_not_fit_are_refused_when_it_is_made(parts: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        Method(**parts)


def test_its_constants_come_over_the_recommended_and_under_those_of_a_call():
    settings = Method(settings={"steps": 7, "lr": 0.3}).settings_for(Settings(noise=0.2, steps=3), {"lr": 0.4})
    assert (settings.steps, settings.lr, settings.noise) == (7, 0.4, 0.2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lr": 0.1}, "lr: expected nothing, as a method of your own has no use for it, got 0.1. Leave it out, or choose"),
        ({"steps": 3, "bank": 9, "lr": 0.1}, "bank: expected nothing"),
        ({"colour": 1}, "colour: expected a setting"),
        ({"steps": 0}, "steps: expected an integer of at least 1, got 0"),
    ],
)
def test_a_call_may_change_what_it_has_a_use_for(changes: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        Method(unused=frozenset({"lr", "bank"})).settings_for(Settings(), changes)


def test_one_by_hand_draws_by_the_parts_that_it_has(dream: FuseDream):
    longest: list[float] = []

    class Measured(Clipped):
        def __call__(self, losses: Any, params: Params) -> Params:
            found = super().__call__(losses, params)
            longest.append(float(inner(found, found).sqrt().max()))
            return found

    method = by_hand(direction=Measured(0.5))
    states = list(dream.iterate(PROMPTS, method=method, steps=5, noise=0.0))
    begun, ended = (states[i].evaluation.latents["colour"].norm(dim=1) for i in (0, -1))
    assert (ended < begun).all()  # the penalty
    assert max(longest) == pytest.approx(0.5, abs=1e-5)  # the clip
    assert set(states[1].memory["z"]) == {"momentum_buffer"}  # the optimiser
    moved = states[1].params["z"] - states[0].params["z"]
    assert moved.abs().max() <= 0.2 * 0.5 * 1.9 + 1e-6  # Nesterov's first step: lr (1 + momentum) times the gradient
    check_method(by_hand())


def test_a_population_searches_around_the_first_latents_of_each_row(dream: FuseDream):
    method = random_search(population=3)
    starts = map_latents(lambda x: x.unflatten(0, (2, 3)), random_latents(dream.generator, 6))
    first = next(method.states(task_of(dream, method), starts))
    assert all(torch.equal(first.params[name], x) for name, x in starts.items())
    assert len(first.status) == 2


def test_a_population_moves_latents_and_nothing_else(dream: FuseDream):
    method = dataclasses.replace(random_search(population=3), parametrise=Method().parametrise)
    assert next(dream.iterate("red", method=method))  # a mixture of one is the latent itself
    message = r"parametrise: expected what has the parameters \['colour', 'z'\], as a population moves latents, got .* `direct`"
    with pytest.raises(InvalidInput, match=message):
        method.states(task_of(dream, Method(), basis=2), random_starts(dream))


def random_starts(dream: FuseDream) -> Latents:
    return map_latents(lambda x: x.unflatten(0, (2, 1)), random_latents(dream.generator, 2))


@pytest.mark.usefixtures("together")
def test_the_members_of_a_group_count_against_the_memory(make_dream: MakeDream):
    dream = make_dream(settings={"views": 8}, memory_gb=0.005)
    task, starts = task_of(dream, Method(), samples=1, basis=1), random_starts(dream)
    alone = Method().rows_at_a_time(task, starts)
    crowded = random_search(population=4).rows_at_a_time(task, starts)
    assert alone > 4
    assert crowded == alone // 4
    assert random_search(population=2 * alone).rows_at_a_time(task, starts) == 1


class Counted:
    """An objective that counts the rows that it evaluates."""

    def __init__(self, of: Any) -> None:
        self.of, self.rows = of, 0

    def __call__(self, latents: Latents, *, step: int) -> Any:
        self.rows += len(next(iter(latents.values())))
        return self.of(latents, step=step)


@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize(
    "method",
    [
        by_hand(),
        random_search(population=4),
        dataclasses.replace(random_search(population=3), refine=Refinement(2, 5), unused=frozenset()),
    ],
    ids=["gradient", "population", "refined"],
)
def test_its_evaluations_are_the_pictures_that_a_run_scores(dream: FuseDream, method: Method, keep: Any):
    counts: list[Counted] = []

    def counted(part: Callable[[Task], Any]) -> Callable[[Task], Any]:
        def made(task: Task) -> Any:
            found = part(task)
            judge = isinstance(found, Selection)
            counts.append(Counted(found.holdout if judge else found))
            return dataclasses.replace(found, holdout=counts[-1]) if judge else counts[-1]

        return made

    changes: dict[str, Any] = {"steps": 5, "check_every": 2, "keep": keep}
    measured = dataclasses.replace(method, objective=counted(method.objective), selection=counted(method.selection))
    assert len(list(dream.iterate("red", method=measured, **changes))) == 6
    assert method.evaluations(method.settings_for(dream.settings, changes)) == sum(one.rows for one in counts)


def test_the_members_of_a_population_may_be_refined_by_the_methods_own_optimiser(dream: FuseDream):
    rates: list[float] = []

    def optimiser(settings: Settings) -> Any:
        rates.append(settings.lr)
        return sgd(settings.lr)

    plain = random_search(population=3)
    method = dataclasses.replace(plain, refine=Refinement(1, 1), optimiser=optimiser, unused=frozenset())
    changes: dict[str, Any] = {"steps": 1, "augment": NO_VIEWS}
    refined = next(dream.iterate("red", method=method, lr=0.25, **changes))
    assert rates == [0.25]
    assert float(refined.evaluation.primary) < float(next(dream.iterate("red", method=plain, **changes)).evaluation.primary)


def test_a_population_that_asks_for_the_space_is_given_it(dream: FuseDream):
    given: list[Any] = []

    def make(starts: Params, seeds: Any, *, space: Any) -> RandomSearch:
        given.append(space)
        return RandomSearch(starts, seeds, members=3, spread=0.5, cooling=0.9)

    next(dream.iterate("red", method=dataclasses.replace(random_search(population=3), population=make)))
    assert given == [dream.generator.space]


def test_a_methods_numbers_count_more_than_those_of_the_models_where_it_runs_as_published():
    way, numbers = {"keep": "last"}, {"steps": 7}
    assert as_published(way, numbers, True) == {"keep": "last", "steps": 7}
    assert as_published(way, numbers, False) == way
    with pytest.raises(InvalidInput, match="published: expected True or False, got 1"):
        as_published(way, numbers, 1)  # pyright: ignore[reportArgumentType]


def test_an_objective_is_told_where_its_rows_begin(dream: FuseDream):
    begun: list[Latents | None] = []

    def objective(task: Task) -> Any:
        begun.append(task.starts)
        return augclip(task)

    states = list(dream.iterate(PROMPTS, method=by_hand(objective=objective), steps=2))
    assert len(begun) == 2  # the rows run alone
    for row, starts in enumerate(begun):
        assert starts is not None
        assert torch.equal(starts["z"][0, 0], states[0].params["z"][row])
