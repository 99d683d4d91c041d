"""From a file to a StyleGAN2: strict, and never running code from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from fusedream_sdk.errors import WeightsError, shown
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.models.persistent import KEY, is_pickled_whole, refused_whole
from fusedream_sdk.models.weights import as_float32, check_digest, check_tensors, damaged, named_tensors, read_whole
from fusedream_sdk.runtime.plain import parse_json
from fusedream_stylegan2.layers import low_pass
from fusedream_stylegan2.layouts import FILTER_GAIN, Sizes, read_sizes
from fusedream_stylegan2.network import RATE

ENTRY, MEAN = "g_ema", "latent_avg"  # of rosinality's files
ADVICE = "Is it the moving average of a generator (config E or F), whole?"
ACTIVATIONS = ("lrelu", "linear")


@dataclass(frozen=True)
class Checkpoint:
    """What was read: float32, on the CPU.

    Attributes:
        sizes: of the network.
        parts: tensors under our names, see `Sizes.entries`.
        mean: of w, (w_dim,), if the file has it.
        bound: of the activations, if the file has one.
        fingerprint: identity of all that.
    """

    sizes: Sizes
    parts: Mapping[str, Tensor]
    mean: Tensor | None
    bound: float | None
    fingerprint: str


def load_checkpoint(path: Path, *, sha256: str | None = None) -> Checkpoint:
    """Read a file strictly.

    Raises:
        WeightsError: a digest that differs, a file that is damaged or holds code, entries that are missing, unexpected,
            of another shape or not finite, or a network that is no StyleGAN2.
    """
    if sha256 is not None:
        check_digest(path, sha256)
    if is_pickled_whole(path):
        raise refused_whole(path)
    whole = read_whole(path)
    found = {name: as_float32(x, name, path) for name, x in named_tensors(whole, path, ENTRY).items()}
    mean = stored_mean(path, whole, found)
    sizes = read_sizes(found, path)
    filters = list(sizes.filters())
    entries = list(sizes.entries())
    with torch.device("meta"):
        wanted = {entry.stored: torch.empty(entry.stored_shape) for entry in entries}
        wanted |= {name: torch.empty(4, 4) for name in filters}
    check_tensors(wanted, found, path, model=f"a StyleGAN2 of {sizes.resolution} pixels", advice=ADVICE)
    check_filters({name: found[name] for name in filters}, sizes, path)
    parts = {entry.name: found[entry.stored].reshape(entry.shape) for entry in entries}
    mean = parts.pop("mapping.w_avg", mean)
    bound = stored_bound(path)
    if mean is not None and mean.numel() != sizes.mapping[-1]:
        raise WeightsError(f"{path}: {MEAN}: expected {sizes.mapping[-1]} values, got {mean.numel()}. {ADVICE}")
    about = {"architecture": "stylegan2", "layout": sizes.layout, "bound": bound}
    identity = fingerprint_of({**parts, **({} if mean is None else {"mean": mean.flatten()})}, about)
    return Checkpoint(sizes, parts, None if mean is None else mean.flatten(), bound, identity)


def stored_mean(path: Path, whole: object, found: dict[str, Tensor]) -> Tensor | None:
    """The mean of w, which rosinality's converter puts beside the generator; taken out of `found`, where it is in there."""
    if MEAN in found or path.suffix == ".safetensors":
        return found.pop(MEAN, None)
    mean = whole.get(MEAN) if isinstance(whole, Mapping) else None
    if not isinstance(mean, Tensor):
        return None
    if not (mean.is_floating_point() and bool(torch.isfinite(mean).all())):
        raise WeightsError(f"{path}: {MEAN}: expected finite numbers. The file is damaged; download it again.")
    return as_float32(mean, MEAN, path)


def check_filters(filters: Mapping[str, Tensor], sizes: Sizes, path: Path) -> None:
    """They are the filter that the network has. Raises WeightsError."""
    wanted = low_pass(FILTER_GAIN[sizes.layout])
    for name, value in filters.items():
        if not torch.allclose(value, wanted, atol=1e-4):
            raise WeightsError(f"{path}: {name}: expected the filter 1, 3, 3, 1 of every StyleGAN2, got another.")


def stored_bound(path: Path) -> float | None:
    """What no activation exceeds, as the words say that `fusedream convert` puts into a file of NVIDIA's.

    Raises:
        WeightsError: they tell of a network that is not drawn here.
    """
    said = stored_words(path)
    bounds = {value for name, value in said.items() if name.endswith(".conv_clamp")}
    activations = {value for name, value in said.items() if name.endswith(".activation")}
    rates = {value for name, value in said.items() if name.startswith("mapping.fc") and name.endswith(".bias_gain")}
    if activations - set(ACTIVATIONS) or rates - {RATE} or len(bounds) > 1:
        told = shown(f"activations {sorted(map(str, activations))}, factors {sorted(map(str, rates))}, bounds {bounds}", 200)
        expected = f"leaky ReLU, a mapping network with the factor {RATE}, and one bound"
        raise WeightsError(f"{path}: expected a StyleGAN2 with {expected}, got {told}.")
    (bound,) = bounds or {None}
    if bound is not None and not (isinstance(bound, (int, float)) and 0 < bound < float("inf")):
        raise WeightsError(f"{path}: expected a bound of the activations above 0, got {shown(repr(bound), 100)}.")
    return None if bound is None else float(bound)


def stored_words(path: Path) -> Mapping[str, Any]:
    """The plain numbers of layers in a file that `fusedream convert` made; none in any other."""
    if path.suffix != ".safetensors":
        return {}
    try:
        with safe_open(str(path), framework="pt") as file:
            said = parse_json((file.metadata() or {}).get(KEY, "{}"))
    except Exception as error:  # whatever a damaged file sets off in the readers
        raise damaged(path, error) from error
    plain = isinstance(said, dict) and all(value is None or isinstance(value, (str, int, float)) for value in said.values())
    if not plain:
        raise WeightsError(f"{path}: expected numbers and words of its layers under {KEY!r}, got something else.")
    return said
