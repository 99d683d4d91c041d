"""Films on the disk."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageSequence
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.imaging import film as film_module
from fusedream_sdk.imaging.film import check_film, save_film, write_film
from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.testing import ToyGenerator, random_latents


def frames(count: int = 7, side: int = 16) -> Tensor:
    """A walk from one picture to another, (count, 3, side, side)."""
    toy, share = ToyGenerator(side), torch.linspace(0, 1, count)[:, None]
    ends = random_latents(toy, 2, 3)
    with torch.no_grad():
        return toy({name: (1 - share) * x[:1] + share * x[1:] for name, x in ends.items()})


def save(path: Path, images: Tensor | None = None, *, fps: int = 12, overwrite: bool = False) -> None:
    save_film(frames() if images is None else images, path, fps=fps, overwrite=overwrite)


def test_a_gif_opens_again_with_every_frame(tmp_path: Path):
    save(tmp_path / "a.gif", fps=10)
    with Image.open(tmp_path / "a.gif") as picture:
        assert getattr(picture, "n_frames", 1) == 7
        assert picture.size == (16, 16)
        assert picture.info["duration"] == 100
    assert os.listdir(tmp_path) == ["a.gif"]


@pytest.mark.parametrize("side", [16, 17])
def test_an_mp4_opens_again_with_every_frame_and_even_sides(tmp_path: Path, side: int):
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    images = frames(5, side)
    save(tmp_path / "a.mp4", images, fps=5)
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(tmp_path / "a.mp4")]
    raw = subprocess.run([*ffmpeg, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True).stdout
    even = side + side % 2
    found = torch.tensor(list(raw)).view(-1, even, even, 3).permute(0, 3, 1, 2) / 255
    assert len(found) == 5
    assert (found[..., :side, :side] - images).abs().mean() < 0.05


def test_without_ffmpeg_the_error_says_what_to_install_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(film_module.shutil, "which", lambda name: None)
    monkeypatch.setattr(film_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OutputError, match=r"out: .mp4 needs ffmpeg.* pip install imageio-ffmpeg, or choose .gif"):
        save(tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="the ffmpeg that fails is a shell script")
@pytest.mark.parametrize("reads", ["cat > /dev/null;", ""])
def test_a_failing_ffmpeg_is_told_in_its_own_words_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: str
):
    script, out = tmp_path / "ffmpeg", tmp_path / "out"
    script.write_text(f"#!/bin/sh\n{reads} echo no such codec >&2; exit 1\n")
    script.chmod(0o755)
    out.mkdir()
    monkeypatch.setattr(film_module.shutil, "which", lambda name: str(script))
    with pytest.raises(OutputError, match=r"ffmpeg could not write .mp4: no such codec"):
        save(out / "a.mp4", frames(200, 64))
    assert not list(out.iterdir())


def test_frames_are_taken_as_they_come_and_the_last_one_is_held(tmp_path: Path):
    taken: list[int] = []

    def some() -> Iterator[Image.Image]:
        for number, colour in enumerate(("red", "lime", "blue")):
            taken.append(number)
            yield Image.new("RGB", (16, 16), colour)

    write_film(some(), tmp_path / "a.gif", fps=10, overwrite=False, hold=1.0)
    assert taken == [0, 1, 2]
    with Image.open(tmp_path / "a.gif") as film:
        shown = [(frame.convert("RGB").getpixel((3, 3)), frame.info["duration"]) for frame in ImageSequence.Iterator(film)]
    assert [colour for colour, _ in shown] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    assert [stays for _, stays in shown] == [100, 100, 1100]


def test_an_mp4_has_the_held_frames_too(tmp_path: Path):
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    write_film(map(to_pil, frames(3)), tmp_path / "a.mp4", fps=5, overwrite=False, hold=2.0)
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(tmp_path / "a.mp4")]
    raw = subprocess.run([*ffmpeg, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True).stdout
    assert len(raw) == (3 + 10) * 16 * 16 * 3


def test_an_existing_film_is_kept_unless_overwriting_is_allowed(tmp_path: Path):
    (tmp_path / "a.gif").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        save(tmp_path / "a.gif")
    assert (tmp_path / "a.gif").read_text() == "mine"
    save(tmp_path / "a.gif", overwrite=True)
    assert (tmp_path / "a.gif").read_bytes().startswith(b"GIF89a")


@pytest.mark.parametrize(
    ("name", "fps", "message"),
    [
        ("a.avi", 12, "out: expected a file that ends in .gif or .mp4"),
        ("a.gif", 0, "fps: expected an integer of at least 1, got 0"),
    ],
)
def test_other_formats_and_speeds_are_refused(tmp_path: Path, name: str, fps: int, message: str):
    with pytest.raises(InvalidInput, match=message):
        save(tmp_path / name, fps=fps)
    assert not list(tmp_path.iterdir())


def test_a_place_can_be_asked_for_before_the_film_is_made(tmp_path: Path):
    assert check_film(str(tmp_path / "A.GIF"), overwrite=False) == tmp_path / "A.GIF"
    with pytest.raises(OutputError, match="out: expected an existing folder"):
        check_film(tmp_path / "none" / "a.gif", overwrite=False)
    assert not list(tmp_path.iterdir())


def test_a_film_that_cannot_be_finished_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def half(self: Image.Image, path: Path, **options: object) -> None:
        path.write_bytes(b"GIF89a, and no more")
        raise OSError("the disk is full")

    (tmp_path / "a.gif").write_text("mine")
    monkeypatch.setattr(Image.Image, "save", half)
    with pytest.raises(OSError, match="the disk is full"):
        save(tmp_path / "a.gif", overwrite=True)
    assert (tmp_path / "a.gif").read_text() == "mine"
    assert os.listdir(tmp_path) == ["a.gif"]
