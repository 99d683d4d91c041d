"""A named pair of models, and the description of a model that a recipe keeps."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from fusedream_sdk.errors import FuseDreamError, InvalidInput, PluginImportError, UnknownPlugin, WeightsError
from fusedream_sdk.models import registry
from fusedream_sdk.models.checks import device_of, identity
from fusedream_sdk.models.ensemble import ScorerLike, load_scorer, name_of
from fusedream_sdk.models.names import remembered
from fusedream_sdk.models.weighted import Weighted, split_views
from fusedream_sdk.models.weights import first_line
from fusedream_sdk.protocols import Generator, Perceptual, Reward, Scorer
from fusedream_sdk.runtime.checks import check_function, check_kind, kind_of

DEFAULT_PERCEPTUAL = "lpips"
OF_THE_SCORER = "scorer"  # the distance that serves where the default cannot be had
OBJECTS = "Pass objects as generator= and scorer=."


@dataclass(frozen=True)
class ModelPair:
    """What an entry point of the group `fusedream_sdk.models` returns.

    Attributes:
        generator, scorer: names that `load_generator` and `load_scorer` take.
        settings: values of `Settings` that suit the pair.
        judge: name of a scorer that is never optimised, for reports; empty if there is none.
        perceptual: name of the perceptual distance that suits the pair, for `load_perceptual`; empty if there is none.
        banks: a folder of latent banks that ship with the pair, as `fusedream bank build --out` writes them; empty if there is
            none. One that does not fit the models and settings any more is not used.
    """

    generator: str
    scorer: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    judge: str = ""
    perceptual: str = ""
    banks: str | Path = ""

    def __post_init__(self) -> None:
        check_kind("settings", self.settings, Mapping, "names of settings with values", "Give a dictionary: {'steps': 200}.")
        for name in ("judge", "perceptual"):
            check_kind(name, getattr(self, name), str, "a name", "Leave it out where there is none.")
        check_kind("banks", self.banks, (str, Path), "a folder", "Leave it out where there is none.")


@dataclass(frozen=True)
class Loaded:
    """A model and where it came from.

    Attributes:
        model: ready for use.
        name: what the user called it, of an ensemble a list or a dictionary, as JSON has them; None for an object that was
            passed in, which a recipe cannot load again.
        note: why it is not what one might expect; empty where it is.
    """

    model: Any
    name: str | list[str] | dict[str, float] | None
    note: str = ""

    @property
    def device(self) -> torch.device:
        """Where the model lives."""
        return device_of(self.model)

    @cached_property
    def fingerprint(self) -> str:
        """Identity of the weights; reading them takes a moment, so once."""
        return identity(self.model)

    @property
    def label(self) -> str:
        """For people: its name, those of an ensemble with their weights, or the class of an object."""
        if isinstance(self.name, Mapping):
            return " + ".join(f"{weight:g}*{name}" for name, weight in self.name.items())
        if isinstance(self.name, str):
            return self.name
        return " + ".join(self.name) if self.name is not None else f"a {type(self.model).__name__}"

    @property
    def kind(self) -> str:
        """Module and name of its class."""
        kind = type(self.model)
        return f"{kind.__module__}.{kind.__qualname__}"


@dataclass(frozen=True)
class Chosen:
    """Models to be loaded, by name or as they are, and the settings that suit them together."""

    generator: str | Generator
    scorer: ScorerLike
    perceptual: str | Perceptual | None
    settings: Mapping[str, Any]
    judge: str = ""
    banks: str | Path = ""


def choose(
    models: str | ModelPair | None,
    generator: str | Generator | None,
    scorer: ScorerLike | None,
    perceptual: str | Perceptual | None,
) -> Chosen:
    """The models and their common settings, from any combination of a pair and others.

    With nothing at all: BigGAN-deep-256 and CLIP ViT-B/32. The distance is the one that was asked for, that the pair names,
    or None, for `default_perceptual`. The judge is the pair's, unless it is the very scorer that was asked for in place of the
    pair's.

    Raises:
        InvalidInput: `models` is neither a name nor a pair. UnknownPlugin, PluginImportError, DuplicatePlugin: no such pair.
    """
    if models is not None and not isinstance(models, (str, ModelPair)):
        raise InvalidInput("models", expected="the name of a pair, such as 'emoji'", got=kind_of(models), fix=OBJECTS)
    if perceptual is not None and not isinstance(perceptual, str):
        check_function("perceptual", perceptual, "a name, or a function of two pictures")
    pair = registry.load("models", models) if isinstance(models, str) else models
    named = (pair.perceptual if pair is not None else "") or None
    if pair is None:
        pair = ModelPair(generator="biggan", scorer="clip")
    return Chosen(
        pair.generator if generator is None else generator,
        pair.scorer if scorer is None else scorer,
        named if perceptual is None else perceptual,
        dict(pair.settings) if generator is None and scorer is None else {},
        "" if pair.judge in _names(scorer) else pair.judge,
        pair.banks,
    )


def shipped_banks() -> list[str | Path]:
    """Folders of the latent banks that installed pairs ship with. A pair that cannot be loaded does not matter."""
    found: list[str | Path] = []
    for name in registry.list_models():
        with suppress(FuseDreamError):
            pair = registry.load("models", name)
            found += [pair.banks] if isinstance(pair, ModelPair) and pair.banks else []
    return list(dict.fromkeys(found))


def _names(scorer: ScorerLike | None) -> list[str]:
    """What a scorer, or the members of an ensemble, are called, without views of their own; objects have no name."""
    listed = list(scorer) if isinstance(scorer, (Sequence, Mapping)) and not isinstance(scorer, str) else [scorer]
    members = [member.scorer if isinstance(member, Weighted) else member for member in listed]
    return [split_views(name)[0] for name in members if isinstance(name, str)]


def loaded_generator(generator: str | Generator, device: torch.device) -> Loaded:
    """A generator by name, onto `device`, or as it is; one that a name loaded keeps that name."""
    if isinstance(generator, str):
        return Loaded(registry.load_generator(generator, device=device), generator)
    return Loaded(generator, remembered("generators", generator))


def loaded_scorer(scorer: ScorerLike, device: torch.device) -> Loaded:
    """A scorer or an ensemble by name, onto `device`, or as it is."""
    if isinstance(scorer, (str, Sequence, Mapping)):
        return Loaded(load_scorer(scorer, device=device), name_of(scorer))
    return Loaded(scorer, remembered("scorers", scorer))


def loaded_perceptual(perceptual: str | Perceptual, device: torch.device, scorer: Scorer | Reward | None = None) -> Loaded:
    """A perceptual distance by name, onto `device`, or as it is.

    A plugin whose signature has `scorer` (as `clip-features`) is given the scorer in use, whose weights it can share.
    """
    if isinstance(perceptual, str):
        shared = scorer is not None and registry.takes("perceptual", perceptual, "scorer")
        options = {"scorer": scorer} if shared else {"device": device}
        return Loaded(registry.load_perceptual(perceptual, **options), perceptual)
    if not callable(perceptual):
        raise InvalidInput("perceptual", expected="a name, or a function of two pictures", got=perceptual)
    return Loaded(perceptual, remembered("perceptual", perceptual))


def default_perceptual(device: torch.device, scorer: Scorer | Reward) -> Loaded:
    """LPIPS, the paper's distance, where it can be had; or else the features of the scorer in use, with a note that says so.

    Raises:
        WeightsError, PluginImportError, UnknownPlugin: LPIPS cannot be had, and the scorer is a reward, without features.
    """
    try:
        return loaded_perceptual(DEFAULT_PERCEPTUAL, device, scorer)
    except (WeightsError, PluginImportError, UnknownPlugin) as error:
        if not isinstance(scorer, Scorer):
            raise
        features = loaded_perceptual(OF_THE_SCORER, device, scorer)
        reason = first_line(error).partition(" (")[0].rstrip(".")
        note = f"pictures are compared by the {features.model.by} of the scorer, as LPIPS cannot be had: {reason}."
        logging.getLogger(__name__).info(note)
        return replace(features, note=note)
