"""config.json, checked before a model is built from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fusedream_sdk.errors import WeightsError, did_you_mean, shown
from fusedream_sdk.runtime.plain import excess, read_json

REMARKS = {"architectures", "model_type", "name", "description", "license"}  # allowed, and not read


Layer = tuple[bool, int, int]
"""Whether it doubles the sides, and its channels before and after, in units of the channel width."""


@dataclass(frozen=True)
class Config:
    """The architecture, by the names of the package's BigGANConfig.

    Attributes:
        output_dim: side of the images in pixels.
        z_dim: size of z, and of a class's embedding.
        class_embed_dim: never read: the package takes z_dim.
        channel_width: channels after the last layer.
        num_classes: how many there are.
        layers: the residual blocks.
        attention_layer_position: the block before which attention stands; none if there is no such block.
        eps: of the batch norms.
        n_stats: truncations from 0 to 1 whose batch-norm statistics are stored.
    """

    output_dim: int
    z_dim: int
    class_embed_dim: int
    channel_width: int
    num_classes: int
    layers: Sequence[Layer]
    attention_layer_position: int
    eps: float
    n_stats: int

    def to_dict(self) -> dict[str, object]:
        """As in config.json."""
        return asdict(self)

    def chain(self) -> Iterator[tuple[str, Layer | int]]:
        """Names of the layers' entries in their order, each with its block, or with the channels of an attention."""
        count = 0
        for i, (up, before, after) in enumerate(self.layers):
            if i == self.attention_layer_position:
                yield f"generator.layers.{count}.", self.channel_width * before
                count += 1
            yield f"generator.layers.{count}.", (up, self.channel_width * before, self.channel_width * after)
            count += 1


@dataclass(frozen=True)
class Extras:
    """What a config.json may say beyond the architecture."""

    class_names: tuple[str, ...] = ()
    recommended: dict[str, object] = field(default_factory=dict)


def positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def is_layer(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and isinstance(value[0], bool) and all(map(positive, value[1:]))


FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "output_dim": (positive, "a positive integer"),
    "z_dim": (positive, "a positive integer"),
    "class_embed_dim": (positive, "a positive integer"),
    "channel_width": (positive, "a positive integer"),
    "num_classes": (positive, "a positive integer"),
    "layers": (
        lambda v: isinstance(v, list) and bool(v) and all(map(is_layer, v)),
        "a list of [up-sample, inputs, outputs]",
    ),
    "attention_layer_position": (lambda v: isinstance(v, int) and not isinstance(v, bool), "an integer"),
    "eps": (lambda v: isinstance(v, float) and 0 < v < 1, "a small positive number"),
    "n_stats": (lambda v: positive(v) and v > 1, "an integer above 1"),
}


def read_config(path: Path) -> tuple[Config, Extras]:
    """Read and check a config.json.

    Raises:
        WeightsError: not JSON, a key that is missing, unknown or malformed, or layers that do not fit together.
    """
    try:
        values = read_json(path)
    except (ValueError, OSError) as error:
        raise WeightsError(f"{path}: expected a JSON object ({shown(str(error), 200)}).") from error
    if not isinstance(values, dict):
        raise WeightsError(f"{path}: expected a JSON object, got {type(values).__name__}.")
    check_keys(values, path)
    for name, (is_good, expected) in FIELDS.items():
        if not is_good(values[name]):
            raise WeightsError(f"{path}: {name}: expected {expected}, got {shown(repr(values[name]), 100)}.")
        if what := excess(values[name]):
            raise WeightsError(f"{path}: {name}: expected sizes that a network can have, got {what}.")
    check_layers(values, path)
    return Config(**{name: values[name] for name in FIELDS}), read_extras(values, path)


def check_keys(values: dict[str, Any], path: Path) -> None:
    """Every key known, none missing."""
    known = {*FIELDS, *Extras.__dataclass_fields__, *REMARKS}
    missing = [name for name in FIELDS if name not in values]
    if missing:
        raise WeightsError(f"{path}: {missing[0]!r} is missing. Expected the config.json of a BigGAN-deep.")
    unknown = sorted(set(values) - known)
    if unknown:
        raise WeightsError(f"{path}: {shown(unknown[0], 60)!r} is unknown. {did_you_mean(unknown[0], known)}".rstrip())


def check_layers(values: dict[str, Any], path: Path) -> None:
    """The chain that the package's Generator takes for granted: 16 channels in, 1 out, halved or kept, up by twos."""
    layers, width = values["layers"], values["channel_width"]
    outputs = [16, *(after for _, _, after in layers)]
    for i, (_, before, after) in enumerate(layers):
        if before != outputs[i] or after not in (before, before // 2) or width * before % 4:
            raise WeightsError(f"{path}: layers[{i}] = {layers[i]} does not follow on {outputs[i]} inputs.")
    if outputs[-1] != 1:
        raise WeightsError(f"{path}: layers: expected the last to have 1 output, got {outputs[-1]}.")
    side = 4 * 2 ** sum(up for up, _, _ in layers)
    if side != values["output_dim"]:
        raise WeightsError(f"{path}: output_dim: expected {side} by the layers, got {values['output_dim']}.")
    attention = values["attention_layer_position"]
    if 0 <= attention < len(layers) and width * layers[attention][1] % 8:
        raise WeightsError(f"{path}: attention_layer_position: expected channels in eights at layer {attention}.")


def read_extras(values: dict[str, Any], path: Path) -> Extras:
    """Class names and recommended settings, if there are any."""
    names, recommended = values.get("class_names", []), values.get("recommended", {})
    if not isinstance(names, list) or len(names) not in (0, values["num_classes"]):
        raise WeightsError(f"{path}: class_names: expected a list of {values['num_classes']} names.")
    if not isinstance(recommended, dict):
        raise WeightsError(f"{path}: recommended: expected an object of settings, got {shown(repr(recommended), 100)}.")
    return Extras(tuple(map(str, names)), recommended)
