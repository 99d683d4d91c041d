"""Direct pixels: the picture is the latent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents, LatentSpec, check_latents
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.runtime.device import resolve_device

SIDES = (8, 4096)
GREY = 0.5  # standard deviation of the noise around mid-grey, before the sigmoid: about 0.12 of the range
HALF_STEP = 0.5 / 255
UNTRAINED: Mapping[str, object] = {  # a search finds nothing among noise, and a mixture of noises is grey
    "basis": 1,
    "samples": 1,
    "bank": 1,
    "noise": 0.0,
}


class DirectPixels:
    """Pictures sigmoid(rgb): every pixel is free, and knows of no other.

    A sigmoid rather than a clamp, as a clamp gives a pixel that has left [0, 1] no gradient back.

    Args:
        side: of the square pictures, in pixels.
        device: where it runs.

    Attributes:
        space: {"rgb": (3, side, side)}, free.
        resolution: (side, side).
        fingerprint: identity of the settings; there are no weights.
        recommended: settings that suit it.
        device: where it runs.

    Raises:
        InvalidInput: a side that cannot be used, an unknown device.
    """

    recommended: Mapping[str, object] = {**UNTRAINED, "lr": 0.1}

    def __init__(self, side: int = 64, *, device: str | torch.device = "cpu") -> None:
        side = check_side(side)
        self.device = resolve_device(device)
        self.resolution = (side, side)
        self.space: Mapping[str, LatentSpec] = {"rgb": LatentSpec((3, side, side))}
        self.fingerprint = fingerprint_of({}, {"generator": "pixels", "side": side})

    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        """Draw n rows of grey noise from the CPU generator."""
        return {"rgb": (GREY * torch.randn(n, *self.space["rgb"].shape, generator=rng)).to(self.device)}

    def encode(self, images: Tensor) -> Latents:
        """The latents of pictures (B, 3, side, side) in [0, 1], to half a step of 8 bits: no sigmoid reaches black or white."""
        return {"rgb": logits_of(images, self.resolution).to(self.device)}

    def __call__(self, latents: Latents) -> Tensor:
        """Pictures (B, 3, side, side) in [0, 1] of "rgb", of the same shape; differentiable; rows independent."""
        check_latents(latents, self.space)
        return torch.sigmoid(latents["rgb"])


def logits_of(images: Tensor, resolution: tuple[int, int]) -> Tensor:
    """What the sigmoid makes these pictures of, to half a step of 8 bits. Raises InvalidInput for another shape."""
    if images.dim() != 4 or tuple(images.shape[1:]) != (3, *resolution):
        expected = f"shape (B, 3, {resolution[0]}, {resolution[1]})"
        raise InvalidInput("images", expected=expected, got=f"{tuple(images.shape)}", fix="Resize them, or set side=.")
    return torch.logit(images.float(), eps=HALF_STEP)


def check_side(side: Any) -> int:
    """A side that a picture can have. Raises InvalidInput."""
    low, high = SIDES
    if type(side) is not int or not low <= side <= high:
        raise InvalidInput("side", expected=f"an integer from {low} to {high}, in pixels", got=side)
    return side
