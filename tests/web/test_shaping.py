"""Compose, invert and film, without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from fusedream_sdk.web.drawing import EQUAL, drawing, replaying
from fusedream_sdk.web.forms import Form
from fusedream_sdk.web.shaping import Scenery, composing, filming, inverting, uploaded
from fusedream_sdk.web.studio import Studio
from fusedream_sdk.web.visitors import Visitor
from tests.web.test_drawing import last

FEW = {"steps": 2}


@pytest.fixture
def picture(tmp_path: Path) -> str:
    Image.new("RGB", (20, 30), "green").save(tmp_path / "mine.png")
    return str(tmp_path / "mine.png")


def test_the_best_of_the_places_that_were_chosen_is_kept_and_replays(studio: Studio, visitor: Visitor):
    shown = last(
        composing(
            studio,
            visitor,
            Form("red", numbers=FEW),
            Scenery(["left", "top"], background=None, foreground=" red ", halving=False),
        )
    )
    assert shown.said.startswith("Composed: best of 2 is ")
    assert shown.picture is not None
    assert shown.picture.width == 2 * (16 + 6)
    assert last(replaying(studio, visitor, 1)).said == EQUAL


@pytest.mark.parametrize(
    ("scenery", "sentence"),
    [
        (Scenery([]), "Places: expected at least one, got none. Choose some of the nine."),
        (Scenery(["somewhere"]), "Places: expected 'all' or some of top-left"),
        (Scenery(["left"], scale=2), "Size: expected a number above 0 and at most 1, got 2"),
    ],
)
def test_a_bad_place_is_one_sentence(studio: Studio, visitor: Visitor, scenery: Scenery, sentence: str):
    assert last(composing(studio, visitor, Form("red"), scenery)).said.startswith(sentence)


def test_the_nearest_picture_is_kept_and_drawing_goes_on_from_there(studio: Studio, visitor: Visitor, picture: str):
    shown = last(inverting(studio, visitor, Form("", numbers=FEW), picture))
    assert shown.said.startswith("Found: PSNR ")
    assert last(inverting(studio, visitor, Form("red", numbers=FEW), picture)).kept[0].title == "red, seed 0"
    titles = [kept.title for kept in visitor.pictures()]
    assert titles == ["red, seed 0", "nearest to your picture", "nearest to your picture"]
    assert last(replaying(studio, visitor, 1)).said.startswith("Picture: expected one that was drawn or composed")
    assert last(replaying(studio, visitor, 3)).said.startswith("Picture: expected one that began by itself")


def test_a_broken_upload_is_named_as_the_visitor_knows_it(studio: Studio, visitor: Visitor, tmp_path: Path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    said = last(inverting(studio, visitor, Form(""), str(broken))).said
    assert said.startswith("Your picture: expected a readable picture, got broken.png (")
    assert str(tmp_path) not in said
    assert last(inverting(studio, visitor, Form(""), None)).said.startswith("Your picture: expected a picture, got nothing.")


def test_an_upload_is_shown_as_it_was_understood(picture: str):
    assert uploaded(picture).size == (20, 30)


def test_a_film_leads_from_one_picture_to_another_also_to_one_that_was_found(studio: Studio, visitor: Visitor, picture: str):
    last(drawing(studio, visitor, Form("red", numbers=FEW)))
    last(inverting(studio, visitor, Form("", numbers=FEW), picture))
    shown = last(filming(studio, visitor, (1, 2), 5))
    assert shown.said == "Filmed: 5 frames at 12 a second."
    with Image.open(str(shown.file)) as film:
        assert (film.format, getattr(film, "n_frames", 0)) == ("GIF", 5)


def test_what_cannot_be_filmed_is_one_sentence(studio: Studio, visitor: Visitor):
    last(drawing(studio, visitor, Form("red", numbers=FEW)))
    last(composing(studio, visitor, Form("red", numbers=FEW), Scenery(["left"])))
    assert last(filming(studio, visitor, (1, None), 5)).said.startswith("To: expected a picture of the gallery, got nothing.")
    assert "which was composed" in last(filming(studio, visitor, (2, 1), 5)).said
    assert last(filming(studio, visitor, (1, 1), 1000)).said.startswith("Frames: expected an integer of at least 2 and at most")
