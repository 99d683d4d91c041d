"""A VQGAN as a FuseDream generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.clamp import soft_clamp
from fusedream_sdk.latents import Box, Latents, LatentSpec, check_latents
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_vqgan.checkpoint import Checkpoint
from fusedream_vqgan.network import look_up, straight_through

STEP = 0.1  # of Adam, in standard deviations of the codebook's values: an entry may cross the codebook in tens of steps


class VQGANGenerator:
    """Images of the latent "z", a grid of vectors, each drawn as the code of the codebook that is nearest to it.

    The gradient passes to z as if quantisation were the identity; each channel of z stays in the codebook's range.

    Args:
        checkpoint: the weights.
        canvas: (H, W) of the pictures, multiples of the stride; by default the side that it was trained on.

    Attributes:
        space: {"z": (embed_dim, H / stride, W / stride)} in a Box with the codebook's range of each channel.
        resolution: (H, W) of the images, in pixels.
        stride: pixels per code, in either direction.
        fingerprint: identity of weights and canvas.
        recommended: settings that suit it.
        device: where it runs.

    References:
        Esser, Rombach & Ommer (2020). Taming transformers for high-resolution image synthesis. arXiv:2012.09841.
        van den Oord, Vinyals & Kavukcuoglu (2017). Neural discrete representation learning. arXiv:1711.00937.
    """

    def __init__(self, checkpoint: Checkpoint, *, canvas: tuple[int, int] | None = None) -> None:
        config = checkpoint.model.config
        self.model, self.stride = checkpoint.model, config.stride
        self.resolution = check_canvas(canvas or (config.resolution, config.resolution), self.stride)
        book = self.model.codebook
        self.space: Mapping[str, LatentSpec] = {
            "z": LatentSpec((config.embed_dim, *(side // self.stride for side in self.resolution)), channel_range(book))
        }
        self.recommended: Mapping[str, object] = {"lr": float(f"{STEP * float(book.std()):.2g}"), "noise": 0.0}
        self.fingerprint = fingerprint_of({}, {"weights": checkpoint.fingerprint, "canvas": list(self.resolution)})

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.model.codebook.device

    def to(self, device: str | torch.device) -> VQGANGenerator:
        """Move it, in place."""
        self.model.to(device)
        return self

    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        """Draw n rows: every place of the grid one of the codes, each as likely as any other, from the CPU generator."""
        book = self.model.codebook
        index = torch.randint(len(book), (n, *self.space["z"].shape[1:]), generator=rng)
        return {"z": look_up(index.to(self.device), book)}

    @torch.no_grad()
    def encode(self, images: Tensor) -> Latents:
        """The latents of pictures: the codes that the model's own encoder gives them.

        Args:
            images: (B, 3, H, W) in [0, 1], of the generator's resolution.

        Returns:
            {"z": (B, embed_dim, h, w)}, whose pictures are the model's reconstructions.
        """
        if images.dim() != 4 or tuple(images.shape[1:]) != (3, *self.resolution):
            expected = f"shape (B, 3, {self.resolution[0]}, {self.resolution[1]})"
            raise InvalidInput("images", expected=expected, got=f"{tuple(images.shape)}", fix="Resize them, or set canvas=.")
        return {"z": self.model.encode(2 * images.to(self.device) - 1)}

    def __call__(self, latents: Latents) -> Tensor:
        """Images (B, 3, H, W) in [0, 1] of "z" (B, embed_dim, h, w); differentiable; rows independent."""
        check_latents(latents, self.space)
        z = latents["z"]
        return soft_clamp((self.model.decode(straight_through(z, self.model.codebook)).to(z.dtype) + 1) / 2)


def check_canvas(canvas: Any, stride: int) -> tuple[int, int]:
    """Height and width in pixels, if they are multiples of the stride. Raises InvalidInput."""
    whole = isinstance(canvas, Sequence) and len(canvas) == 2 and all(type(side) is int and side > 0 for side in canvas)
    if not whole or any(side % stride for side in canvas):
        fix = ""
        if whole:
            near = tuple(max(round(side / stride), 1) * stride for side in canvas)
            fix = f"The nearest is {near}."
        raise InvalidInput("canvas", expected=f"(H, W) in pixels, multiples of the stride {stride}", got=canvas, fix=fix)
    return canvas[0], canvas[1]


def channel_range(codebook: Tensor) -> Box:
    """The box of a codebook (N, D): from the least to the greatest value of each channel.

    Raises:
        InvalidInput: a channel that has one value only, as of a codebook with a single code.
    """
    return Box(tuple(codebook.amin(dim=0).tolist()), tuple(codebook.amax(dim=0).tolist()))
