"""The walk between two results."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import torch
from PIL import Image

import fusedream_sdk as fd
from fusedream_sdk.dream import film as film_module
from fusedream_sdk.dream.film import Film, interpolate
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.run.result import Result
from fusedream_sdk.testing import ToyGenerator

GENERATOR = ToyGenerator(16)


@pytest.fixture
def pair(dream: FuseDream) -> tuple[Result, Result]:
    both = dream.generate(["a red ball", "a blue ball"], progress=False)
    return both[0], both[1]


@pytest.fixture
def film(pair: tuple[Result, Result]) -> Film:
    return interpolate(*pair, 7, generator=GENERATOR)


def test_the_walk_leads_from_one_picture_to_the_other_in_equal_steps(pair: tuple[Result, Result], film: Film):
    assert film.images.shape == (7, 3, 16, 16)
    torch.testing.assert_close(film.images[:1], pair[0].images)
    torch.testing.assert_close(film.images[-1:], pair[1].images)
    strides = film.latents["z"].diff(dim=0)
    torch.testing.assert_close(strides, strides[:1].expand(6, -1))
    torch.testing.assert_close(GENERATOR(film.latents), film.images)


def test_the_public_name_is_the_function_whatever_was_imported_before():
    assert fd.Film is Film
    assert fd.interpolate is interpolate


def test_a_gif_opens_again_with_every_frame(film: Film, tmp_path: Path):
    film.save(tmp_path / "a.gif", fps=10)
    with Image.open(tmp_path / "a.gif") as picture:
        assert getattr(picture, "n_frames", 1) == 7
        assert picture.size == (16, 16)
        assert picture.info["duration"] == 100
    assert os.listdir(tmp_path) == ["a.gif"]


@pytest.mark.parametrize("side", [16, 17])
def test_an_mp4_opens_again_with_every_frame_and_even_sides(film: Film, tmp_path: Path, side: int):
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    latents = {name: x[:5] for name, x in film.latents.items()}
    images = ToyGenerator(side)(latents)
    Film(images, latents).save(tmp_path / "a.mp4", fps=5)
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(tmp_path / "a.mp4")]
    raw = subprocess.run([*ffmpeg, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True).stdout
    even = side + side % 2
    frames = torch.tensor(list(raw)).view(-1, even, even, 3).permute(0, 3, 1, 2) / 255
    assert len(frames) == 5
    assert (frames[..., :side, :side] - images).abs().mean() < 0.05


def test_without_ffmpeg_the_error_says_what_to_install_and_writes_nothing(
    film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(film_module.shutil, "which", lambda name: None)
    monkeypatch.setattr(film_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OutputError, match=r"out: .mp4 needs ffmpeg.* pip install imageio-ffmpeg, or choose .gif"):
        film.save(tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_a_failing_ffmpeg_is_told_in_its_own_words_and_leaves_nothing(
    film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    failed = subprocess.CompletedProcess([], 1, b"", b"no such codec")
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: failed)
    with pytest.raises(OutputError, match=r"ffmpeg could not write .mp4: no such codec"):
        film.save(tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_an_existing_film_is_kept_unless_overwriting_is_allowed(film: Film, tmp_path: Path):
    (tmp_path / "a.gif").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        film.save(tmp_path / "a.gif")
    film.save(tmp_path / "a.gif", overwrite=True)
    assert (tmp_path / "a.gif").read_bytes().startswith(b"GIF89a")


@pytest.mark.parametrize(
    ("name", "fps", "message"),
    [("a.avi", 12, "out: expected a file that ends in .gif or .mp4"), ("a.gif", 0, "fps: expected at least 1, got 0")],
)
def test_other_formats_and_speeds_are_refused(film: Film, tmp_path: Path, name: str, fps: int, message: str):
    with pytest.raises(InvalidInput, match=message):
        film.save(tmp_path / name, fps=fps)


@pytest.mark.parametrize("frames", [1, 0, -1, 2.5])
def test_fewer_than_two_frames_are_refused(pair: tuple[Result, Result], frames: int):
    with pytest.raises(InvalidInput, match=f"frames: expected an integer of at least 2, got {frames}"):
        interpolate(*pair, frames, generator=GENERATOR)


def test_results_of_several_rows_or_of_another_generator_are_refused_by_name(pair: tuple[Result, Result]):
    a, b = pair
    with pytest.raises(InvalidInput, match=r"b: expected a result of one row, got 2 rows. Choose one: b\[0\]"):
        interpolate(a, Result.concatenate([a, b]), 3, generator=GENERATOR)
    b.latents["z"] = b.latents["z"][:, :2]
    with pytest.raises(InvalidInput, match=r"b.latents\['z'\]: expected shape \(1, 4\), got \(1, 2\)"):
        interpolate(a, b, 3, generator=GENERATOR)
    del a.latents["z"]
    with pytest.raises(InvalidInput, match=r"a.latents: expected the entries \['colour', 'z'\], got \['colour'\]"):
        interpolate(a, b, 3, generator=GENERATOR)
