"""What an inversion minimises: how far the pictures of latents are from given ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.resize import cover
from fusedream_sdk.latents import Latents
from fusedream_sdk.models.checks import device_of
from fusedream_sdk.models.compiled import as_it_is
from fusedream_sdk.protocols import Evaluation, Generator, Perceptual
from fusedream_sdk.runtime.bounds import INVERSION
from fusedream_sdk.runtime.checks import changed, check_seed, in_bounds
from fusedream_sdk.runtime.device import Precision


@dataclass(frozen=True)
class InversionSettings:
    """How a picture is looked for.

    Every number has an upper bound, in `fusedream_sdk.runtime.bounds`: a million steps and candidates, 1,000 starts, a
    learning rate of 10,000, weights of a million.

    Args:
        steps: updates of the best start, at least 1; their learning rate falls to 0 along a cosine.
        candidates: latents that are drawn and whose pictures are compared with it, where no bank knows better.
        starts: how many, the nearest, take the first steps.
        trial: those first steps, after which only the best start goes on; at least 1.
        lr: of Adam; None is the generator's recommended one.
        pixels: weight of the mean squared error, at least 0.
        perceptual: weight of the perceptual distance, at least 0.
        seed: of the candidates.
    """

    steps: int = 80
    candidates: int = 32
    starts: int = 6
    trial: int = 20
    lr: float | None = None
    pixels: float = 10.0
    perceptual: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in in_bounds(self, INVERSION).items():
            object.__setattr__(self, name, value)
        if self.pixels + self.perceptual == 0:
            fix = "Give one of the two a weight above 0."
            raise InvalidInput("pixels", expected="a loss", got="no weight for pixels nor for the perceptual distance", fix=fix)
        object.__setattr__(self, "seed", check_seed("seed", self.seed))

    def replace(self, **changes: Any) -> InversionSettings:
        """A copy with some values changed. Raises InvalidInput for a name that is not a setting."""
        return changed(self, changes, "a setting of an inversion")

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a recipe."""
        return dataclasses.asdict(self)


class Likeness:
    """How far the pictures of latents are from others: weighted squared error of the pixels and perceptual distance.

    Args:
        generator: latents to images. A compiled one is called where a gradient is taken, in every step; elsewhere as it is.
        targets: (B, 3, H, W) in [0, 1], one per row, of the generator's resolution.
        perceptual: distance of two pictures.
        settings: the weights.
        precision: context in which the models run.
    """

    def __init__(
        self,
        generator: Generator,
        targets: Tensor,
        perceptual: Perceptual,
        settings: InversionSettings,
        *,
        precision: Precision = nullcontext,
    ) -> None:
        self.generator: Generator = as_it_is(generator)
        self.at_work, self.targets, self.perceptual = generator, targets, perceptual
        self.settings, self.precision = settings, precision

    def __call__(self, latents: Latents, *, step: int) -> Evaluation:
        generator = self.at_work if torch.is_grad_enabled() else self.generator
        with self.precision():
            images = generator(latents).float()
            distance = self.perceptual(images, self.targets).float()
        pixels = (images - self.targets).square().flatten(1).mean(dim=1)
        total = self.settings.pixels * pixels + self.settings.perceptual * distance
        return Evaluation(latents, images, {"likeness": total, "pixels": pixels, "perceptual": distance})

    def of(self, index: Sequence[int]) -> Likeness:
        """The same for some of the targets, in this order, each as often as it is named."""
        chosen = self.targets[torch.tensor(index, device=self.targets.device)]
        return Likeness(self.at_work, chosen, self.perceptual, self.settings, precision=self.precision)

    @property
    def uncompiled(self) -> Likeness:
        """The same with the generator as it is."""
        return Likeness(self.generator, self.targets, self.perceptual, self.settings, precision=self.precision)


def cover_all(generator: Generator, pictures: Sequence[Tensor]) -> Tensor:
    """Pictures (3, h, w) at the generator's resolution, on its device: (B, 3, H, W) in [0, 1]."""
    return torch.stack([cover(picture, generator.resolution) for picture in pictures]).to(device_of(generator))


def recommended_lr(generator: Generator) -> float:
    """The learning rate that suits a generator, or the paper's (appendix A: 5e-3)."""
    return float(getattr(generator, "recommended", {}).get("lr", 5e-3))
