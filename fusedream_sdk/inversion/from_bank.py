"""Inversion with the models of an engine, whose bank says where to begin."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.inversion.invert import Watch, invert_one
from fusedream_sdk.inversion.likeness import InversionSettings, Likeness, cover_all
from fusedream_sdk.inversion.result import FILE, Inversion, numbered
from fusedream_sdk.latents import Latents
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.optim.state import State
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.filling import Filling
from fusedream_sdk.run.folder import Folder
from fusedream_sdk.run.recipe import Verb
from fusedream_sdk.run.report import make_recipe, record
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.chunks import run_chunks

Done = Callable[[range, Inversion], None]
"""Called with the number of a picture, as a range of one, and what was found for it."""

BOLD = 3.0  # the learning rate of an inversion falls to 0, so it begins above one that stays (tests/benchmarks/inversion)


def inversion_settings(settings: Settings, changes: Mapping[str, Any]) -> InversionSettings:
    """How a picture is looked for, with some values changed. Raises InvalidInput for a name that is not a setting."""
    return InversionSettings().replace(**{"lr": BOLD * settings.lr, **changes})


def invert_with(
    engine: Engine,
    pictures: Sequence[Tensor],
    how: InversionSettings,
    settings: Settings,
    *,
    progress: bool,
    into: Folder | None = None,
    watch: Callable[[State, Sequence[int]], None] | None = None,
) -> Inversion:
    """`invert` with the models of an engine.

    Where there is a bank, the starts are those of its latents whose pictures look most like the picture to the scorer. They
    are chosen among many, and by what they show, where the loss prefers pictures of the right colours, which are soon had by
    optimising.

    Args:
        engine: the models.
        pictures: (3, h, w) in [0, 1] each.
        how: they are looked for.
        settings: of the bank.
        progress: show progress bars on stderr.
        into: takes each picture as soon as it is found; those that are there already are not looked for again.
        watch: called with every state, and the picture that each of its rows belongs to.

    Raises:
        PluginContractError, WeightsError, PluginImportError, UnknownPlugin: a model cannot be used or had.
        KeyboardInterrupt: before the first picture had anything to give.
    """
    if settings.searches:  # a search that is to be quick looks at few here too
        how = how.replace(candidates=min(how.candidates, settings.samples), starts=min(how.starts, settings.samples))
    if into is not None:
        into.plan(numbered(len(pictures)), [FILE])  # before a model is loaded
    models = {"perceptual": record(engine.perceptual), "inversion": how.to_json()}
    engine.check_once()
    recipe = dataclasses.replace(make_recipe(engine, settings, Verb.INVERT), **models)

    def one(number: int) -> Inversion:
        def seen(state: State) -> None:
            if watch is not None:
                watch(state, [number] * len(state.status))

        found = _look(engine, pictures[number], how, settings, progress, seen)
        return dataclasses.replace(found, recipe=recipe)

    def work(left: list[int], done: Done = lambda rows, found: None) -> Inversion:
        stopped = {"stopped": lambda part: Status.CANCELLED in part.status, "done": done}
        parts, _ = run_chunks(len(left), 1, lambda rows: one(left[rows.start]), **stopped)
        if not parts:
            raise KeyboardInterrupt
        return Inversion.concatenate(parts)

    if into is None:
        return work(list(range(len(pictures))))
    filling = Filling(
        asked={"recipe": recipe.to_json(), "pictures": [fingerprint_of({"picture": picture}) for picture in pictures]},
        stems=numbered(len(pictures)),
        beside=[FILE],
        whole=FILE,
        load=Inversion.load_part,
        split=Inversion.split,
        join=Inversion.concatenate,
    )
    return filling.run(into, work)


def _look(
    engine: Engine, picture: Tensor, how: InversionSettings, settings: Settings, progress: bool, watch: Watch
) -> Inversion:
    """One picture, from the bank's latents where one can serve."""
    generator = engine.generator.model
    banked = engine.has_bank and settings.searches and not hasattr(generator, "encode")
    targets = cover_all(generator, [picture])
    likeness = Likeness(engine.at_work[0], targets, engine.perceptual.model, how, precision=engine.precision)
    starts = _from_bank(engine, targets, settings, how, progress) if banked else None
    return invert_one(likeness, starts, engine.budget, ("", progress), watch)


def _from_bank(engine: Engine, targets: Tensor, settings: Settings, own: InversionSettings, progress: bool) -> Latents:
    """The latents that look most like the one picture to the scorer: (1, M, ...) each."""
    scorer = engine.scorer.model
    with torch.no_grad(), engine.precision():
        embedded = scorer.encode_image(shrink(targets, scorer.resolution)).float()
    bank = engine.bank(settings, progress=progress)
    index, _ = bank.top(embedded, own.starts, seeds=[own.seed] * len(targets), samples=settings.samples)
    return bank.latents(engine.generator.model, index)
