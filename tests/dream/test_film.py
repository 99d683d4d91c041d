"""The walk between two results."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

import fusedream_sdk as fd
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


def test_a_film_is_saved_at_the_speed_that_is_asked_for(film: Film, tmp_path: Path):
    film.save(tmp_path / "a.gif", fps=10)
    with Image.open(tmp_path / "a.gif") as picture:
        assert getattr(picture, "n_frames", 1) == len(film.pil) == 7
        assert picture.info["duration"] == 100
    with pytest.raises(OutputError, match="exists"):
        film.save(tmp_path / "a.gif")
    film.save(tmp_path / "a.gif", overwrite=True)


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


def test_a_notebook_plays_the_film(film: Film):
    assert "data:image/gif;base64," in film._repr_html_()
    assert film._repr_png_().startswith(b"\x89PNG")
    assert len(film) == 7
    assert repr(film).startswith("Film(7 frames of ")
