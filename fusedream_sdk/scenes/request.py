"""What a composition is asked for, and the models that draw its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.models.loading import Loaded, loaded_generator
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.kinds import is_layer
from fusedream_sdk.run.recipe import ModelRecord
from fusedream_sdk.run.report import record
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scenes.layer import Layer, read_still
from fusedream_sdk.scenes.placement import Placement
from fusedream_sdk.scenes.scene import FREE_SCALES, Scene
from fusedream_sdk.scenes.settings import SceneSettings
from fusedream_sdk.scoring.prompt import Prompt

LAYERS = ("background", "foreground")


@dataclass(frozen=True)
class LayerRecord:
    """What a recipe says of a layer.

    Attributes:
        prompt: of its own, as text.
        generator: of its own, also of a fixed picture.
        picture: whether it was a fixed picture.
    """

    prompt: str | None
    generator: ModelRecord | None
    picture: bool

    def to_json(self) -> dict[str, Any]:
        """As it stands in a file."""
        generator = None if self.generator is None else self.generator.to_json()
        return {"prompt": self.prompt, "generator": generator, "picture": self.picture}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> LayerRecord:
        """Raises KeyError where a part is missing, TypeError where one is of another kind."""
        prompt, generator, picture = (values[name] for name in ("prompt", "generator", "picture"))
        if not is_layer(values):
            raise TypeError("a layer of other parts")
        return cls(prompt, None if generator is None else ModelRecord.from_json(generator), picture)


@dataclass(frozen=True)
class Request:
    """What is asked for: every placement for each of these rows.

    Attributes:
        pairs: prompt and seed of every picture that is wanted.
        placements: the discrete set, or where free placements begin.
        layers: background and foreground.
        settings: of any picture. scene: of a composition.
    """

    pairs: Sequence[tuple[Prompt, int]]
    placements: Sequence[Placement]
    layers: tuple[Layer, Layer]
    settings: Settings
    scene: SceneSettings

    def bounded(self) -> Request:
        """The same with the bounds of a free placement's scale. Raises InvalidInput where one begins outside."""
        if not self.scene.free:
            return self
        return replace(self, scene=self.scene.replace(free=free_scales(self.scene.free, self.placements)))

    def build_scene(self, engines: Sequence[Engine]) -> Scene:
        """The generator of its candidates. Raises InvalidInput where nothing in it can be optimised."""
        free = self.scene.free
        scene = Scene(
            *(engines[0].generator.model, engines[1].generator.model, "free" if free else self.placements),
            feather=self.scene.feather,
            scales=FREE_SCALES if isinstance(free, bool) else free,
        )
        if all(spec.frozen for spec in scene.space.values()):
            expected = "at least one layer that is drawn, or a free placement"
            raise InvalidInput("foreground", expected=expected, got="two fixed pictures")
        return scene

    def describe_layers(self, engines: Sequence[Engine]) -> list[dict[str, Any]]:
        """The layers, for a recipe."""
        described = []
        for layer, engine in zip(self.layers, engines, strict=True):
            own = layer.generator is not None or layer.picture is not None
            prompt = None if layer.prompt is None else str(layer.prompt)
            described.append(LayerRecord(prompt, record(engine.generator) if own else None, layer.picture is not None))
        return [layer.to_json() for layer in described]


def layer_engines(engine: Engine, layers: Sequence[Layer]) -> list[Engine]:
    """The engines of the background and the foreground. Raises InvalidInput for a picture that cannot be used."""
    return [layer_engine(engine, layer, role) for layer, role in zip(layers, LAYERS, strict=True)]


def layer_engine(engine: Engine, layer: Layer, role: str) -> Engine:
    """The engine of one layer: the same, or one with the layer's own generator or picture."""
    if layer.picture is not None:
        return engine.drawing_with(Loaded(read_still(role, layer.picture, engine.generator.model), None))
    if layer.generator is not None:
        return engine.drawing_with(loaded_generator(layer.generator, engine.device))
    return engine


def free_scales(wanted: bool | tuple[float, float], starts: Sequence[Placement]) -> tuple[float, float]:
    """How far the scale of a free placement may go, see `SceneSettings`. Raises InvalidInput where one begins outside."""
    if isinstance(wanted, bool):
        return 0.5 * min(p.scale for p in starts), min(1.5 * max(p.scale for p in starts), 1.0)
    for start in starts:
        if not wanted[0] <= start.scale <= wanted[1]:
            expected = f"from {wanted[0]:g} to {wanted[1]:g}, as `free` says"
            raise InvalidInput("scales", expected=expected, got=start.scale)
    return wanted
