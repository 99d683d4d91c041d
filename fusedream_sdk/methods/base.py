"""The seat for methods: what makes one method of the literature another is which parts it chooses.

    @dataclass ... Method(starts, parametrise, objective, direction, optimiser, selection)

Every part is a function of a `Task`, so a method is a value: frozen, and made by one function with the constants of one
paper. A method that takes no gradient has a population in place of direction and optimiser.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents, map_latents, rows, select
from fusedream_sdk.optim.directions import Descent
from fusedream_sdk.optim.loop import Selection, iterate
from fusedream_sdk.optim.optimisers import MakeOptimiser, adam
from fusedream_sdk.optim.population import Population, Refinement, evolve
from fusedream_sdk.optim.state import State, side_by_side
from fusedream_sdk.protocols import Direction, Objective
from fusedream_sdk.run.settings import Settings, check_effect
from fusedream_sdk.run.task import Parametrise, Starts, Task, augclip, held_out, mixed, rows_at_a_time, searched
from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.checks import changed, check_count, check_flag, check_function, check_kind, check_names, names_of
from fusedream_sdk.runtime.device import rows_alone

MakePopulation = Callable[..., Population]
"""From where each group begins, name -> (B, k, ...), and the seed of each, to a population of `members` in every group; one
that takes a keyword `space` is given the generator's."""


def settings_adam(settings: Settings) -> MakeOptimiser:
    """Adam at the settings' learning rate."""
    return adam(settings.lr)


def as_published(way: Mapping[str, Any], numbers: Mapping[str, Any], published: bool) -> dict[str, Any]:
    """A method's settings: its way of doing things, and, where it is to run as it was published, its numbers.

    Without the latter the numbers are those that the models recommend, so that methods compare, and end soon with small models.

    Raises:
        InvalidInput: `published` is neither True nor False.
    """
    check_flag("published", published)
    return {**way, **(numbers if published else {})}


@dataclass(frozen=True)
class Method:
    """A choice of parts; the defaults are FuseDream's.

    Args:
        starts: where rows begin: `searched`, `drawn`, `gaussian`, or any function of a `Task`.
        parametrise: what is free: `mixed` (eq. 4), `direct` (eq. 2), or any function of a `Task` and the starts; with a
            population it has to be the latents themselves.
        objective: what is minimised, penalties included: `augclip`, or any function of a `Task`.
        direction: how its losses become what the optimiser takes as the gradient, clipped or not.
        optimiser: of the settings, such as `lambda settings: sgd(settings.lr, momentum=0.9, nesterov=True)`.
        selection: which point of a row is kept, and when the row stops.
        population: in place of direction and optimiser. Its members take the same views; groups never mix.
        members: of each group of a population; 1 without one.
        refine: steps along the gradient that every member takes before the population is told its loss, by direction and
            optimiser after all; None for a population that takes none.
        settings: constants of the method, over what the models recommend; a call's own settings come last.
        unused: names of settings that it has no use for; a call that gives one is refused.
        name: as in `list_methods`; None for one that was put together by hand, which a recipe cannot load again.
        options: with which it was loaded by that name.
    """

    starts: Starts = searched
    parametrise: Parametrise = mixed
    objective: Callable[[Task], Objective] = augclip
    direction: Direction = field(default_factory=Descent)
    optimiser: Callable[[Settings], MakeOptimiser] = settings_adam
    selection: Callable[[Task], Selection] = held_out
    population: MakePopulation | None = None
    members: int = 1
    refine: Refinement | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    unused: frozenset[str] = frozenset()
    name: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", check_count("members", self.members, most=bounds.POPULATION.most))
        for name in ("starts", "parametrise", "objective", "direction", "optimiser", "selection"):
            check_function(name, getattr(self, name), "a function, as `Method` says")
        for name in ("settings", "options"):
            check_kind(name, getattr(self, name), Mapping, "names with values", "Give a dictionary.")
        check_kind("unused", self.unused, (frozenset, set, list, tuple), "names of settings", "Give a frozenset of them.")
        check_kind("name", self.name, (str, type(None)), "a text, or None")
        if self.population is not None:
            check_function("population", self.population, "a function that makes a population")
        check_kind("refine", self.refine, (Refinement, type(None)), "a Refinement, or None")
        fix = "Leave it out, or give a population."
        if self.members > 1 and self.population is None:
            raise InvalidInput("members", expected="1, as there is no population", got=self.members, fix=fix)
        if self.refine is not None and self.population is None:
            raise InvalidInput("refine", expected="None, as there is no population", got=self.refine, fix=fix)
        check_names([*self.settings, *self.unused], names_of(Settings))

    def __str__(self) -> str:
        return self.name or "a method of your own"

    def settings_for(self, recommended: Settings, changes: Mapping[str, Any]) -> Settings:
        """The settings of a call. Raises InvalidInput as `check_changes`, or for a value that cannot be used."""
        self.check_changes(changes)
        settings = changed(recommended, {**self.settings, **changes})
        check_effect(settings, changes)
        return settings

    def check_changes(self, changes: Mapping[str, Any]) -> None:
        """Every name is a setting, and has a use here. Raises InvalidInput."""
        check_names(changes, names_of(Settings))
        for name in (name for name in changes if name in self.unused):
            fix = "Leave it out, or choose another method."
            raise InvalidInput(name, expected=f"nothing, as {self} has no use for it", got=changes[name], fix=fix)

    def points(self, steps: int) -> int:
        """At how many points each member of a row is evaluated in so many steps, those of a refinement on their way too."""
        return steps + 1 if self.refine is None else self.refine.points(steps)

    def at_a_point(self, steps: int) -> int:
        """Pictures of a row for each of its points, as if a refinement had more members instead: what a run has to bear."""
        return self.members * math.ceil(self.points(steps) / (steps + 1))

    def evaluations(self, settings: Settings) -> int:
        """How many pictures a row's run draws and scores, at most: what to hold equal where methods are compared.

        Counted are the points of all members, those of a refinement on their way too, and the looks at held-out views. Each is
        one, whatever its views, and whether or not a gradient is taken there, which takes about as long as two pictures more.
        The search and the report are not counted: a bank is drawn once for all rows, and a row that no bank can serve draws
        `settings.samples` pictures before its run. A row that stops on its plateau draws fewer.
        """
        steps = settings.steps
        looks = Selection(every=settings.check_every, patience=settings.patience, keep=settings.keep)
        return self.members * self.points(steps) + sum(looks.judges(step, last=step == steps) for step in range(steps + 1))

    def rows_at_a_time(self, task: Task, starts: Latents) -> int:
        """How many rows of a task run at once within the memory."""
        return rows_at_a_time(task, self.objective, starts, members=self.members)

    def states(self, task: Task, starts: Latents) -> Iterator[State]:
        """The course of some rows from where they begin, (B, k, ...) each: one `State` for each of `steps + 1` points.

        Where rows run alone, a row's course is the same to the bit among others.
        """
        count = rows(starts)
        if count > 1 and rows_alone(task.engine.device):
            return side_by_side([self.course(task.take([row]), select(starts, [row])) for row in range(count)])
        return self.course(task, starts)

    def course(self, task: Task, starts: Latents) -> Iterator[State]:
        """The course of some rows as one batch, whatever the device."""
        task = replace(task, starts=starts)  # a penalty may hold rows to where they began
        steps, selection = task.settings.steps, self.selection(task)
        if self.population is None:
            parametrisation = self.parametrise(task, starts)
            return iterate(
                *(self.objective(task), parametrisation, parametrisation.params),
                steps=steps,
                direction=self.direction,
                make_optimiser=self.optimiser(task.settings),
                selection=selection,
            )
        members = task.repeat(self.members)
        each = map_latents(lambda x: x[:, :1].repeat_interleave(self.members, dim=0), starts)
        free = {name: x for name, x in starts.items() if not task.generator.space[name].frozen}
        parametrisation = self.parametrise(members, each)
        if set(parametrisation.params) != set(free):
            expected, fix = f"what has the parameters {sorted(free)}, as a population moves latents", "Choose `direct`."
            raise InvalidInput("parametrise", expected=expected, got=f"{sorted(parametrisation.params)}", fix=fix)
        bounded = "space" in inspect.signature(self.population).parameters
        population = self.population(free, task.rows.seeds, **({"space": task.generator.space} if bounded else {}))
        refine = self.refine
        if refine is not None:
            refine = replace(refine, direction=self.direction, make_optimiser=self.optimiser(task.settings))
        return evolve(self.objective(members), parametrisation, population, steps=steps, selection=selection, refine=refine)
