"""From files to a VQGAN: strict, and never running code from a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from fusedream_sdk.errors import WeightsError
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.models.weights import check_digest, check_tensors, first_line, read_tensors
from fusedream_vqgan.config import read_config
from fusedream_vqgan.files import Files
from fusedream_vqgan.network import VQGAN

LOSS = "loss."  # discriminator and LPIPS of the training, stored with the model
ADVICE = "Do the YAML and the weights belong together?"


@dataclass(frozen=True)
class Checkpoint:
    """The model as loaded (float32, frozen, on the CPU), and the identity of its weights."""

    model: VQGAN
    fingerprint: str


def load_checkpoint(files: Files, *, sha256: str | None = None) -> Checkpoint:
    """Read a checkpoint strictly; only what belongs to the training's loss is left out.

    Raises:
        WeightsError: a digest that differs, a file that is damaged or holds code, entries that are missing, unexpected,
            of another shape or not finite.
    """
    if sha256 is not None:
        check_digest(files.weights, sha256)
    config = read_config(files.config)
    found = read_tensors(files.weights, within="state_dict")
    tensors = {name: value for name, value in found.items() if not name.startswith(LOSS)}
    try:
        with torch.device("meta"):  # nothing is allocated or drawn for weights that are replaced at once
            model = VQGAN(config)
    except Exception as error:  # torch and taming each have their own for sizes that nobody can build
        raise WeightsError(f"{files.config}: asks for a network that cannot be built ({first_line(error)}).") from error
    check_tensors(model.state_dict(), tensors, files.weights, model=Path(files.config).name, advice=ADVICE)
    model.load_state_dict(tensors, strict=True, assign=True)
    identity = fingerprint_of(tensors, {"architecture": "vqgan", **config.to_dict()})
    return Checkpoint(model.eval().requires_grad_(False), identity)
