"""The YAML of a taming checkpoint, checked before a model is built from it. Nothing that it names is imported."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from fusedream_sdk.errors import WeightsError

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
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"{path}: expected a YAML file ({reason}).") from error
    model = section(values, "model", path)
    target = model.get("target")
    if target not in TARGETS:
        raise WeightsError(f"{path}: model.target: expected {' or '.join(TARGETS)}, got {target!r}.")
    params = section(model, "params", path, "model.")
    check(params, SIZES, path, "model.params")
    ddconfig = section(params, "ddconfig", path, "model.params.")
    check(ddconfig, LAYERS, path, "model.params.ddconfig")
    layers = {name: ddconfig[name] for name in LAYERS} | {name: ddconfig.get(name, value) for name, value in DEFAULTS.items()}
    if layers["double_z"]:
        raise WeightsError(f"{path}: model.params.ddconfig.double_z: expected false, as in every VQGAN, got true.")
    if layers["ch"] % GROUPS:
        raise WeightsError(f"{path}: model.params.ddconfig.ch: expected a multiple of {GROUPS}, got {layers['ch']}.")
    return Config(TARGETS[target], params["embed_dim"], params["n_embed"], layers)


def section(values: Any, name: str, path: Path, parent: str = "") -> Mapping[str, Any]:
    """A mapping inside a mapping."""
    found = values.get(name) if isinstance(values, Mapping) else None
    if not isinstance(found, Mapping):
        got = "no such section" if found is None else repr(found)
        raise WeightsError(f"{path}: {parent}{name}: expected a section, as in taming's configs of a VQGAN; got {got}.")
    return found


def check(values: Mapping[str, Any], rules: Mapping[str, Rule], path: Path, where: str) -> None:
    """Every value there and of its kind."""
    for name, (is_good, expected) in rules.items():
        if not is_good(values.get(name)):
            got = repr(values[name]) if name in values else "nothing"
            raise WeightsError(f"{path}: {where}.{name}: expected {expected}, got {got}.")
