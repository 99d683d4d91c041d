"""What a `Method` promises, tried out on given models; `fusedream_sdk.testing.check_method` gives it toys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NoReturn

import torch
from torch import Tensor

from fusedream_sdk.errors import FuseDreamError, PluginContractError
from fusedream_sdk.latents import Latents, Space, contains, rows
from fusedream_sdk.methods.base import Method
from fusedream_sdk.models.calls import global_randomness
from fusedream_sdk.optim.state import State
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import Task
from fusedream_sdk.scoring.prompt import Prompt

ROW_TOLERANCE = 1e-3  # a batch rounds otherwise than a row, and every step adds to it
PROMPTS = ("a red disc", "a blue disc", "a green disc")


@dataclass(frozen=True)
class _Course:
    """Some rows, where they began and what became of them."""

    starts: Latents
    states: list[State]

    @property
    def last(self) -> State:
        """The last state."""
        return self.states[-1]


def check_method_on(method: Any, engine: Engine, recommended: Settings, *, steps: int) -> None:
    """Every promise of `Method`, tried out on three rows.

    Args:
        method: to check.
        engine: the models that draw.
        recommended: settings that suit them.
        steps: of each run.

    Raises:
        PluginContractError: naming the broken promise.
    """
    if not isinstance(method, Method):
        fix = " Load it: fusedream_sdk.load_method(name)." if isinstance(method, str) else ""
        raise PluginContractError(f"method: expected a Method, got a {type(method).__name__}.{fix}")
    settings = _accepted(method, recommended, steps)
    task = Task(engine, engine.rows([(Prompt(text), seed) for seed, text in enumerate(PROMPTS)]), settings)
    before = global_randomness()
    course = _run(method, task)
    if global_randomness() != before:
        _broken("random numbers from the rows' seeds alone", "a change of torch's, numpy's or Python's global random state")
    _check_states(course, task)
    _check_seeds(method, task, course)
    for row in range(len(task.rows)):
        _check_alone(_run(method, task.take([row])), course, row)


def _accepted(method: Method, recommended: Settings, steps: int) -> Settings:
    """The settings of a run. Raises PluginContractError where the method's own cannot be used."""
    changes = {} if "steps" in method.unused else {"steps": steps}
    try:
        return method.settings_for(recommended, changes)
    except FuseDreamError as error:
        raise PluginContractError(f"method.settings: expected constants that `Settings` takes: {error}") from error


def _run(method: Method, task: Task) -> _Course:
    """The whole course of a task. Raises PluginContractError for whatever a method's parts raise."""
    try:
        starts = method.starts(task)
        _check_starts(starts, task.generator.space, len(task.rows))
        one_too_many = task.settings.steps + 2
        return _Course(starts, list(islice(method.course(task, starts), one_too_many)))
    except PluginContractError:
        raise
    except Exception as error:  # whatever a stranger's part does
        models = f"{type(task.generator).__name__} and {type(task.engine.scorer.model).__name__}"
        what = f"method: expected it to draw with {models}, got {type(error).__name__}: {error}"
        raise PluginContractError(what) from error


def _check_starts(starts: Latents, space: Space, count: int) -> None:
    """Starts are a basis of k latents for each row, inside the constraints."""
    size = next(iter(starts.values())).shape[1:2] if isinstance(starts, dict) and starts else ()
    _check_entries("starts", starts, space, (count, *(size or (1,))))


def _check_entries(what: str, latents: Latents, space: Space, lead: Sequence[int]) -> None:
    """Latents have the entries of the space, of shape (*lead, *spec.shape), inside the constraints."""
    if not isinstance(latents, dict) or set(latents) != set(space):
        got = sorted(latents) if isinstance(latents, dict) else f"a {type(latents).__name__}"
        _broken(f"{what} with the entries of the generator's space, {sorted(space)}", f"{got}")
    for name, spec in space.items():
        wanted, shape = (*lead, *spec.shape), tuple(latents[name].shape)
        if shape != wanted:
            _broken(f"{what} of shape {wanted} for {name!r}", f"{shape}")
    if not contains(latents, space):
        _broken(f"{what} inside the constraints", "some outside")


def _check_states(course: _Course, task: Task) -> None:
    """One state for each point, each of them whole."""
    states, steps, count = course.states, task.settings.steps, len(task.rows)
    if not states or not all(isinstance(state, State) for state in states):
        _broken("a State for each point", "none" if not states else "something else")
    early = Status.RUNNING not in course.last.status and len(states) <= steps
    if [state.step for state in states] != list(range(len(states) if early else steps + 1)):
        _broken(f"one State for each of steps + 1 = {steps + 1} points, in order", f"steps {[s.step for s in states]}")
    space = task.generator.space
    for state in states:
        for name, loss in state.evaluation.losses.items():
            if tuple(loss.shape) != (count,):
                _broken(f"a loss {name!r} of shape ({count},)", f"{tuple(loss.shape)}")
        if Status.FAILED in state.status or not all(x.isfinite().all() for x in state.evaluation.losses.values()):
            _broken("finite losses and gradients", f"some that are not, in step {state.step}")
        pictures = (count, 3, *task.generator.resolution)
        if tuple(state.evaluation.images.shape) != pictures:
            _broken(f"images of shape {pictures}", f"{tuple(state.evaluation.images.shape)}")
        _check_entries("best latents", state.best.latents, space, (count,))
        if not task.settings.noise:  # noise may step outside; what is kept may not
            _check_entries("latents", state.evaluation.latents, space, (count,))
        for name, spec in space.items():
            begun = course.starts[name][:, 0]
            if spec.frozen and not all(torch.equal(x[name], begun) for x in (state.evaluation.latents, state.best.latents)):
                _broken(f"the frozen entry {name!r} as it was", "another")
    if not course.last.best.loss.isfinite().all():
        _broken("a selection that judges the last point at least", "no judgement")


def _check_seeds(method: Method, task: Task, course: _Course) -> None:
    """The same seeds give the same, other seeds something else."""
    if _apart(_run(method, task).last.best.latents, course.last.best.latents) > 0:
        _broken("the same outcome from the same seed", "another: it uses other randomness")
    others = [(prompt, seed + 100) for prompt, seed in zip(task.rows.prompts, task.rows.seeds, strict=True)]
    other = _run(method, Task(task.engine, task.engine.rows(others), task.settings))
    if _apart(other.last.best.latents, course.last.best.latents) == 0:
        _broken("another outcome from another seed", "the same: it ignores the rows' seeds")


def _check_alone(alone: _Course, course: _Course, row: int) -> None:
    """A row alone is the row in its batch."""
    pairs = [(alone.starts, course.starts)]
    for one, batch in zip(alone.states, course.states, strict=False):  # alone, a row on its plateau ends the run
        pairs.append((one.best.latents, batch.best.latents))
        pairs.append((dict(one.evaluation.losses), dict(batch.evaluation.losses)))
    worst = max(_apart(ours, {name: x[row : row + 1] for name, x in theirs.items()}) for ours, theirs in pairs)
    if worst > ROW_TOLERANCE:
        _broken("a row alone to equal the row in a batch", f"{worst:.2g} apart: rows mix, or are out of order")


def _apart(a: Latents, b: Latents) -> float:
    """The largest difference; infinite where the shapes differ."""
    if any(x.shape != b[name].shape for name, x in a.items()) or rows(a) != rows(b):
        return float("inf")
    return max(_distance(x, b[name]) for name, x in a.items())


def _distance(a: Tensor, b: Tensor) -> float:
    """The largest difference of two tensors."""
    return float((a.double() - b.double()).abs().max())


def _broken(expected: str, got: str) -> NoReturn:
    """Raise the error for a promise that was not kept."""
    raise PluginContractError(f"method: expected {expected}, got {got}.")
