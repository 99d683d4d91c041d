"""Draw, draw again, and draw by two methods, without a browser."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.imaging.pictures import save_png
from fusedream_sdk.web.drawing import EQUAL, comparing, drawing, replaying
from fusedream_sdk.web.forms import Form
from fusedream_sdk.web.limits import Limits
from fusedream_sdk.web.studio import Showing, Shown, Studio, spoken
from fusedream_sdk.web.visitors import Visitor


def last(showing: Showing[None]) -> Shown:
    shown = list(spoken(showing))
    assert all(not one.over for one in shown[:-1])
    assert shown[-1].over
    return shown[-1]


def test_pictures_go_to_the_gallery_with_their_recipes_and_are_those_of_the_python_api(
    studio: Studio, visitor: Visitor, dream: FuseDream
):
    shown = last(drawing(studio, visitor, Form("red\ngreen", "0-1", numbers={"steps": 3})))
    assert shown.said.startswith("Drawn: augclip ")
    assert [kept.title for kept in shown.kept] == ["red, seed 0", "red, seed 1", "green, seed 0", "green, seed 1"]
    assert shown.kept[1].recipe()["settings"]["steps"] == 3
    alone = dream.generate("red", seeds=1, steps=3, progress=False).pil[0]
    assert Image.open(shown.kept[1].path).tobytes() == alone.tobytes()


def test_what_is_cancelled_is_kept_as_far_as_it_came(studio: Studio, visitor: Visitor):
    seen: list[Shown] = []
    for shown in drawing(studio, visitor, Form("red", "0-1", numbers={"steps": 500})):
        seen.append(shown)
        if shown.picture is not None:
            visitor.cancel()
    assert seen[-1].said in ("Cancelled: the best so far is kept. 1 had not begun.", "Cancelled: the best so far is kept.")
    assert seen[-1].kept[-1].result is not None
    assert seen[-1].kept[-1].result.status == ("cancelled",)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        (Form(""), "Prompt: expected a sentence, got an empty one."),
        (Form("red", "x"), "Seeds: expected integers from 0"),
        (Form("red", method="nope"), "Method: expected one of "),
        (Form("red", method="random-search?population=x"), "Population: expected an integer"),
        (Form("red", numbers={"steps": 5000}), "Steps: expected an integer of at least 1 and at most 500, got 5000."),
        (Form("red", numbers={"lr": -1}), "Learning rate: expected a positive number"),
        (Form("red", method="clip-adam", numbers={"basis": 3}), "Basis: expected nothing, as clip-adam has no use for it"),
    ],
)
def test_a_bad_input_is_one_sentence(studio: Studio, visitor: Visitor, form: Form, sentence: str):
    shown = last(drawing(studio, visitor, form))
    assert shown.wrong
    assert shown.said.startswith(sentence)
    assert visitor.pictures() == []


def test_a_picture_is_drawn_again_from_its_recipe_and_comes_out_equal(studio: Studio, visitor: Visitor):
    last(drawing(studio, visitor, Form("red", "3")))
    shown = last(replaying(studio, visitor, 1))
    assert shown.said == EQUAL
    assert len(visitor.pictures()) == 1


def test_a_picture_that_comes_out_otherwise_is_told(studio: Studio, visitor: Visitor):
    (kept,) = last(drawing(studio, visitor, Form("red"))).kept
    recipe = kept.recipe()
    save_png(Image.new("RGB", (16, 16)), kept.path, recipe)
    with pytest.warns(UserWarning, match="it came out otherwise"):
        shown = last(replaying(studio, visitor, 1))
    assert shown.said.startswith("Drawn again: it came out otherwise, by up to ")


def test_a_picture_that_is_not_there_is_not_drawn_again(studio: Studio, visitor: Visitor):
    assert last(replaying(studio, visitor, None)).said.startswith("Picture: expected a picture of the gallery, got nothing.")


def test_two_methods_draw_the_same_rows_and_stand_side_by_side(studio: Studio, visitor: Visitor):
    shown = last(comparing(studio, visitor, Form("red", "0,1", numbers={"steps": 2}), ("fusedream", "clip-adam")))
    assert shown.said == "Drawn by both methods, from the same seeds."
    assert {kept.title.rpartition(" by ")[2] for kept in shown.kept} == {"fusedream", "clip-adam"}
    assert len(shown.kept) == 4
    assert shown.table is not None
    assert "| fusedream |" in shown.table


def test_a_method_is_not_compared_with_itself(studio: Studio, visitor: Visitor):
    shown = last(comparing(studio, visitor, Form("red"), ("fusedream", "fusedream")))
    assert shown.said.startswith("Method: expected two that differ")


def test_two_visitors_at_once_get_what_each_asked_for(studio: Studio):
    studio = replace(studio, limits=Limits(at_once=2))
    one, other = (studio.visitors.visitor(name) for name in "ab")
    runs = [drawing(studio, one, Form("red")), drawing(studio, other, Form("green"))]
    ends: list[Shown] = []
    while runs:  # turn by turn, as two browsers would
        for run in list(runs):
            shown = next(run, None)
            if shown is None:
                runs.remove(run)
            elif shown.over:
                ends.append(shown)
    assert sorted(kept.title for shown in ends for kept in shown.kept) == ["green, seed 0", "red, seed 0"]
    assert [kept.title for kept in one.pictures()] == ["red, seed 0"]
