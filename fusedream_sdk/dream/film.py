"""A walk between two results in latent space (appendix C of the paper)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.cards import html_film, sheet_png
from fusedream_sdk.imaging.film import save_film
from fusedream_sdk.imaging.pictures import grid, to_pil
from fusedream_sdk.latents import Latents, check_latents
from fusedream_sdk.models.checks import device_of
from fusedream_sdk.protocols import Generator
from fusedream_sdk.run.report import render
from fusedream_sdk.run.result import Result
from fusedream_sdk.runtime.bounds import FRAMES
from fusedream_sdk.runtime.checks import check_function, check_kind
from fusedream_sdk.runtime.progress import Advance
from fusedream_sdk.runtime.room import check_memory

STRIP = 8  # frames that stand for a film where it cannot play


@dataclass(frozen=True)
class Film:
    """A sequence of pictures.

    Attributes:
        images: (frames, 3, H, W) in [0, 1], on the CPU.
        latents: that draw them, (frames, ...) each.
    """

    images: Tensor
    latents: Latents

    @property
    def pil(self) -> list[Image.Image]:
        """Every frame as an 8-bit RGB picture."""
        return [to_pil(image) for image in self.images]

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"Film({len(self)} frames of {'x'.join(map(str, self.images.shape[-2:]))})"

    def _repr_png_(self) -> bytes:
        shown = torch.linspace(0, len(self) - 1, min(len(self), STRIP)).round().long()
        return sheet_png(grid(self.images[shown], STRIP))

    def _repr_html_(self) -> str:
        return html_film(self.images)

    def save(self, path: str | Path, *, fps: int = 12, overwrite: bool = False) -> None:
        """Write the film as .gif, or as .mp4 where ffmpeg or the package imageio-ffmpeg is installed.

        Raises:
            OutputError: the place cannot be written, or there is no ffmpeg. InvalidInput: another suffix, fps outside 1 to 100.
        """
        save_film(self.images, path, fps=fps, overwrite=overwrite)


def interpolate(
    a: Result, b: Result, frames: int, *, generator: Generator, progress: Advance = lambda done, total: None
) -> Film:
    """Mix the latents of two results linearly, as appendix C does: (1 - t) a + t b, t from 0 to 1.

    Args:
        a, b: results of one row each, drawn by `generator`.
        frames: from 2 to 100,000; the first is a, the last is b.
        generator: the one that drew both.
        progress: called with (frames drawn, frames in all).

    Raises:
        InvalidInput: fewer than 2 frames or more than fit the memory, a result of several rows, or of another generator.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573, appendix C.
    """
    frames = FRAMES.check("frames", frames, "24 last two seconds.")
    check_function("progress", progress)
    check_kind("generator", generator, Generator, "the generator that drew both", "Pass it: generator=dream.generator.")
    height, width = generator.resolution
    fix = "Ask for fewer frames."
    check_memory("frames", frames * 3 * height * width * 5, f"{frames:,} pictures of {height} x {width}", fix)
    for name, result in (("a", a), ("b", b)):
        check_kind(name, result, Result, "a result of one row", "Draw one, or load one: fd.Result.load(folder).")
        if len(result) != 1:
            raise InvalidInput(name, expected="a result of one row", got=f"{len(result)} rows", fix=f"Choose one: {name}[0].")
        check_latents(result.latents, generator.space, argument=f"{name}.latents")
        if not all(bool(torch.isfinite(x).all()) for x in result.latents.values()):
            raise InvalidInput(f"{name}.latents", expected="finite values", got="others", fix="Draw the picture again.")
    t = torch.linspace(0, 1, frames)
    latents = {}
    for name, spec in generator.space.items():
        weight = t.view(-1, *[1] * len(spec.shape))
        one, other = a.latents[name].cpu(), b.latents[name].cpu()
        mixed = (1 - weight) * one + weight * other
        if not spec.frozen and not spec.mixes:  # a label, of which there is nothing in between: it changes half-way
            mixed = torch.where(weight < 0.5, one, other)
        latents[name] = mixed.to(device_of(generator))
    return Film(render(generator, latents, progress), latents)
