"""Some rows and all that it takes to draw them, and the parts that methods and scenes are made of.

A part is a function of a `Task`: where its rows begin, how they are parametrised, what is minimised, what judges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from fusedream_sdk.latents import Latents, firsts, map_latents, rows, select
from fusedream_sdk.optim.loop import Selection
from fusedream_sdk.optim.parametrise import BasisMix, Direct
from fusedream_sdk.protocols import Generator, Objective, Parametrisation, Params
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.rows import Rows
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.device import rows_alone
from fusedream_sdk.runtime.memory import rows_that_fit
from fusedream_sdk.runtime.progress import bar
from fusedream_sdk.scoring.augclip import AugCLIP, Penalty
from fusedream_sdk.scoring.target import PromptTarget, Target
from fusedream_sdk.scoring.views import Stream
from fusedream_sdk.search.ranks import Found
from fusedream_sdk.search.starts import drawn_starts, gaussian_starts, search_samples


@dataclass(frozen=True)
class Task:
    """What every part of a method is given.

    Attributes:
        engine: the models, their precision, the bank.
        rows: prompts and seeds, as the scorer read them.
        settings: the numbers of the run.
        progress: show progress bars on stderr.
        starts: where its rows begin, (B, k, ...) each, once that is known: while they are drawn. None before, as where the
            memory of a row is measured.
    """

    engine: Engine
    rows: Rows
    settings: Settings
    progress: bool = False
    starts: Latents | None = None

    @property
    def generator(self) -> Generator:
        """What draws."""
        return self.engine.generator.model

    @property
    def at_work(self) -> tuple[Generator, Target]:
        """What draws and what is wanted, as an objective calls them: see `Engine.at_work`."""
        if not self.engine.compiles:
            return self.generator, self.rows.target
        generator, scorer = self.engine.at_work
        return generator, self.rows.target.seen_by(scorer)  # pyright: ignore[reportArgumentType]  (both are of one kind)

    @property
    def uncompiled(self) -> Task:
        """The same rows for models that run as they are."""
        return replace(self, engine=self.engine.uncompiled)

    def take(self, index: Sequence[int]) -> Task:
        """The same for some of the rows."""
        starts = None if self.starts is None else select(self.starts, index)
        return replace(self, rows=self.rows.take(index), starts=starts)

    def repeat(self, times: int) -> Task:
        """The same with every row so often, one beside the other."""
        starts = self.starts and map_latents(lambda x: x.repeat_interleave(times, dim=0), self.starts)
        return replace(self, rows=self.rows.repeat(times), starts=starts)


Starts = Callable[[Task], Latents]
"""Where the rows of a task begin: a basis of k latents for each, best first, (B, k, ...) each."""


class Begun(Parametrisation, Protocol):
    """A parametrisation and where it begins."""

    @property
    def params(self) -> Params:
        """The free parameters at the start, (B, ...) each."""
        ...


Parametrise = Callable[[Task, Latents], Begun]
"""From such a basis to what is free."""


def searched(task: Task) -> Latents:
    """The `basis` best of the row's `samples` (section 3.2): from the bank where one can serve; one draw without a search.

    Where the settings pin some places of the search, or drop some, the basis is made accordingly.
    """
    return found_at(task, task.settings.ranks).latents if task.settings.searches else drawn(task)


def found_at(task: Task, ranks: Sequence[int]) -> Found:
    """What the search of each row has at some places, 0 the best."""
    rows, settings, engine = task.rows, task.settings, task.engine
    if engine.has_bank and isinstance(rows.target, PromptTarget):
        bank, chosen = engine.bank(settings, progress=task.progress), list(ranks)
        top = bank.top(rows.target.embeddings, max(ranks) + 1, seeds=rows.seeds, samples=settings.samples)
        index, scores = (x[:, chosen] for x in top)
        return Found(bank.latents(task.generator, index), index, scores)
    with bar("searching", task.progress) as advance:
        return search_samples(
            *(task.generator, rows.target, rows.prompts, rows.seeds),
            ranks=ranks,
            samples=settings.samples,
            views=(settings.search_views, settings.bank_views),
            run=(engine.precision, advance),
        )


def drawn(task: Task, k: int = 1) -> Latents:
    """k draws of the generator's own from the row's seed."""
    return drawn_starts(task.generator, task.rows.prompts, task.rows.seeds, k=k)


def gaussian(task: Task) -> Latents:
    """One draw from a Gaussian in every coordinate, from the row's seed."""
    return gaussian_starts(task.generator, task.rows.prompts, task.rows.seeds)


def mixed(task: Task, starts: Latents) -> Direct | BasisMix:
    """The basis latents and their weights, optimised together (eq. 4); for a basis of one the latents themselves."""
    if task.settings.basis == 1:
        return direct(task, starts)
    return BasisMix(task.generator.space, starts, mix=task.settings.mix, seeds=task.rows.seeds)


def direct(task: Task, starts: Latents) -> Direct:
    """The first latent of each basis (eq. 2)."""
    return Direct(task.generator.space, firsts(starts))


def augclip(task: Task, penalties: Mapping[str, Penalty] | None = None) -> AugCLIP:
    """AugCLIP (eq. 3) on the views that are optimised, with the settings' views and noise."""
    settings = task.settings
    return AugCLIP(
        *(*task.at_work, task.rows.seeds),
        views=settings.augment,
        count=settings.views,
        noise=settings.noise,
        penalties=penalties or {},
        precision=task.engine.precision,
    )


def held_out(task: Task) -> Selection:
    """The best point by AugCLIP on views that are not optimised, of clean latents; or the last, where the settings say so."""
    settings = task.settings
    judge = AugCLIP(
        *(*task.at_work, task.rows.seeds),
        views=settings.augment,
        count=settings.check_views,
        stream=Stream.SELECT,
        precision=task.engine.precision,
    )
    return Selection(judge, settings.check_every, settings.patience, keep=settings.keep)


def rows_at_a_time(task: Task, objective: Callable[[Task], Objective], starts: Latents, *, members: int = 1) -> int:
    """How many of the rows run at once, each of so many members: those that fit the memory; one where rows run alone."""
    if rows(starts) == 1 or rows_alone(task.engine.device):
        return 1
    two, as_they_are = map_latents(lambda x: x[:2, 0], starts), task.uncompiled  # one row and two are no shapes of the run
    fit = rows_that_fit(lambda n: objective(as_they_are.take(range(n))), two, task.engine.budget)
    return max(1, fit // members)
