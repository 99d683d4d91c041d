"""A walk between two results in latent space (appendix C of the paper)."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.latents import Latents, check_latents
from fusedream_sdk.models.checks import device_of
from fusedream_sdk.protocols import Generator
from fusedream_sdk.run.report import Progress, render
from fusedream_sdk.run.result import Result
from fusedream_sdk.runtime.files import atomic_path, check_writable


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

    def save(self, path: str | Path, *, fps: int = 12, overwrite: bool = False) -> None:
        """Write the film as .gif, or as .mp4 where ffmpeg or the package imageio-ffmpeg is installed.

        Raises:
            OutputError: the place cannot be written, or there is no ffmpeg. InvalidInput: another suffix, fps below 1.
        """
        path = Path(path).expanduser()
        if fps < 1:
            raise InvalidInput("fps", expected="at least 1", got=fps)
        if path.suffix.lower() not in (".gif", ".mp4"):
            raise InvalidInput("out", expected="a file that ends in .gif or .mp4", got=str(path))
        check_writable(path, overwrite=overwrite)
        with atomic_path(path, overwrite=overwrite) as temporary:
            if path.suffix.lower() == ".gif":
                first, *others = self.pil
                first.save(temporary, save_all=True, append_images=others, duration=1000 // fps, loop=0)
            else:
                _write_mp4(temporary, self.images, fps)


def interpolate(
    a: Result, b: Result, frames: int, *, generator: Generator, progress: Progress = lambda done, total: None
) -> Film:
    """Mix the latents of two results linearly, as appendix C does: (1 - t) a + t b, t from 0 to 1.

    Args:
        a, b: results of one row each, drawn by `generator`.
        frames: at least 2; the first is a, the last is b.
        generator: the one that drew both.
        progress: called with (frames drawn, frames in all).

    Raises:
        InvalidInput: fewer than 2 frames, a result of several rows, or latents of another generator.
    """
    if not isinstance(frames, int) or frames < 2:
        raise InvalidInput("frames", expected="an integer of at least 2", got=frames)
    for name, result in (("a", a), ("b", b)):
        if len(result) != 1:
            raise InvalidInput(name, expected="a result of one row", got=f"{len(result)} rows", fix=f"Choose one: {name}[0].")
        check_latents(result.latents, generator.space, argument=f"{name}.latents")
    t = torch.linspace(0, 1, frames)
    latents = {}
    for name, spec in generator.space.items():
        weight = t.view(-1, *[1] * len(spec.shape))
        mixed = (1 - weight) * a.latents[name].cpu() + weight * b.latents[name].cpu()
        latents[name] = mixed.to(device_of(generator))
    return Film(render(generator, latents, progress), latents)


def _write_mp4(path: Path, images: Tensor, fps: int) -> None:
    """H.264 through ffmpeg; sides are padded to even numbers, which the format needs."""
    import subprocess

    height, width = images.shape[-2:]
    command = [_ffmpeg(), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    command += ["-r", str(fps), "-i", "-", "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", str(path)]
    frames = np.stack([np.asarray(to_pil(image)) for image in images]).tobytes()
    done = subprocess.run(command, input=frames, capture_output=True, check=False)
    if done.returncode:
        raise OutputError(f"out: ffmpeg could not write {path.suffix}: {done.stderr.decode(errors='replace').strip()}")


def _ffmpeg() -> str:
    """An ffmpeg to run. Raises OutputError where there is none."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    if importlib.util.find_spec("imageio_ffmpeg") is not None:
        import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs]

        return imageio_ffmpeg.get_ffmpeg_exe()
    raise OutputError("out: .mp4 needs ffmpeg, which is not installed. pip install imageio-ffmpeg, or choose .gif.")
