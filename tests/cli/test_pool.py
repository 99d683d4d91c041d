"""The pool on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.imaging.pictures import read_recipe


def test_a_preview_writes_the_sheet_stops_and_says_how_to_pin(fusedream):
    code, out, err = fusedream("generate", "a red disc", "-m", "toy", "--preview-basis", "pool.png", "-o", "a.png")
    assert code == 0
    assert [path.name for path in Path().iterdir()] == ["pool.png"]
    assert out.startswith("pool.png  a red disc (seed 0)  20 starts, best 0.")
    assert "--pin 1,3 in place of --preview-basis begins at these" in err
    with Image.open("pool.png") as sheet:
        assert sheet.width > 5 * 128


def test_the_sheet_shows_as_many_as_are_asked_for_of_every_row(fusedream):
    words = ("generate", "a red disc", "a blue disc", "-s", "0,1", "-m", "toy", "--preview-basis", "pool.png")
    code, out, _ = fusedream(*words, "--preview-count", "2")
    assert code == 0
    assert len(out.splitlines()) == 4
    assert all("  2 starts, best " in line for line in out.splitlines())


def test_pinned_starts_draw_another_picture_and_are_in_its_recipe(fusedream):
    for name, words in {"a": (), "b": ("--pin", "3,17"), "c": ("--drop", "0-2")}.items():
        code, _, err = fusedream("generate", "a red disc", "-m", "toy", "-o", f"{name}.png", *words)
        assert code == 0, err
    assert read_recipe("b.png")["settings"]["pin"] == [3, 17]
    assert read_recipe("b.png")["settings"]["basis"] == 2
    assert read_recipe("c.png")["settings"]["drop"] == [0, 1, 2]
    assert len({Path(f"{name}.png").read_bytes() for name in "abc"}) == 3


@pytest.mark.parametrize("words", [("--pin", "3,17"), ("--drop", "0")])
def test_a_picture_of_chosen_starts_is_drawn_again(fusedream, words):
    assert fusedream("generate", "a red disc", "-m", "toy", "-o", "a.png", *words)[0] == 0
    code, _, err = fusedream("replay", "a.png", "-o", "b.png")
    assert (code, "otherwise" in err) == (0, False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--pin", "32"), "--pin: expected places in the search, from 0 to 31, as a row sees 32 samples, got 32."),
        (("--pin", "3;17"), "expected numbers of the sheet, as 3 or 3,17 or 0-4; got '3;17'."),
        (("--pin", "4-1"), "expected numbers of the sheet"),
        (("--pin", "1", "--drop", "2"), "--drop: expected nothing, as the basis is what is pinned"),
        (("--pin", "1", "--method", "clip-adam"), "--pin: expected nothing, as clip-adam does not search"),
        (("--preview-count", "4"), "--preview-count: expected nothing, as nothing is to be shown."),
        (("--preview-basis", "a.jpg"), "--preview-basis: expected a file that ends in .png, got a.jpg."),
        (("--preview-basis", "a.png", "--pin", "1"), "--pin: expected nothing, as the whole pool is shown"),
        (("--preview-basis", "a.png", "--method", "clip-adam"), "--method: expected one that searches, got clip-adam."),
    ],
)
def test_what_cannot_be_chosen_is_refused_and_nothing_is_written(fusedream, words, message):
    code, out, err = fusedream("generate", "a red disc", "-m", "toy", "-o", "out.png", *words)
    assert (code, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert not list(Path().iterdir())


def test_a_sheet_that_is_there_is_kept_before_the_models_are_loaded(fusedream, monkeypatch):
    Path("pool.png").write_text("mine")
    monkeypatch.setattr(FuseDream, "__init__", lambda *_args, **_options: pytest.fail("it loaded the models"))
    code, _, err = fusedream("generate", "a red disc", "-m", "toy", "--preview-basis", "pool.png")
    assert code == 2
    assert "--preview-basis: expected a new file, but pool.png exists." in err
