"""Inversion with the models of an engine, whose bank says where to begin."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.inversion.invert import invert
from fusedream_sdk.inversion.likeness import InversionSettings, cover_all
from fusedream_sdk.inversion.result import Inversion
from fusedream_sdk.latents import Latents
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.recipe import Verb
from fusedream_sdk.run.report import make_recipe, record
from fusedream_sdk.run.settings import Settings

BOLD = 3.0  # the learning rate of an inversion falls to 0, so it begins above one that stays (tests/benchmarks/inversion)


def inversion_settings(settings: Settings, changes: Mapping[str, Any]) -> InversionSettings:
    """How a picture is looked for, with some values changed. Raises InvalidInput for a name that is not a setting."""
    return InversionSettings().replace(**{"lr": BOLD * settings.lr, **changes})


def invert_with(
    engine: Engine, pictures: Sequence[Tensor], how: InversionSettings, settings: Settings, *, progress: bool
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

    Raises:
        PluginContractError, WeightsError, PluginImportError, UnknownPlugin: a model cannot be used or had.
    """
    perceptual = engine.perceptual.model
    engine.check_once()
    generator = engine.generator.model
    own = how
    if settings.searches:  # a search that is to be quick looks at few here too
        own = how.replace(candidates=min(how.candidates, settings.samples), starts=min(how.starts, settings.samples))
    banked = engine.has_bank and settings.searches and not hasattr(generator, "encode")
    found = invert(
        generator,
        list(pictures),
        perceptual=perceptual,
        settings=own,
        starts=_from_bank(engine, cover_all(generator, pictures), settings, own, progress) if banked else None,
        precision=engine.precision,
        budget=engine.budget,
        progress=progress,
    )
    recipe = make_recipe(engine, settings, Verb.INVERT)
    return dataclasses.replace(
        found, recipe=dataclasses.replace(recipe, perceptual=record(engine.perceptual), inversion=own.to_json())
    )


def _from_bank(engine: Engine, targets: Tensor, settings: Settings, own: InversionSettings, progress: bool) -> Latents:
    """For each picture the latents that look most like it to the scorer: (P, M, ...) each."""
    scorer = engine.scorer.model
    with torch.no_grad(), engine.precision():
        embedded = scorer.encode_image(shrink(targets, scorer.resolution)).float()
    bank = engine.bank(settings, progress=progress)
    index, _ = bank.top(embedded, own.starts, seeds=[own.seed] * len(targets), samples=settings.samples)
    return bank.latents(engine.generator.model, index)
