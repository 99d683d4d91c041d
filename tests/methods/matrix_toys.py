"""Toy generators of every kind of latent space that a generator of the SDK has, and toy scorers of every kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_sdk.latents import Box, Latents, LatentSpec, OneHot
from fusedream_sdk.models.registry import load_generator
from fusedream_sdk.testing import ToyConditioned, ToyGenerator, ToyReward, ToyScorer


class ToyLabels(ToyGenerator):
    """The disc in one of five colours, which its one-hot label names."""

    PAINTS: ClassVar[list[tuple[float, float, float]]] = [(3, -3, -3), (-3, 3, -3), (-3, -3, 3), (3, 3, -3), (3, 3, 3)]
    space: Mapping[str, LatentSpec] = {"z": LatentSpec((4,), Box(-2.0, 2.0)), "label": LatentSpec((5,), OneHot())}

    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        z = torch.randn(n, 4, generator=rng).clamp(-2, 2)
        return {"z": z, "label": F.one_hot(torch.randint(5, (n,), generator=rng), 5).float()}

    def __call__(self, latents: Latents) -> Tensor:
        paints = torch.tensor(self.PAINTS, dtype=torch.float32)
        return super().__call__({"z": latents["z"], "colour": latents["label"] @ paints})


class ToyGrid:
    """A grid of codes, each channel with bounds of its own, as a VQGAN has: its picture is the grid, smoothly enlarged."""

    LOW, HIGH = (-1.0, -2.0, -1.0), (1.0, 2.0, 1.5)

    def __init__(self, side: int = 16) -> None:
        self.resolution = (side, side)
        self.space: Mapping[str, LatentSpec] = {"z": LatentSpec((3, 4, 4), Box(self.LOW, self.HIGH))}

    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        low, high = (torch.tensor(bound).view(3, 1, 1) for bound in (self.LOW, self.HIGH))
        return {"z": low + (high - low) * torch.rand(n, 3, 4, 4, generator=rng)}

    def __call__(self, latents: Latents) -> Tensor:
        return torch.sigmoid(2 * F.interpolate(latents["z"], self.resolution, mode="bilinear", align_corners=False))


GENERATORS: dict[str, Callable[[], Any]] = {
    "plain": lambda: ToyGenerator(16),
    "conditioned": lambda: ToyConditioned(16),
    "labels": lambda: ToyLabels(16),
    "grid": lambda: ToyGrid(16),
    "pixels": lambda: load_generator("pixels", side=16),
}
SCORERS: dict[str, Callable[[], Any]] = {
    "scorer": lambda: ToyScorer(8),
    "reward": ToyReward,
    "ensemble": lambda: [ToyScorer(8), ToyScorer(12, dim=16)],
}
