"""What the tests of inversion share."""

from __future__ import annotations

import torch
from torch import Tensor

from fusedream_sdk.inversion.invert import invert
from fusedream_sdk.inversion.likeness import InversionSettings
from fusedream_sdk.inversion.result import Inversion
from fusedream_sdk.testing import ToyGenerator, random_latents

QUICK = InversionSettings(steps=60, candidates=32, starts=3, trial=8, lr=0.1)
TOY = ToyGenerator(32)


def distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().mean(dim=(1, 2, 3))


def drawn(count: int = 2, seed: int = 123) -> list[Tensor]:
    with torch.no_grad():
        return list(TOY(random_latents(TOY, count, seed)))


def found(pictures: list[Tensor], generator: ToyGenerator = TOY, settings: InversionSettings = QUICK) -> Inversion:
    return invert(generator, pictures, perceptual=distance, settings=settings)
