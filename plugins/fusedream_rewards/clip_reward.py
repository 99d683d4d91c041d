"""LAION's improved aesthetic predictor: how much people like a picture, whatever it shows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

import fusedream_clip
from fusedream_clip.scorer import ClipScorer
from fusedream_rewards.files import in_folder
from fusedream_rewards.heads import linear_head
from fusedream_sdk.errors import WeightsError
from fusedream_sdk.models.downloads import download
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.models.sources import WebFile
from fusedream_sdk.models.weights import read_tensors
from fusedream_sdk.runtime.files import cache_folder
from fusedream_sdk.runtime.paths import user_path

PLUGIN = "fusedream_rewards"
FILE = "sac+logos+ava1-l14-linearMSE.pth"
URL = "https://github.com/christophschuhmann/improved-aesthetic-predictor/raw/main/sac%2Blogos%2Bava1-l14-linearMSE.pth"
SHA256 = "21dd590f3ccdc646f0d53120778b296013b096a035a2718c9cb0d511bff0f1e0"
LICENCE = "see github.com/christophschuhmann/improved-aesthetic-predictor"


class Aesthetic:
    """A linear head on the unit vector that CLIP makes of a picture.

    Args:
        clip: the encoder.
        weight, bias: of the head, (D,) and ().

    Attributes:
        resolution: side of the square images that it reads, in pixels.
        reads_prompt: False.
        fingerprint: identity of encoder and head.
        device: where it runs.

    References:
        Schuhmann (2022). github.com/christophschuhmann/improved-aesthetic-predictor: simple_inference.py.
    """

    reads_prompt = False

    def __init__(self, clip: ClipScorer, weight: Tensor, bias: Tensor) -> None:
        self.clip, self.weight, self.bias = clip, weight, bias
        self.resolution = clip.resolution

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.clip.device

    def to(self, device: str | torch.device) -> Aesthetic:
        """Move it, in place."""
        self.clip.to(device)
        self.weight, self.bias = self.weight.to(device), self.bias.to(device)
        return self

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the head and of the encoder's own."""
        return fingerprint_of({"weight": self.weight, "bias": self.bias}, {"clip": self.clip.fingerprint})

    def score(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        """Images (B, 3, resolution, resolution) in about [0, 1] to (B,), about 1 to 10, higher is better; differentiable.

        Raises:
            InvalidInput: another shape; nothing is resized here.
        """
        return (self.clip.encode_image(images) * self.weight).sum(dim=1) + self.bias


def load_aesthetic(weights: str | Path | None, clip: str | Path, *, cache_dir: str | Path | None = None) -> Aesthetic:
    """The predictor, on the CPU; see `fusedream_rewards.aesthetic`. Raises WeightsError."""
    path = find_head(weights)
    encoder = fusedream_clip.load(weights=clip, cache_dir=cache_dir)
    width = encoder.model.config.projection_dim
    return Aesthetic(encoder, *linear_head(read_tensors(path), width, path, reward="aesthetic"))


def head_file() -> WebFile:
    """The head's file at its address, and where `download` keeps it."""
    return WebFile(URL, cache_folder("weights", PLUGIN, SHA256[:12]) / FILE, LICENCE, SHA256)


def find_head(weights: str | Path | None) -> Path:
    """The head's file: the user's own, or a download that is kept. Raises WeightsError."""
    if weights is None:
        return download(URL, sha256=SHA256, licence=LICENCE, plugin=PLUGIN, name=FILE)
    path = user_path("weights", weights)
    if os.path.isdir(path):
        return in_folder("aesthetic", path, FILE)
    if not os.path.isfile(path):
        raise WeightsError(
            f"weights: aesthetic is a reward without weights: there is no file {str(path)!r}. Leave it out to fetch {FILE}."
        )
    return path
