from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

import pytest
from click import Choice
from PIL import Image

from fusedream_sdk.cli.compose import compose
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.imaging.pictures import read_recipe
from fusedream_sdk.run.result import Result
from fusedream_sdk.scenes.consistency import Problem, Reading
from fusedream_sdk.scenes.result import CAPTION, FRAME
from fusedream_sdk.scenes.settings import SceneSettings, Update
from tests.cli.toys import add_distribution

INTERRUPTING = """
from itertools import count


def load(device="cpu"):
    calls = count(1)

    def distance(a, b):
        if next(calls) == {call}:
            raise KeyboardInterrupt
        return (a - b).square().mean(dim=(1, 2, 3))

    return distance
"""


@pytest.fixture
def interrupt_at(tmp_path, monkeypatch):
    """A perceptual distance "interrupting", in whose n-th call Ctrl-C is pressed."""

    def install(call: int) -> None:
        points = "[fusedream_sdk.perceptual]\ninterrupting = interrupting:load\n"
        folder = add_distribution(tmp_path / "more", "interrupting", points, {"interrupting": INTERRUPTING.format(call=call)})
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, "interrupting", raising=False)

    return install


def picture(name: str, size: tuple[int, int] = (32, 32), colour: str = "blue", mode: str = "RGB") -> str:
    Image.new(mode, size, colour).save(name)
    return name


def test_a_line_has_path_scores_placement_and_the_number_of_candidates(fusedream):
    words = ("--place", "left", "--place", "top", "--scale", "0.5", "--scale", "0.75")
    _, out, _ = fusedream("compose", "a red disc", "-m", "toy", "-o", "scene.png", *words)
    recipe = read_recipe("scene.png")
    scores = "  ".join(f"{name} {recipe['scores'][name]:.3f}" for name in ("augclip", "clip", "judge", "consistency"))
    place = "left" if recipe["placement"]["x"] == -1 else "top"
    assert out == f"scene.png  {scores}  {place} at {recipe['placement']['scale']:g}, best of 4\n"


def test_a_film_shows_the_candidates_of_the_composition(fusedream):
    words = ("--place", "left", "--place", "top", "-o", "scene.png", "--film", "a.gif", "--every", "2")
    assert fusedream("compose", "a red disc", "-m", "toy", *words)[0] == 0
    with Image.open("a.gif") as film:
        assert getattr(film, "n_frames", 1) > 1
        assert film.width > film.height


def test_all_nine_places_at_half_the_canvas_are_the_default(fusedream):
    _, out, _ = fusedream("compose", "a red disc", "-m", "toy")
    assert out.startswith("a-red-disc-seed0.png  ")
    assert out.endswith(" at 0.5, best of 9\n")


def test_prompts_and_seeds_fill_a_folder_in_their_order(fusedream):
    words = ("-m", "toy", "-s", "0-1", "--place", "left", "-o", "scenes")
    _, out, _ = fusedream("compose", "a red disc", "a blue disc", *words)
    assert [line.split()[0] for line in out.splitlines()] == [
        "scenes/00-a-red-disc-seed0.png",
        "scenes/01-a-red-disc-seed1.png",
        "scenes/02-a-blue-disc-seed0.png",
        "scenes/03-a-blue-disc-seed1.png",
    ]
    assert Result.load("scenes").seeds == (0, 1, 0, 1)
    assert Path("scenes/candidates.png").is_file()


def test_sheet_holds_a_line_for_each_prompt_and_a_column_for_each_candidate(fusedream):
    words = ("-m", "toy", "--place", "left", "--place", "top", "--place", "right", "-o", "scenes", "--sheet", "sheet.png")
    fusedream("compose", "a red disc", "a blue disc", *words)
    with Image.open("sheet.png") as sheet:
        assert sheet.size == (3 * (32 + 2 * FRAME), 2 * (32 + 2 * FRAME + CAPTION))


def test_settings_of_the_command_line_reach_the_recipe(fusedream):
    given = {"direction": "linear", "coefficient": 3.0, "update": "plain", "reading": "border", "feather": 0.25}
    given |= {"halving": 3}
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    code, _, err = fusedream("compose", "a red disc", "-m", "toy", "-o", "scene.png", "--steps", "3", "--lr", "0.1", *words)
    assert code == 0, err
    recipe = read_recipe("scene.png")
    written = {"method": given.pop("direction"), **given}  # the older name of a direction
    assert {name: recipe["scene"][name] for name in written} == written
    assert not recipe["scene"]["free"]
    assert (recipe["settings"]["steps"], recipe["settings"]["lr"]) == (3, 0.1)


def test_the_mixture_of_the_layers_is_a_setting_of_the_scene(fusedream):
    words = ("-m", "toy", "--place", "left", "--steps", "2", "-o", "scene.png")
    assert fusedream("compose", "a red disc", *words, "--mix", "random")[0] == 0
    recipe = read_recipe("scene.png")
    assert (recipe["scene"]["start"], recipe["settings"]["start"]) == ("random", "random")


def test_a_free_placement_leaves_the_place_that_it_began_at(fusedream):
    words = ("--place", "centre", "--free", "--noise", "0", "--lr", "0.5")
    _, out, _ = fusedream("compose", "a red disc", "-m", "toy", "-o", "scene.png", *words)
    assert read_recipe("scene.png")["scene"]["free"]
    assert "  (" in out
    assert out.endswith(", best of 1\n")


def test_layers_have_prompts_and_pictures_of_their_own(fusedream):
    words = ("--place", "left", "--foreground", "a red disc", "--background-picture", picture("blue.png", (48, 40)))
    code, _, err = fusedream("compose", "red on blue", "-m", "toy", "-o", "scene.png", *words)
    assert code == 0, err
    background, foreground = read_recipe("scene.png")["layers"]
    assert (background["picture"], foreground["picture"], foreground["prompt"]) == (True, False, "a red disc")
    with Image.open("scene.png") as scene:
        assert scene.size == (48, 40)
        assert scene.getpixel((47, 20)) == (0, 0, 255)


def test_a_perceptual_distance_is_taken_by_name(fusedream):
    words = ("--place", "left", "--perceptual", "toy")
    fusedream("compose", "a red disc", "--generator", "toy-48", "--scorer", "toy", "-o", "a.png", "--steps", "2", *words)
    assert read_recipe("a.png")["perceptual"]["name"] == "toy"


def test_a_process_of_its_own_composes_and_says_nothing_else(process):
    words = ("--models", "toy", "--out", "scene.png", "--sheet", "sheet.png", "--progress", "none")
    running = process("compose", "a red disc", *words)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    assert out.startswith("scene.png  augclip ")
    assert err == ""
    assert Path("sheet.png").is_file()


@pytest.mark.parametrize(("call", "begun", "ending"), [(2 + 3, 1, "best of 1  (cancelled)"), (2 + 5 + 3, 2, "best of 2")])
def test_ctrl_c_saves_the_best_so_far_and_says_what_was_not_begun(call, begun, ending, fusedream, interrupt_at):
    interrupt_at(call)  # two calls measure the memory, and each candidate, alone in its chunk, takes five
    words = ("--perceptual", "interrupting", "--memory-gb", "0.000001", "--sheet", "sheet.png", "-o", "scene.png")
    code, out, err = fusedream("compose", "a red disc", "-m", "toy", *words)
    assert code == 0, err
    assert out.rstrip().endswith(ending)
    assert err.splitlines()[-1].endswith(f"the best so far is saved; {9 - begun} of 9 candidates were not begun.")
    assert Path("scene.png").is_file()
    assert Path("sheet.png").is_file()


def test_ctrl_c_before_anything_can_be_saved_gives_130(fusedream, interrupt_at):
    interrupt_at(1)
    code, out, err = fusedream("compose", "a red disc", "-m", "toy", "--perceptual", "interrupting", "-o", "scene.png")
    assert (code, out) == (130, ""), err
    assert not Path("scene.png").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--place", "north"), "'north' is not one of 'top-left'"),
        (("--scale", "0"), "expected a number above 0 and at most 1; got '0'."),
        (("--scale", "1.5"), "expected a number above 0 and at most 1; got '1.5'."),
        (("--scale", "nan"), "expected a number above 0 and at most 1; got 'nan'."),
        (("--alpha", "0"), "expected a positive number; got '0'."),
        (("--alpha", "inf"), "expected a positive number; got 'inf'."),
        (("--coefficient", "-1"), "expected a positive number; got '-1'."),
        (("--coefficient", "3"), "coefficient: expected nothing with the direction bi-level, got 3.0."),
        (("--alpha", "3", "--direction", "linear"), "alpha: expected nothing with the direction linear, got 3.0. Leave it out"),
        (("--feather", "0.6"), "expected a number from 0 to 0.5; got '0.6'."),
        (("--halving", "1"), "expected an integer of at least 2; got '1'."),
        (("--fps", "3"), "--fps: expected nothing, as there is no film."),
        (("--every", "3"), "--every: expected nothing, as there is no film."),
        (("--film", "a.avi"), "--film: expected a file that ends in .gif or .mp4, got a.avi."),
        (("--direction", "both"), "'both' is not one of 'bi-level'"),
        (("--progress", "pictures"), "'pictures' is not one of 'bar', 'none'"),
        (("--background", " "), "--background: expected a sentence, got an empty one"),
        (("--background-picture", "none.png"), "background-picture: expected an existing picture, got none.png"),
        (("--foreground-picture", "text.png"), "foreground-picture: expected a readable picture, got text.png"),
        (("--background-picture", "small.png"), "expected a picture with sides from 16 to 4096 pixels, got 8 x 8"),
        (("--background-picture", "cmyk.jpg"), "expected a picture in RGB, RGBA or grey, got mode CMYK"),
        (("--background", "sea", "--background-picture", "a.png"), "background: expected a prompt or a picture, got both"),
        (("--out", "text.png"), "expected a new file, but text.png exists"),
        (("--out", "a.png", "--seed", "0-1"), "expected a folder for 2 pictures"),
        (("--out", "a.png", "--sheet", "a.tiff"), "sheet: expected a file that ends in .png"),
        (("--out", "a.png", "--sheet", "a.png"), "sheet: expected another file than the output's, got a.png"),
        (("--out", "new", "-s", "0-1", "--sheet", "new/candidates.png"), "sheet: expected another file than the output's"),
        (("--out", "full", "--seed", "0-1"), "expected a new file, but full/candidates.png exists"),
    ],
)
def test_every_mistake_gives_2_before_the_models_are_loaded(given, message, fusedream, monkeypatch):
    Path("text.png").write_text("mine")
    Path("full").mkdir()
    picture("full/candidates.png")
    picture("small.png", (8, 8))
    picture("cmyk.jpg", colour="black", mode="CMYK")
    monkeypatch.setattr(FuseDream, "__init__", lambda *_args, **_options: pytest.fail("it loaded the models"))
    code, out, err = fusedream("compose", "a red disc", "-m", "toy", *given)
    assert code == 2, err
    assert message in err.splitlines()[-1]
    assert out == ""
    assert Path("text.png").read_text() == "mine"


def test_an_unknown_perceptual_distance_gives_2(fusedream):
    code, _, err = fusedream("compose", "a red disc", "-m", "toy", "--perceptual", "toyy")
    assert code == 2
    assert "Did you mean 'toy'?" in err


def test_the_choices_and_defaults_of_the_options_are_those_of_the_settings():
    options = {parameter.name: parameter for parameter in compose.params}
    for name, known in (("direction", Problem), ("update", Update), ("reading", Reading)):
        kind = options[name].type
        assert isinstance(kind, Choice)
        assert tuple(kind.choices) == get_args(known)
    for name in ("direction", "alpha", "coefficient", "update", "reading", "feather"):
        assert f"[default: {getattr(SceneSettings(), name):}]".replace(".0]", "]") in getattr(options[name], "help", "")
