"""A film, written as .gif or .mp4."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import numpy as np
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.runtime.bounds import FPS
from fusedream_sdk.runtime.checks import check_flag
from fusedream_sdk.runtime.files import atomic_path
from fusedream_sdk.runtime.paths import check_writable, user_path

SUFFIXES = (".gif", ".mp4")


def check_film(path: str | Path, *, overwrite: bool) -> Path:
    """Where a film can be written. Raises OutputError: it cannot, or there is no ffmpeg; InvalidInput: another suffix."""
    path = user_path("out", path)
    if path.suffix.lower() not in SUFFIXES and path.name.lower() not in SUFFIXES:
        raise InvalidInput("out", expected="a file that ends in .gif or .mp4", got=str(path))
    check_writable(path, overwrite=overwrite)
    if path.suffix.lower() == ".mp4":
        _ffmpeg()
    return path


def save_film(images: Tensor, path: str | Path, *, fps: int, overwrite: bool) -> None:
    """Write frames (T, 3, H, W) in [0, 1], whole or not at all.

    Raises:
        OutputError: the place cannot be written, or there is no ffmpeg. InvalidInput: another suffix, fps outside 1 to 100.
    """
    check_flag("overwrite", overwrite)
    fps = FPS.check("fps", fps, "The default is 12.")
    path = check_film(path, overwrite=overwrite)
    with atomic_path(path, overwrite=overwrite) as temporary:
        if path.suffix.lower() == ".gif":
            first, *others = [to_pil(image) for image in images]
            first.save(temporary, save_all=True, append_images=others, duration=1000 // fps, loop=0)
        else:
            _write_mp4(temporary, images, fps)


def _write_mp4(path: Path, images: Tensor, fps: int) -> None:
    """H.264 through ffmpeg; sides are padded to even numbers, which the format needs."""
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
