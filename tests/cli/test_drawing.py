from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from fusedream_sdk.cli import drawing
from fusedream_sdk.pictures import read_recipe
from fusedream_sdk.pipeline import FuseDream
from fusedream_sdk.result import Result


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
    assert out == f"red.png  augclip {scores['augclip']:.3f}  clip {scores['clip']:.3f}\n"


def test_a_seed_that_is_named_twice_is_drawn_once(fusedream):
    _, out, _ = fusedream("generate", "a red disc", "-m", "toy", "-s", "1,1", "-s", "1", "-o", "red.png")
    assert len(out.splitlines()) == 1


def test_without_out_the_file_is_named_after_prompt_and_seed(fusedream):
    _, out, _ = fusedream("generate", "A red disc!", "-m", "toy", "-s", "3")
    assert out.startswith("a-red-disc-seed3.png  ")


def test_settings_of_the_command_line_reach_the_recipe(fusedream):
    given = ["--steps", "3", "--views", "5", "--samples", "20", "--basis", "2", "--start", "paper", "--lr", "0.1"]
    given += ["--noise", "0.2", "--bank", "40"]
    fusedream("generate", "a red disc", "-m", "toy", "-o", "red.png", "--dtype", "float32", *given)
    recipe = read_recipe("red.png")
    settings = recipe["settings"]
    assert recipe["dtype"] == "float32"
    assert (settings["steps"], settings["views"], settings["samples"], settings["basis"]) == (3, 5, 20, 2)
    assert settings["bank"] == 40
    assert (settings["start"], settings["lr"], settings["noise"]) == ("paper", 0.1, 0.2)


def test_plain_switches_every_family_of_views_off(fusedream):
    fusedream("generate", "a red disc", "-m", "toy", "-o", "red.png", "--plain")
    views = read_recipe("red.png")["settings"]["augment"]
    assert not any(views[family] for family in ("colour", "translation", "resize", "cutout"))


def test_sheet_holds_a_line_for_each_prompt_and_a_column_for_each_seed(fusedream):
    fusedream("generate", "a red disc", "a blue disc", "-m", "toy", "-s", "0-2", "-o", "dreams", "--sheet", "sheet.png")
    with Image.open("sheet.png") as sheet:
        assert sheet.size == (3 * 34 - 2, 2 * 34 - 2)


def test_pictures_so_far_lie_beside_a_single_picture(fusedream):
    words = ("-m", "toy", "-o", "red.png", "--progress", "pictures", "--every", "2")
    _, _, err = fusedream("generate", "a red disc", *words)
    assert sorted(path.name for path in Path("red-steps").iterdir()) == ["step-0000.png", "step-0002.png", "step-0004.png"]
    assert "pictures so far: red-steps" in err


def test_pictures_so_far_of_several_pictures_have_a_folder_each(fusedream):
    words = ("-m", "toy", "-s", "0,1", "-o", "dreams", "--progress", "pictures", "--every", "4", "--memory-gb", "0.000001")
    fusedream("generate", "a red disc", *words)
    found = sorted(str(path) for path in Path("dreams/steps").rglob("*.png"))
    assert found == [f"dreams/steps/0{i}-a-red-disc-seed{i}/step-000{s}.png" for i in (0, 1) for s in (0, 4)]


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


def test_pictures_that_were_not_begun_are_counted(toys, capsys):
    result = FuseDream("toy").generate("a red disc", seeds=[0, 1], progress=False)
    result = Result(**{**result.__dict__, "status": ("done", "cancelled")})
    output = drawing.Output(out=None, sheet=None, overwrite=False, progress="none")
    assert drawing.write(result, Path("dreams"), output, asked=5) == 0
    assert "3 of 5 pictures were not begun" in capsys.readouterr().err


def test_a_run_in_which_every_picture_failed_is_ours(toys, capsys):
    result = FuseDream("toy").generate("a red disc", progress=False)
    result = Result(**{**result.__dict__, "status": ("failed",)})
    output = drawing.Output(out=None, sheet=None, overwrite=False, progress="none")
    assert drawing.write(result, Path("a.png"), output, asked=1) == 1
    shown = capsys.readouterr()
    assert "(failed)" in shown.out
    assert "not finite" in shown.err
