"""The YAML of a taming checkpoint, checked before a model is built from it. Nothing that it names is imported."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from fusedream_sdk.errors import WeightsError, shown
from fusedream_sdk.runtime.plain import MOST, excess

Kind = Literal["vq", "gumbel"]
TARGETS: dict[str, Kind] = {"taming.models.vqgan.VQModel": "vq", "taming.models.vqgan.GumbelVQ": "gumbel"}
GROUPS = 32  # of taming's group norms


@dataclass(frozen=True)
class Config:
    """What the weights are of. Lengths in pixels, numbers of channels; `ddconfig` is that of taming's Encoder and Decoder."""

    kind: Kind
    embed_dim: int
    n_embed: int
    ddconfig: dict[str, Any]

    @property
    def stride(self) -> int:
        """Pixels per code, in either direction."""
        return 2 ** (len(self.ddconfig["ch_mult"]) - 1)

    @property
    def resolution(self) -> int:
        """Side of the pictures that it was trained on."""
        return self.ddconfig["resolution"]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)


LARGEST = 1 << 20  # bytes of a file
DEEPEST, LONGEST = 64, 16  # blocks of a resolution, resolutions


def positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def integers(value: Any) -> bool:
    return isinstance(value, list) and all(map(positive, value))


Rule = tuple[Callable[[Any], bool], str]
COUNT: Rule = (positive, "a positive integer")
SIZES: dict[str, Rule] = {"embed_dim": COUNT, "n_embed": COUNT}
LAYERS: dict[str, Rule] = {
    "resolution": COUNT,
    "z_channels": COUNT,
    "ch": COUNT,
    "num_res_blocks": (lambda v: v == 0 or positive(v), "an integer of at least 0"),
    "in_channels": (lambda v: v == 3, "3, for RGB pictures"),
    "out_ch": (lambda v: v == 3, "3, for RGB pictures"),
    "ch_mult": (lambda v: integers(v) and bool(v), "a list of positive integers"),
    "attn_resolutions": (integers, "a list of positive integers"),
}
DEFAULTS = {"dropout": 0.0, "double_z": True, "resamp_with_conv": True}  # taming's own


def read_config(path: Path) -> Config:
    """Read and check a YAML file.

    Raises:
        WeightsError: not YAML, or a section or value that is missing, malformed, or of a model that is no VQGAN.
    """
    try:
        values = read_yaml(path)
    except Exception as error:  # of the reader: a tag that it does not know, a date that is none, brackets without end
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise WeightsError(f"{path}: expected a YAML file ({shown(reason, 300)}).") from error
    model = section(values, "model", path)
    target = model.get("target")
    if not isinstance(target, str) or target not in TARGETS:
        raise WeightsError(f"{path}: model.target: expected {' or '.join(TARGETS)}, got {shown(repr(target), 100)}.")
    params = section(model, "params", path, "model.")
    check(params, SIZES, path, "model.params")
    ddconfig = section(params, "ddconfig", path, "model.params.")
    check(ddconfig, LAYERS, path, "model.params.ddconfig")
    layers = {name: ddconfig[name] for name in LAYERS} | {name: ddconfig.get(name, value) for name, value in DEFAULTS.items()}
    if not isinstance(layers["dropout"], (int, float)) or not 0 <= layers["dropout"] < 1:
        got = shown(repr(layers["dropout"]), 100)
        raise WeightsError(f"{path}: model.params.ddconfig.dropout: expected a number from 0 to 1, got {got}.")
    if layers["double_z"]:
        raise WeightsError(f"{path}: model.params.ddconfig.double_z: expected false, as in every VQGAN, got true.")
    if layers["ch"] % GROUPS:
        raise WeightsError(f"{path}: model.params.ddconfig.ch: expected a multiple of {GROUPS}, got {layers['ch']}.")
    return Config(TARGETS[target], params["embed_dim"], params["n_embed"], layers)


class Plain(yaml.SafeLoader):
    """YAML without anchors, by which a few lines can stand for billions."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("an alias, which no config of taming has")
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> Any:
    """What a file says; no tag in it makes anything but plain values. Raises whatever the reader does."""
    if path.stat().st_size > LARGEST:
        raise ValueError("more than a megabyte")
    return yaml.load(path.read_text(encoding="utf-8"), Plain)


def section(values: Any, name: str, path: Path, parent: str = "") -> Mapping[str, Any]:
    """A mapping inside a mapping."""
    found = values.get(name) if isinstance(values, Mapping) else None
    if not isinstance(found, Mapping):
        got = "no such section" if found is None else shown(repr(found), 100)
        raise WeightsError(f"{path}: {parent}{name}: expected a section, as in taming's configs of a VQGAN; got {got}.")
    return found


def check(values: Mapping[str, Any], rules: Mapping[str, Rule], path: Path, where: str) -> None:
    """Every value there and of its kind."""
    for name, (is_good, expected) in rules.items():
        if not is_good(values.get(name)):
            got = shown(repr(values[name]), 100) if name in values else "nothing"
            raise WeightsError(f"{path}: {where}.{name}: expected {expected}, got {got}.")
        if what := excess(values[name], most=DEEPEST if name == "num_res_blocks" else MOST, longest=LONGEST):
            raise WeightsError(f"{path}: {where}.{name}: expected sizes that a network can have, got {what}.")
