"""A film, written as .gif or .mp4, frame by frame."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from PIL import Image
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.runtime.bounds import FPS
from fusedream_sdk.runtime.checks import check_flag
from fusedream_sdk.runtime.files import atomic_path
from fusedream_sdk.runtime.paths import check_writable, user_path

SUFFIXES = (".gif", ".mp4")


def check_film(path: str | Path, *, overwrite: bool, argument: str = "out") -> Path:
    """Where a film can be written; an error calls it `argument`.

    Raises:
        OutputError: it cannot be written, or there is no ffmpeg. InvalidInput: another suffix.
    """
    path = user_path(argument, path)
    if path.suffix.lower() not in SUFFIXES and path.name.lower() not in SUFFIXES:
        raise InvalidInput(argument, expected="a file that ends in .gif or .mp4", got=str(path))
    check_writable(path, overwrite=overwrite, argument=argument)
    if path.suffix.lower() == ".mp4":
        _ffmpeg(argument)
    return path


def save_film(images: Tensor, path: str | Path, *, fps: int, overwrite: bool) -> None:
    """Write frames (T, 3, H, W) in [0, 1], whole or not at all. Errors as of `write_film`."""
    write_film(map(to_pil, images), path, fps=fps, overwrite=overwrite)


def write_film(
    frames: Iterable[Image.Image], path: str | Path, *, fps: int, overwrite: bool, hold: float = 0.0, argument: str = "out"
) -> None:
    """Write frames of one size as they come, whole or not at all.

    Args:
        frames: RGB pictures, at least one; of an .mp4 one is in memory at a time, of a .gif one byte for each pixel.
        path: of the film. fps: frames per second, 1 to 100.
        overwrite: whether a file that exists may be replaced.
        hold: seconds for which the last frame stays.
        argument: what an error calls the path.

    Raises:
        OutputError: the place cannot be written, or there is no ffmpeg. InvalidInput: another suffix, fps outside 1 to 100.
    """
    check_flag("overwrite", overwrite)
    fps = FPS.check("fps", fps, "The default is 12.")
    path = check_film(path, overwrite=overwrite, argument=argument)
    shown = _held(frames, round(hold * fps))
    with atomic_path(path, overwrite=overwrite, argument=argument) as temporary:
        if path.suffix.lower() == ".gif":
            # Pillow makes one frame of equal ones, which stays as long as all of them.
            next(shown).save(temporary, save_all=True, append_images=shown, duration=1000 // fps, loop=0)
        else:
            _write_mp4(temporary, shown, fps, argument)


def _held(frames: Iterable[Image.Image], times: int) -> Iterator[Image.Image]:
    """The frames, and the last one so often more."""
    last = None
    for last in frames:
        yield last
    if last is not None:
        yield from (last for _ in range(times))


def _write_mp4(path: Path, frames: Iterator[Image.Image], fps: int, argument: str) -> None:
    """H.264 through ffmpeg; sides are padded to even numbers, which the format needs."""
    first = next(frames)
    command = [_ffmpeg(argument), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{first.width}x{first.height}", "-r", str(fps), "-i", "-"]
    command += ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", str(path)]
    with tempfile.TemporaryFile() as said:
        writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
        with writer, suppress(BrokenPipeError):  # where it has ended early, it says why
            for frame in chain([first], frames):
                (writer.stdin or said).write(frame.tobytes())
            writer.communicate()
        if writer.returncode:
            said.seek(0)
            why = said.read().decode(errors="replace").strip()
            raise OutputError(f"{argument}: ffmpeg could not write {path.suffix}: {why}")


def _ffmpeg(argument: str) -> str:
    """An ffmpeg to run. Raises OutputError where there is none."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    if importlib.util.find_spec("imageio_ffmpeg") is not None:
        import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs]

        return imageio_ffmpeg.get_ffmpeg_exe()
    raise OutputError(f"{argument}: .mp4 needs ffmpeg, which is not installed. pip install imageio-ffmpeg, or choose .gif.")
