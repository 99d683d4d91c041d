"""A recipe: what a picture was made by, enough to make it again. One class, one writer, one reader.

The words of the file are those of the first version, so that any version reads any other's pictures: there the verb is
called `method`, and a method other than FuseDream stands under `steering`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pictures import read_recipe
from fusedream_sdk.run.kinds import wrong_part
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.checks import check_seeds
from fusedream_sdk.runtime.plain import is_text

DEFAULT_METHOD = "fusedream"
MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)  # what strange values raise
DAMAGED = "It was damaged, or saved by another version: fusedream --version."


class Verb(StrEnum):
    """What was asked for."""

    GENERATE = "generate"
    COMPOSE = "compose"
    INVERT = "invert"


@dataclass(frozen=True)
class ModelRecord:
    """Which model it was.

    Attributes:
        name: what the user called it; of an ensemble a list or a dictionary; None for an object, which no name can load.
        kind: its class. fingerprint: identity of its weights.
    """

    name: str | list[str] | dict[str, float] | None = None
    kind: str = ""
    fingerprint: str = ""

    def to_json(self) -> dict[str, Any]:
        """As it stands in a file."""
        return {"name": self.name, "class": self.kind, "fingerprint": self.fingerprint}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ModelRecord:
        """Raises KeyError where a part is missing."""
        return cls(values["name"], values["class"], values["fingerprint"])


@dataclass(frozen=True)
class MethodRecord:
    """Which method it was: its name, None for one put together by hand, and the options of that name."""

    name: str | None = DEFAULT_METHOD
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_default(self) -> bool:
        """Whether a file need not say it."""
        return self.name == DEFAULT_METHOD and not self.options

    def to_json(self) -> dict[str, Any]:
        """As it stands in a file."""
        return {"name": self.name, "options": dict(self.options)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> MethodRecord:
        """Raises KeyError where a part is missing, TypeError where one is of another kind."""
        if not is_text(values["name"]):
            raise TypeError("a method whose name is no text")
        return cls(values["name"], dict(**values["options"]))


@dataclass(frozen=True)
class Recipe:
    """What a picture was made by.

    Attributes:
        verb: what was asked for.
        version: of the package that drew it.
        generator, scorer: the models.
        dtype: number format of the optimisation. compiled: whether its models ran compiled, which rounds otherwise.
        settings: of the run. method: the choice of parts.
        start: where the rows were told to begin: fingerprints of the "picture" and of the "latents"; None after a search.
        scene, layers, placement: of a composed picture, as its room writes them.
        perceptual: the distance, where one was used.
        inversion: how the picture at which it began was inverted.
        prompt, seed, scores: of one row.
        found: how near an inversion came.
    """

    verb: Verb = Verb.GENERATE
    version: str = ""
    generator: ModelRecord = ModelRecord()
    scorer: ModelRecord = ModelRecord()
    dtype: str = ""
    settings: Settings = Settings()
    method: MethodRecord = MethodRecord()
    start: Mapping[str, str | None] | None = None
    scene: Mapping[str, Any] | None = None
    layers: Sequence[Mapping[str, Any]] | None = None
    perceptual: ModelRecord | None = None
    inversion: Mapping[str, Any] | None = None
    prompt: str | None = None
    seed: int | None = None
    scores: Mapping[str, float] | None = None
    placement: Mapping[str, float] | None = None
    found: Mapping[str, float] | None = None
    compiled: bool = False

    def row(self, prompt: str, seed: int, scores: Mapping[str, float], start: str | None = None) -> Recipe:
        """The recipe of one row, with the fingerprint of the latents at which it began, if it was told to."""
        begun = self.start if start is None else {**(self.start or {}), "latents": start}
        return replace(self, prompt=prompt, seed=seed, scores=dict(scores), start=begun)

    def to_json(self) -> dict[str, Any]:
        """Plain values; what was not said is left out."""
        parts = {
            "method": str(self.verb),
            "version": self.version,
            "generator": self.generator.to_json(),
            "scorer": self.scorer.to_json(),
            "dtype": self.dtype,
            "compiled": self.compiled or None,
            "settings": self.settings.to_json(),
            "steering": None if self.method.is_default else self.method.to_json(),
            "start": self.start,
            "scene": self.scene,
            "layers": self.layers,
            "perceptual": None if self.perceptual is None else self.perceptual.to_json(),
            "inversion": self.inversion,
            "prompt": self.prompt,
            "seed": self.seed,
            "scores": self.scores,
            "placement": self.placement,
            "found": self.found,
        }
        return {name: value for name, value in parts.items() if value is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: str = "one") -> Recipe:
        """What `to_json` wrote, by any version.

        Args:
            values: of the file.
            where: what an error calls it.

        Raises:
            InvalidInput: a part is missing, or of another kind, or a setting cannot be used.
        """
        if not isinstance(values, Mapping):
            raise InvalidInput("picture", expected="a whole recipe", got=f"{where} with something else", fix=DAMAGED)
        wrong = wrong_part(values, _needed(values))
        if wrong is not None:
            raise InvalidInput("picture", expected="a whole recipe", got=f"{where} without {wrong!r}", fix=DAMAGED)
        try:
            check_seeds(values.get("seed", 0))
            return cls(
                verb=Verb(values["method"]),
                version=values["version"],
                generator=ModelRecord.from_json(values["generator"]),
                scorer=ModelRecord.from_json(values["scorer"]),
                dtype=values["dtype"],
                settings=Settings.from_json(values["settings"]),
                method=MethodRecord.from_json(values["steering"]) if "steering" in values else MethodRecord(),
                perceptual=ModelRecord.from_json(values["perceptual"]) if "perceptual" in values else None,
                **{name: values[name] for name in AS_THEY_ARE if name in values},
            )
        except MALFORMED as error:
            got = f"{where} with other settings ({error})"
            raise InvalidInput("picture", expected="a whole recipe", got=got, fix=DAMAGED) from error

    @classmethod
    def read(cls, picture: str | Path) -> Recipe:
        """The recipe of one row, from the PNG that carries it.

        Raises:
            InvalidInput: no such file, not a picture, or one without a whole recipe of a row.
        """
        recipe = cls.from_json(read_recipe(picture), str(picture))
        for name in ("prompt", "seed"):
            if getattr(recipe, name) is None:
                raise InvalidInput("picture", expected="a whole recipe", got=f"{picture} without {name!r}", fix=DAMAGED)
        return recipe


ALWAYS = ("method", "version", "generator", "scorer", "dtype", "settings")
COMPOSED = ("scene", "layers", "perceptual")
AS_THEY_ARE = ("start", "scene", "layers", "inversion", "prompt", "seed", "scores", "placement", "found", "compiled")


def _needed(values: Mapping[str, Any]) -> set[str]:
    """The parts without which such a recipe is not whole."""
    composed = set(COMPOSED) if values.get("method") == Verb.COMPOSE else set()
    start = values.get("start")
    inverted = {"perceptual", "inversion"} if isinstance(start, dict) and start.get("picture") is not None else set()
    return {*ALWAYS, *composed, *inverted}
