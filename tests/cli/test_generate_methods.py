"""`generate --method`, and the pictures of other methods drawn again."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.imaging.pictures import read_recipe
from fusedream_sdk.models.registry import list_methods

NAMED = ("random-search?population=8", "clip-adam")


def pixels(path: str) -> bytes:
    with Image.open(path) as picture:
        return picture.convert("RGB").tobytes()


def draw(fusedream, *words: str, out: str = "a.png") -> dict:
    code, printed, err = fusedream("generate", "a red disc", "-m", "toy", "-s", "5", "-o", out, *words)
    assert code == 0, err
    assert printed.startswith(f"{out}  augclip ")
    return read_recipe(out)


@pytest.mark.parametrize(
    ("method", "steering"),
    [
        ("random-search?population=8", {"name": "random-search", "options": {"population": 8}}),
        ("random-search", {"name": "random-search", "options": {}}),
        ("clip-adam", {"name": "clip-adam", "options": {}}),
    ],
)
def test_a_picture_says_by_which_method_it_was_drawn(fusedream, method, steering):
    assert draw(fusedream, "--method", method)["steering"] == steering


def test_a_default_run_says_nothing_of_a_method(fusedream):
    assert "steering" not in draw(fusedream)
    assert "steering" not in draw(fusedream, "--method", "fusedream", out="b.png")
    assert pixels("a.png") == pixels("b.png")


def test_the_methods_draw_different_pictures(fusedream):
    for name, method in zip("abc", (*NAMED, "fusedream"), strict=True):
        draw(fusedream, "--method", method, out=f"{name}.png")
    assert len({pixels(f"{name}.png") for name in "abc"}) == 3


@pytest.mark.parametrize("method", NAMED)
def test_replay_draws_the_same_picture_by_the_same_method(fusedream, method):
    first = draw(fusedream, "--method", method, "--steps", "6")
    code, out, err = fusedream("replay", "a.png", "-o", "b.png")
    assert code == 0, err
    assert out.startswith("b.png  augclip ")
    assert pixels("a.png") == pixels("b.png")
    again = read_recipe("b.png")
    assert (again["steering"], again["settings"]) == (first["steering"], first["settings"])


def test_a_picture_of_several_is_replayed_alone(fusedream):
    words = ("a blue disc", "-m", "toy", "-s", "0-2", "-o", "both", "--method", "random-search?population=4")
    assert fusedream("generate", "a red disc", *words)[0] == 0
    path = "both/04-a-blue-disc-seed1.png"
    assert fusedream("replay", path, "-o", "b.png")[0] == 0
    assert pixels(path) == pixels("b.png")


def test_a_method_begins_at_a_picture(fusedream):
    draw(fusedream, out="a.png")
    for name, method in zip("bc", NAMED, strict=True):
        recipe = draw(fusedream, "--method", method, "--start", "a.png", out=f"{name}.png")
        assert recipe["start"]["picture"]
        assert fusedream("replay", f"{name}.png", "-o", f"{name}-again.png", "--start", "a.png")[0] == 0
        assert pixels(f"{name}.png") == pixels(f"{name}-again.png")


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("random-serch", "Did you mean 'random-search'?"),
        (
            "fusedraem",
            f"expected one of {', '.join(list_methods())}; got 'fusedraem'. Did you mean 'fusedream'?",
        ),
        ("random-search?populatoin=8", "got 'populatoin'. Did you mean 'population'?"),
        ("random-search?population=1", "population: expected an integer of at least 2, got 1"),
        ("random-search?population=many", "population: expected an integer of at least 2, got many"),
        ("random-search?population", "random-search: expected options as NAME?key=value&key=value"),
        ("clip-adam?lr=0.1", "methods: expected an option of 'clip-adam', which takes none, got 'lr'"),
    ],
)
def test_a_method_that_cannot_be_had_is_refused_before_the_models_are_loaded(method, message, fusedream, monkeypatch):
    monkeypatch.setattr(FuseDream, "__init__", lambda *_args, **_options: pytest.fail("it loaded the models"))
    code, out, err = fusedream("generate", "a red disc", "-m", "toy", "--method", method, "-o", "a.png")
    assert (code, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert len(err.splitlines()) == 1
    assert not Path("a.png").exists()


@pytest.mark.parametrize(
    ("method", "words", "message"),
    [
        (
            "clip-adam",
            ("--basis", "3"),
            "basis: expected nothing, as clip-adam has no use for it, got 3. Leave it out",
        ),
        ("clip-adam", ("--views", "3"), "views: expected nothing, as clip-adam has no use for it, got 3."),
        ("clip-adam", ("--samples", "1"), "samples: expected nothing, as clip-adam has no use for it, got 1."),
        ("random-search", ("--lr", "0.1"), "lr: expected nothing, as random-search has no use for it, got 0.1."),
        (
            "random-search?population=8",
            ("--mix", "best"),
            "mix: expected nothing, as random-search has no use for it",
        ),
    ],
)
def test_a_setting_that_a_method_has_no_use_for_is_refused_and_nothing_is_drawn(method, words, message, fusedream):
    code, out, err = fusedream("generate", "a red disc", "-m", "toy", "--method", method, "-o", "a.png", *words)
    assert (code, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert not Path("a.png").exists()


def test_the_methods_are_listed_beside_the_models(fusedream):
    _, out, _ = fusedream("models")
    assert f"methods: {', '.join(list_methods())}" in out.splitlines()
    _, out, _ = fusedream("plugins")
    assert "  clip-adam          fusedream-sdk (fusedream_sdk.methods.clip_adam:clip_adam)" in out.splitlines()
