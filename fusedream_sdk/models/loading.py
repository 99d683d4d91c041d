"""A named pair of models, and the description of a model that a recipe keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.models import registry
from fusedream_sdk.models.checks import device_of, identity
from fusedream_sdk.models.ensemble import ScorerLike, load_scorer, name_of
from fusedream_sdk.models.names import remembered
from fusedream_sdk.protocols import Generator, Perceptual, Reward, Scorer
from fusedream_sdk.runtime.checks import check_function, check_kind, kind_of

DEFAULT_PERCEPTUAL = "lpips"
OBJECTS = "Pass objects as generator= and scorer=."


@dataclass(frozen=True)
class ModelPair:
    """What an entry point of the group `fusedream_sdk.models` returns.

    Attributes:
        generator, scorer: names that `load_generator` and `load_scorer` take.
        settings: values of `Settings` that suit the pair.
        judge: name of a scorer that is never optimised, for reports; empty if there is none.
        perceptual: name of the perceptual distance that suits the pair, for `load_perceptual`; empty if there is none.
    """

    generator: str
    scorer: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    judge: str = ""
    perceptual: str = ""

    def __post_init__(self) -> None:
        check_kind("settings", self.settings, Mapping, "names of settings with values", "Give a dictionary: {'steps': 200}.")
        for name in ("judge", "perceptual"):
            check_kind(name, getattr(self, name), str, "a name", "Leave it out where there is none.")


@dataclass(frozen=True)
class Loaded:
    """A model and where it came from.

    Attributes:
        model: ready for use.
        name: what the user called it, of an ensemble a list or a dictionary, as JSON has them; None for an object that was
            passed in, which a recipe cannot load again.
    """

    model: Any
    name: str | list[str] | dict[str, float] | None

    @property
    def device(self) -> torch.device:
        """Where the model lives."""
        return device_of(self.model)

    @cached_property
    def fingerprint(self) -> str:
        """Identity of the weights; reading them takes a moment, so once."""
        return identity(self.model)

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
    perceptual: str | Perceptual
    settings: Mapping[str, Any]
    judge: str = ""


def choose(
    models: str | ModelPair | None,
    generator: str | Generator | None,
    scorer: ScorerLike | None,
    perceptual: str | Perceptual | None,
) -> Chosen:
    """The models and their common settings, from any combination of a pair and others.

    With nothing at all: BigGAN-deep-256 and CLIP ViT-B/32. The distance is the one that was asked for, that the pair names,
    or LPIPS (the paper's). The judge is the pair's, unless it is the very scorer that was asked for in place of the pair's.

    Raises:
        InvalidInput: `models` is neither a name nor a pair. UnknownPlugin, PluginImportError, DuplicatePlugin: no such pair.
    """
    if models is not None and not isinstance(models, (str, ModelPair)):
        raise InvalidInput("models", expected="the name of a pair, such as 'emoji'", got=kind_of(models), fix=OBJECTS)
    if perceptual is not None and not isinstance(perceptual, str):
        check_function("perceptual", perceptual, "a name, or a function of two pictures")
    pair = registry.load("models", models) if isinstance(models, str) else models
    named = (pair.perceptual if pair is not None else "") or DEFAULT_PERCEPTUAL
    if pair is None:
        pair = ModelPair(generator="biggan", scorer="clip")
    return Chosen(
        pair.generator if generator is None else generator,
        pair.scorer if scorer is None else scorer,
        named if perceptual is None else perceptual,
        dict(pair.settings) if generator is None and scorer is None else {},
        "" if pair.judge in _names(scorer) else pair.judge,
    )


def _names(scorer: ScorerLike | None) -> list[str]:
    """What a scorer, or the members of an ensemble, are called; objects have no name."""
    listed = list(scorer) if isinstance(scorer, (Sequence, Mapping)) and not isinstance(scorer, str) else [scorer]
    return [name for name in listed if isinstance(name, str)]


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
