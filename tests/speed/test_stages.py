"""Stages are told by the very loop, wherever the gradient is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.latents import Latents
from fusedream_sdk.methods.fusedream import fusedream
from fusedream_sdk.optim.state import State
from fusedream_sdk.protocols import Evaluation, Objective
from fusedream_sdk.run.task import Task, augclip, drawn
from fusedream_sdk.scoring.augclip import AugCLIP
from fusedream_sdk.speed.stages import (
    GENERATOR,
    GENERATOR_BACK,
    OTHER,
    SCORE,
    SCORER,
    SCORER_BACK,
    UPDATE,
    VIEWS,
    WORK,
    Stopwatch,
    watched_method,
    watched_task,
)
from fusedream_sdk.speed.steps import task_of
from fusedream_sdk.testing import ToyConditioned, ToyGenerator, ToyReward, ToyScorer

CPU = torch.device("cpu")


class Slow(torch.autograd.Function):
    """Takes some seconds of a clock forward, and some backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, clock: Clock, ahead: float, back: float) -> Tensor:
        ctx.rest = clock, back
        clock.now += ahead
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        clock, back = ctx.rest
        clock.now += back
        return gradients[0], None, None, None


class Clock:
    """Seconds that have passed."""

    now = 0.0


class SlowGenerator(ToyGenerator):
    """Takes 1 second, and 2 backward."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(16)
        self.clock = clock

    def __call__(self, latents: Latents) -> Tensor:
        return super().__call__({"z": Slow.apply(latents["z"], self.clock, 1, 2), "colour": latents["colour"]})


class SlowScorer(ToyScorer):
    """Takes 4 seconds, and 8 backward."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(8)
        self.clock = clock

    def encode_image(self, images: Tensor) -> Tensor:
        return super().encode_image(Slow.apply(images, self.clock, 4, 8))


class Pieces(torch.autograd.Function):
    """A score whose gradient is taken view by view while it is computed, and only multiplied backward."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, inner: Callable[[Tensor], Tensor]) -> Tensor:
        with torch.enable_grad():
            given = images.detach().requires_grad_()
            scores = [inner(given) for _ in range(2)]
            gradients = [torch.autograd.grad(score.sum(), given)[0] for score in scores]
        ctx.save_for_backward(sum(gradients, torch.zeros(())))
        return sum(scores, torch.zeros(())).detach()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return gradients[0].view(-1, 1, 1, 1) * ctx.saved_tensors[0], None


class ByPieces(AugCLIP):
    """AugCLIP, view after view."""

    def score(self, images: Tensor, *, step: int) -> Tensor:
        return Pieces.apply(images, lambda given: super(ByPieces, self).score(given, step=step))


def watched(dream: FuseDream, rows: int = 1, objective: Callable[[Task], Objective] = augclip) -> tuple[Stopwatch, Any]:
    watch = Stopwatch(CPU)
    task = watched_task(task_of(dream.engine, dream.settings, rows), watch)
    method = watched_method(replace(fusedream(), objective=objective), watch)
    return watch, method.states(task, drawn(task, k=dream.settings.basis))


@pytest.fixture
def clock() -> Clock:
    return Clock()


def slow_step(make_dream: Any, clock: Clock, rows: int = 1, objective: Callable[[Task], Objective] = augclip) -> Any:
    dream = make_dream(SlowGenerator(clock), SlowScorer(clock), settings={"check_every": 100})
    watch, states = watched(dream, rows, objective)
    next(states)  # also looked at
    watch.reading(lambda: clock.now)
    watch.start()
    next(states)
    return watch.stop()


@pytest.mark.parametrize("rows", [1, 2])
def test_every_stage_has_the_time_that_passes_in_it(make_dream, clock: Clock, rows: int):
    found = slow_step(make_dream, clock, rows)
    assert set(found) == {*WORK, OTHER}
    times = {GENERATOR: rows, GENERATOR_BACK: 2 * rows, SCORER: 4 * rows, SCORER_BACK: 8 * rows}
    assert {name: spent for name, spent in found.items() if spent} == times


def test_it_has_so_too_where_the_gradient_is_taken_by_pieces_in_the_midst_of_the_score(make_dream, clock: Clock):
    def objective(task: Task) -> Objective:
        inner = augclip(task)
        return ByPieces(inner.generator, inner.target, inner.seeds, views=inner.views, count=inner.count)

    found = slow_step(make_dream, clock, objective=objective)
    assert {name: spent for name, spent in found.items() if spent} == {
        GENERATOR: 1,
        GENERATOR_BACK: 2,
        SCORER: 8,
        SCORER_BACK: 16,
    }


def test_the_stages_are_passed_in_their_order(dream: FuseDream):
    watch, states = watched(dream)
    watch.start()
    next(states)
    watch.start()
    next(states)
    passed = [stage for stage, _ in watch.marks if stage != OTHER]
    short = [stage for stage, before in zip(passed, [None, *passed], strict=False) if stage != before]
    assert short == [UPDATE, GENERATOR, VIEWS, SCORER, SCORE, SCORER_BACK, VIEWS, GENERATOR_BACK, UPDATE]
    assert watch.stop()[UPDATE] > 0


@pytest.mark.parametrize("models", [(ToyGenerator(16), ToyScorer(8)), (ToyConditioned(16), ToyReward())])
def test_what_is_watched_goes_the_same_way_to_the_bit(make_dream, models):
    def told(states: Any) -> list[State]:
        return list(states)

    dream = make_dream(*models)
    task = task_of(dream.engine, dream.settings, 2)
    plain = told(fusedream().states(task, drawn(task, k=3)))
    seen = told(watched(dream, rows=2)[1])
    assert len(plain) == len(seen)
    for a, b in zip(plain, seen, strict=True):
        assert all(torch.equal(x, b.params[name]) for name, x in a.params.items())
        assert all(torch.equal(x, b.best.latents[name]) for name, x in a.best.latents.items())


def test_a_penalty_and_a_direction_of_several_backward_passes_do_no_harm(dream: FuseDream):
    def objective(task: Task) -> Objective:
        inner = augclip(task)

        def twice(latents: Latents, *, step: int) -> Evaluation:
            found = inner(latents, step=step)
            return Evaluation(found.latents, found.images, {**found.losses, "size": found.latents["z"].square().sum(dim=1)})

        return twice

    watch, states = watched(dream, objective=objective)
    watch.start()
    next(states)
    assert watch.stop()[SCORER_BACK] > 0


def test_what_no_gradient_is_taken_of_is_handed_on_as_it_is():
    watch, x = Stopwatch(CPU), torch.ones(2, requires_grad=True)
    with torch.no_grad():
        assert watch.before_backward(x, SCORE) is x
    assert watch.before_backward(x.detach(), SCORE) is not None
    seen = watch.before_backward(x, SCORE)
    seen.sum().backward()
    seen = watch.before_backward(x, SCORE)  # hooks end with their step
    watch.start()
    seen.sum().backward()
    assert [stage for stage, _ in watch.marks] == [OTHER, SCORE]
