"""The stages of a step, timed where they happen: the very loop runs, and its models and parts tell when they are entered.

Forward, a model tells when it is called and when it is done. Backward, autograd tells when the gradient of what a model gave
is there, so its own backward begins, and when that of what it was given is there, so it has ended. Both hold wherever the
gradient is taken: after the whole forward, or by pieces in its midst.
"""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.latents import Latents, map_latents
from fusedream_sdk.methods.base import Method
from fusedream_sdk.models.checks import device_of
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.optim.optimisers import MakeOptimiser, Optimiser
from fusedream_sdk.protocols import Evaluation, Objective, Params, Scorer
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.task import Begun, Task

GENERATOR, VIEWS, SCORER, SCORE = "generator", "shrink and views, both ways", "scorer", "score, both ways"
SCORER_BACK, GENERATOR_BACK = "back through the scorer", "back through the generator"
UPDATE = "direction, optimiser, projection"
OTHER = "rest"  # mixture, noise, what the loop keeps
WORK = (GENERATOR, VIEWS, SCORER, SCORE, SCORER_BACK, GENERATOR_BACK, UPDATE)


class Stopwatch:
    """Where a step is, and since when.

    Args:
        device: an accelerator works on by itself, so there the time of its own clock is taken.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.read: Callable[[], Any] = self._event if device.type == "cuda" else time.perf_counter
        self.marks: list[tuple[str, Any]] = []

    def reading(self, read: Callable[[], Any]) -> None:
        """Read something else than time from now on, which only grows."""
        self.read = read

    def start(self) -> None:
        """A step begins."""
        self.marks = []
        self.enter(OTHER)

    def enter(self, stage: str) -> None:
        """What follows is of this stage."""
        self.marks.append((stage, self.read()))

    def stop(self) -> dict[str, float]:
        """The step is over: seconds, or whatever is read, of each stage."""
        self.enter(OTHER)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        spent: dict[str, float] = dict.fromkeys((*WORK, OTHER), 0.0)
        for (stage, before), (_, after) in zip(self.marks, self.marks[1:], strict=False):
            event = isinstance(before, torch.cuda.Event)
            spent[stage] += before.elapsed_time(after) / 1000 if event else after - before
        return spent

    def before_backward(self, x: Tensor, stage: str) -> Tensor:
        """The same tensor; once its gradient is there, what follows is of this stage."""
        if not (torch.is_grad_enabled() and x.requires_grad):
            return x
        seen = x.view_as(x)  # a node of its own, so that the hook ends with this step
        seen.register_hook(lambda gradient: self.enter(stage))
        return seen

    def _event(self) -> torch.cuda.Event:
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self.device))
        return event


class Model:
    """A model that tells when it is entered; all else is its own.

    Args:
        model: a generator, scorer or reward.
        watch: is told.
    """

    def __init__(self, model: Any, watch: Stopwatch) -> None:
        self.model, self.watch, self.resolution, self.device = model, watch, model.resolution, device_of(model)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)


class WatchedGenerator(Model):
    """A generator."""

    def __init__(self, model: Any, watch: Stopwatch) -> None:
        super().__init__(model, watch)
        self.space, self.sample = model.space, model.sample

    def __call__(self, latents: Latents) -> Tensor:
        given = map_latents(lambda x: self.watch.before_backward(x, UPDATE), latents)
        self.watch.enter(GENERATOR)
        images = self.watch.before_backward(self.model(given), GENERATOR_BACK)
        self.watch.enter(VIEWS)
        return images


class WatchedScorer(Model):
    """A dual encoder."""

    def __init__(self, model: Any, watch: Stopwatch) -> None:
        super().__init__(model, watch)
        self.encode_text = model.encode_text

    def encode_image(self, images: Tensor) -> Tensor:
        return seen_by(self.watch, self.model.encode_image, images)


class WatchedReward(Model):
    """A reward."""

    def score(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        return seen_by(self.watch, lambda given: self.model.score(given, prompts), images)


def seen_by(watch: Stopwatch, encode: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """What a scorer makes of images."""
    given = watch.before_backward(images, VIEWS)
    watch.enter(SCORER)
    found = watch.before_backward(encode(given), SCORER_BACK)
    watch.enter(SCORE)
    return found


class WatchedOptimiser:
    """An optimiser."""

    def __init__(self, optimiser: Optimiser, watch: Stopwatch) -> None:
        self.optimiser, self.watch = optimiser, watch

    @property
    def state(self) -> MutableMapping[Tensor, Any]:
        """Its own."""
        return self.optimiser.state

    def step(self) -> None:
        """Its step."""
        self.watch.enter(UPDATE)
        self.optimiser.step()
        self.watch.enter(OTHER)


class WatchedParametrisation:
    """A parametrisation."""

    def __init__(self, begun: Begun, watch: Stopwatch) -> None:
        self.begun, self.watch, self.params = begun, watch, begun.params

    def __call__(self, params: Params) -> Latents:
        return self.begun(params)

    def project(self, params: Params) -> Params:
        self.watch.enter(UPDATE)
        projected = self.begun.project(params)
        self.watch.enter(OTHER)
        return projected


def watched_task(task: Task, watch: Stopwatch) -> Task:
    """The same rows, drawn and read by models that tell."""
    engine = task.engine
    drawer, reader = engine.at_work
    scorer: Any = (WatchedScorer if isinstance(reader, Scorer) else WatchedReward)(reader, watch)
    models = Loaded(WatchedGenerator(drawer, watch), engine.generator.name), Loaded(scorer, engine.scorer.name)
    told = Engine(*models, dtype=engine.dtype, budget=engine.budget)
    return replace(task, engine=told, rows=replace(task.rows, target=task.rows.target.seen_by(scorer)))


def watched_method(method: Method, watch: Stopwatch) -> Method:
    """The same method, whose parts tell."""

    def objective(task: Task) -> Objective:
        inner = method.objective(task)

        def call(latents: Latents, *, step: int) -> Evaluation:
            evaluation = inner(latents, step=step)
            watch.enter(OTHER)
            return evaluation

        return call

    def direction(losses: Any, params: Params) -> Params:
        watch.enter(SCORE)  # backward begins where the score ended
        found = method.direction(losses, params)
        watch.enter(OTHER)
        return found

    def optimiser(settings: Any) -> MakeOptimiser:
        make = method.optimiser(settings)
        return lambda params: WatchedOptimiser(make(params), watch)

    def parametrise(task: Task, starts: Latents) -> WatchedParametrisation:
        return WatchedParametrisation(method.parametrise(task, starts), watch)

    return replace(method, objective=objective, direction=direction, optimiser=optimiser, parametrise=parametrise)
