"""From files to the package's own BigGAN: strict, and never running code from a file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from pytorch_pretrained_biggan import BigGAN, BigGANConfig
from torch import Tensor

from fusedream_biggan.config import Extras, read_config
from fusedream_biggan.files import Files
from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.fingerprint import fingerprint_of
from fusedream_sdk.weights import check_tensors, read_tensors


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


def fill(config: BigGANConfig, tensors: Mapping[str, Tensor], path: Path) -> BigGAN:
    """The package's model with exactly these tensors."""
    with torch.device("meta"):  # nothing is allocated or drawn for weights that are replaced at once
        model = BigGAN(config)
    advice = "Do config.json and the weights belong together?"
    check_tensors(model.state_dict(), tensors, path, model="config.json", advice=advice)
    model.load_state_dict(dict(tensors), strict=True, assign=True)
    return model.eval().requires_grad_(False)
