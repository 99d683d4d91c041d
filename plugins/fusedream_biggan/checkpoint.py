"""From files to the package's own BigGAN: strict, and never running code from a file."""

from __future__ import annotations

import hashlib
import pickle
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from pytorch_pretrained_biggan import BigGAN, BigGANConfig
from safetensors.torch import load_file
from torch import Tensor

from fusedream_biggan.config import Extras, read_config
from fusedream_biggan.files import Files, first_line
from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.fingerprint import fingerprint_of


@dataclass(frozen=True)
class Checkpoint:
    """The package's model as loaded (float32, frozen, on the CPU), and what its config.json says beyond it."""

    model: BigGAN
    extras: Extras
    fingerprint: str


def load_checkpoint(files: Files, *, sha256: str | None = None) -> Checkpoint:
    """Read a checkpoint strictly.

    Raises:
        WeightsError: a digest that differs, a file that is damaged or holds code, entries that are missing, unexpected,
            of another shape or not finite.
    """
    if sha256 is not None:
        check_digest(files.weights, sha256)
    config, extras = read_config(files.config)
    tensors = read_tensors(files.weights)
    model = fill(config, tensors, files.weights)
    return Checkpoint(model, extras, fingerprint_of(tensors, {"architecture": "biggan-deep", **config.to_dict()}))


def check_digest(path: Path, sha256: str) -> None:
    """Compare a file's SHA-256 with what the user gave."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise InvalidInput("sha256", expected="64 hexadecimal digits", got=sha256)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256.lower():
        raise WeightsError(f"sha256: expected {sha256.lower()}, but {path} has {found}. Delete it and download it again.")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors or .bin file, as float32; a pickle is read without running anything in it."""
    try:
        if path.suffix == ".safetensors":
            found = load_file(path)
        else:
            with warnings.catch_warnings():  # on strange pickles, which are refused below
                warnings.simplefilter("ignore")
                found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        wanted = re.search(r"(?:GLOBAL|function) ([\w.]+)", str(error))
        held = f"the file wants to run {wanted[1]!r}" if wanted else "the file holds something else, or is damaged"
        raise WeightsError(
            f"{path}: expected tensors alone, but {held}, which was refused. "
            f"Do not trust its source; ask for model.safetensors."
        ) from error
    except Exception as error:  # whatever a damaged file sets off in the readers
        raise WeightsError(f"{path}: damaged or cut short ({first_line(error)}). Download it again.") from error
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise WeightsError(f"{path}: expected a mapping of names to tensors, got {type(found).__name__}.")
    return {name: value.float() for name, value in found.items()}


def fill(config: BigGANConfig, tensors: Mapping[str, Tensor], path: Path) -> BigGAN:
    """The package's model with exactly these tensors."""
    with torch.device("meta"):  # nothing is allocated or drawn for weights that are replaced at once
        model = BigGAN(config)
    wanted = model.state_dict()
    check_names(wanted, tensors, path)
    for name, value in tensors.items():
        if value.shape != wanted[name].shape:
            expected = f"shape {tuple(wanted[name].shape)}"
            raise WeightsError(f"{path}: {name}: expected {expected}, got {tuple(value.shape)}. {ADVICE}")
        if not torch.isfinite(value).all():
            raise WeightsError(f"{path}: {name}: expected finite values. The file is damaged; download it again.")
    model.load_state_dict(dict(tensors), strict=True, assign=True)
    return model.eval().requires_grad_(False)


ADVICE = "Do config.json and the weights belong together?"


def check_names(wanted: Iterable[str], found: Iterable[str], path: Path) -> None:
    """Every name there, and none besides."""
    missing, unexpected = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if missing or unexpected:
        parts = [
            f"{len(names)} {what} (first: {names[0]!r})"
            for what, names in (("missing", missing), ("unexpected", unexpected))
            if names
        ]
        raise WeightsError(f"{path}: the entries are not those of config.json: {' and '.join(parts)}. {ADVICE}")
