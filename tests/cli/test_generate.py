from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from fusedream_sdk.cli import generate as drawing
from fusedream_sdk.cli.output import Output
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.imaging.pictures import read_recipe
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.recipe import Recipe
from fusedream_sdk.run.result import Result
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.scoring.views import NO_VIEWS, PUBLIC_VIEWS


def test_prompts_and_seeds_fill_a_folder_in_their_order(fusedream):
    words = ("a red disc", "a blue disc", "--models", "toy", "--seed", "0-1", "--seed", "7", "--out", "dreams")
    code, out, _ = fusedream("generate", *words)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == [
        "dreams/00-a-red-disc-seed0.png",
        "dreams/01-a-red-disc-seed1.png",
        "dreams/02-a-red-disc-seed7.png",
        "dreams/03-a-blue-disc-seed0.png",
        "dreams/04-a-blue-disc-seed1.png",
        "dreams/05-a-blue-disc-seed7.png",
    ]
    assert Result.load("dreams").seeds == (0, 1, 7, 0, 1, 7)


def test_a_line_has_the_path_and_the_scores(fusedream):
    _, out, _ = fusedream("generate", "a red disc", "-m", "toy", "-o", "red.png")
    scores = read_recipe("red.png")["scores"]
    assert out == f"red.png  augclip {scores['augclip']:.3f}  clip {scores['clip']:.3f}  judge {scores['judge']:.3f}\n"


def test_the_judge_of_the_pair_can_be_left_out(fusedream):
    _, out, _ = fusedream("generate", "a red disc", "-m", "toy", "-o", "red.png", "--no-judge")
    assert "judge" not in out
    recipe = read_recipe("red.png")
    assert set(recipe["scores"]) == {"augclip", "clip"}
    assert recipe["settings"]["judge"] is False


def test_a_seed_that_is_named_twice_is_drawn_once(fusedream):
    _, out, _ = fusedream("generate", "a red disc", "-m", "toy", "-s", "1,1", "-s", "1", "-o", "red.png")
    assert len(out.splitlines()) == 1


def test_without_out_the_file_is_named_after_prompt_and_seed(fusedream):
    _, out, _ = fusedream("generate", "A red disc!", "-m", "toy", "-s", "3")
    assert out.startswith("a-red-disc-seed3.png  ")


def test_settings_of_the_command_line_reach_the_recipe(fusedream):
    given = ["--steps", "3", "--views", "5", "--samples", "20", "--basis", "2", "--mix", "random", "--lr", "0.1"]
    given += ["--noise", "0.2", "--bank", "40"]
    fusedream("generate", "a red disc", "-m", "toy", "-o", "red.png", "--dtype", "float32", *given)
    recipe = read_recipe("red.png")
    settings = recipe["settings"]
    assert recipe["dtype"] == "float32"
    assert (settings["steps"], settings["views"], settings["samples"], settings["basis"]) == (3, 5, 20, 2)
    assert settings["bank"] == 40
    assert (settings["start"], settings["lr"], settings["noise"]) == ("random", 0.1, 0.2)


def test_plain_switches_every_family_of_views_off(fusedream):
    fusedream("generate", "a red disc", "-m", "toy", "-o", "red.png", "--plain")
    views = read_recipe("red.png")["settings"]["augment"]
    assert not any(views[family] for family in ("colour", "translation", "resize", "cutout"))


def test_the_views_of_run_search_and_report_and_the_point_that_is_kept_have_options(fusedream):
    chosen = ("--augment", "public", "--search-augment", "none", "--keep", "last", "--report-views", "7")
    fusedream("generate", "a red disc", "-m", "toy", "-o", "red.png", *chosen)
    settings = Recipe.read("red.png").settings
    assert (settings.augment, settings.search_augment) == (PUBLIC_VIEWS, NO_VIEWS)
    assert (settings.keep, settings.report_views) == ("last", 7)
    code, out, _ = fusedream("replay", "red.png", "--out", "again.png")
    assert code == 0, out
    with Image.open("red.png") as one, Image.open("again.png") as two:
        assert one.tobytes() == two.tobytes()


def test_plain_beside_other_views_is_a_mistake(fusedream):
    code, _, err = fusedream("generate", "a red disc", "-m", "toy", "--plain", "--augment", "public")
    assert code == 2
    assert "--plain is --augment none; got --augment public too" in err


def test_sheet_holds_a_line_for_each_prompt_and_a_column_for_each_seed(fusedream):
    fusedream("generate", "a red disc", "a blue disc", "-m", "toy", "-s", "0-2", "-o", "dreams", "--sheet", "sheet.png")
    with Image.open("sheet.png") as sheet:
        assert sheet.size == (3 * 34 - 2, 2 * 34 - 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("-o", "taken.png"), "expected a new file, but taken.png exists"),
        (("-o", "missing/a.png"), "expected an existing folder, got missing"),
        (("-o", "taken.png/deep"), "taken.png"),
        (("-o", "a.png", "-s", "0-1"), "expected a folder for 2 pictures"),
        (("-o", "a.png", "--sheet", "a.tiff"), "sheet: expected a file that ends in .png"),
        (("-o", "a.png", "--sheet", "./a.png"), "sheet: expected another file than the output's, got a.png"),
        (("-o", "a.png", "--sheet", "taken.png"), "expected a new file, but taken.png exists"),
        (("-o", "full"), "expected a new file, but full/00-a-red-disc-seed0.png exists"),
        (("-o", "old.png", "--progress", "pictures"), "expected an empty folder, but old-steps has files"),
    ],
)
def test_output_is_checked_before_the_computation(given, message, fusedream, monkeypatch):
    Path("taken.png").write_text("mine")
    for folder, name in (("full", "00-a-red-disc-seed0.png"), ("old-steps", "step-0000.png")):
        Path(folder).mkdir()
        (Path(folder) / name).write_text("mine")
    monkeypatch.setattr(FuseDream, "generate", lambda *_args, **_options: pytest.fail("it computed"))
    code, _, err = fusedream("generate", "a red disc", "-m", "toy", *given)
    assert code == 2, err
    assert message in err.splitlines()[-1]
    assert Path("taken.png").read_text() == "mine"


def test_overwrite_replaces_a_file(fusedream):
    Path("red.png").write_text("old")
    assert fusedream("generate", "a red disc", "-m", "toy", "-o", "red.png", "--overwrite")[0] == 0
    assert read_recipe("red.png")["prompt"] == "a red disc"


def told(result: Result, asked: int) -> int:
    output = Output(out=None, sheet=None, overwrite=False, resume=False, progress="none")
    folder = output.plan(Path("dreams"), [f"red-{row}" for row in range(asked)], [])
    folder.saved += folder.targets[: len(result)]
    return drawing.finish(result, folder, output, asked=asked)


def test_pictures_that_were_not_begun_are_counted(toys, capsys):
    result = FuseDream("toy").generate("a red disc", seeds=[0, 1], progress=False)
    assert told(replace(result, status=(Status.DONE, Status.CANCELLED)), 5) == 0
    assert "3 of 5 pictures were not begun" in capsys.readouterr().err


def test_a_run_in_which_every_picture_failed_is_ours(toys, capsys):
    result = FuseDream("toy").generate("a red disc", progress=False)
    assert told(replace(result, status=(Status.FAILED,)), 1) == 1
    shown = capsys.readouterr()
    assert "(failed)" in shown.out
    assert "not finite" in shown.err


def picture(name: str, size: tuple[int, int] = (32, 32)) -> str:
    Image.effect_noise(size, 90).convert("RGB").save(name)
    return name


def test_weights_are_part_of_a_prompt(fusedream):
    code, out, _ = fusedream("generate", "a red disc | text:-0.3", "-m", "toy")
    assert code == 0
    assert out.startswith("a-red-disc-text-0-3-seed0.png  ")
    assert read_recipe("a-red-disc-text-0-3-seed0.png")["prompt"] == "a red disc | text:-0.3"


def test_an_image_prompt_is_added_to_every_prompt_and_may_stand_alone(fusedream):
    like = Prompt(image=picture("sketch.png"))
    fusedream("generate", "red", "blue | text:-1", "--image-prompt", "sketch.png:0.5", "-m", "toy", "-o", "both")
    assert Result.load("both").prompts == (str("red" + 0.5 * like), str(Prompt("blue | text:-1") + 0.5 * like))
    fusedream("generate", "--image-prompt", "sketch.png", "-m", "toy", "-o", "one.png")
    assert read_recipe("one.png")["prompt"] == str(like)


def test_a_file_whose_name_ends_like_a_weight_is_a_file(fusedream):
    picture("a.png")
    Path("a.png").rename("a:0.5")
    fusedream("generate", "red", "--image-prompt", "a:0.5", "--image-prompt", "a:0.5:2", "-m", "toy", "-o", "one.png")
    assert read_recipe("one.png")["prompt"] == str("red" + 3 * Prompt(image="a:0.5"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Missing argument 'PROMPT...'"),
        (("red", "--image-prompt", "none.png"), "image-prompt: expected an existing picture, got none.png."),
        (("red", "--image-prompt", "none.png:2"), "image-prompt: expected an existing picture, got none.png."),
        (("red", "--image-prompt", "small.png"), "image-prompt: expected a picture with sides from 16 to 4096 pixels"),
        (("red", "--image-prompt", "text.png"), "image-prompt: expected a readable picture, got text.png"),
        (("--image-prompt", "good.png:-1"), "prompts[0]: expected a part with a weight above 0"),
        (("red ||",), "prompts[0]: expected parts that say something, between the |, got 'red ||'."),
    ],
)
def test_prompts_that_cannot_be_used_give_2_before_the_models_are_loaded(words, message, fusedream, monkeypatch):
    monkeypatch.setattr(FuseDream, "__init__", lambda *args, **kwargs: pytest.fail("loaded the models"))
    picture("good.png")
    picture("small.png", (9, 9))
    Path("text.png").write_text("no picture")
    code, out, err = fusedream("generate", *words, "-m", "toy")
    assert (code, out) == (2, "")
    assert message in err
