from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from PIL import Image

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.imaging.pictures import read_recipe, to_pil
from fusedream_sdk.inversion.result import Inversion
from fusedream_sdk.testing import ToyGenerator, random_latents

QUICK = ("--steps", "20", "--candidates", "8", "--starts", "2", "--trial", "4")


@pytest.fixture
def pictures(toys: Path) -> list[str]:
    """Two pictures that the toy generator has drawn."""
    toy = ToyGenerator()
    with torch.no_grad():
        images = toy(random_latents(toy, 2, 5))
    for name, image in zip("ab", images, strict=True):
        to_pil(image).save(f"{name}.png")
    return ["a.png", "b.png"]


def test_the_picture_found_is_written_and_its_line_says_how_near_it_is(fusedream, pictures):
    code, out, _ = fusedream("invert", "a.png", "-m", "toy", "-o", "near.png", *QUICK)
    assert code == 0
    found = re.fullmatch(r"near.png  psnr (\S+) dB  perceptual (\S+)\n", out)
    assert found
    assert float(found[1]) > 20
    recipe = read_recipe("near.png")
    assert recipe["method"] == "invert"
    assert recipe["found"]["psnr"] == pytest.approx(float(found[1]), abs=0.06)


def test_several_pictures_fill_a_folder_and_a_sheet(fusedream, pictures):
    code, out, _ = fusedream("invert", *pictures, "-m", "toy", "-o", "near", "--sheet", "sheet.png", *QUICK)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["near/00.png", "near/01.png"]
    assert len(Inversion.load("near")) == 2
    with Image.open("sheet.png") as sheet:
        assert sheet.height > 64


def test_without_out_the_file_is_named_after_the_picture(fusedream, pictures):
    _, out, _ = fusedream("invert", "a.png", "-m", "toy", *QUICK)
    assert out.startswith("a-inverted.png  ")


def test_settings_of_the_command_line_reach_the_recipe(fusedream, pictures):
    fusedream("invert", "a.png", "-m", "toy", "-o", "near.png", *QUICK, "--lr", "0.2", "--seed", "7", "--perceptual", "toy")
    recipe = read_recipe("near.png")
    asked = {"steps": 20, "candidates": 8, "starts": 2, "trial": 4, "lr": 0.2, "seed": 7}
    assert {name: recipe["inversion"][name] for name in asked} == asked
    assert recipe["perceptual"]["name"] == "toy"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("no.png",), r"pictures[0]: expected an existing picture, got no.png"),
        (("a.png", "b.png", "-o", "x.png"), "expected a folder for 2 pictures"),
        (("a.png", "-o", "x.jpg"), "out: expected a folder or a file that ends in .png"),
        (("a.png", "-o", "b.png"), "expected a new file, but b.png exists"),
        (("a.png", "-o", "x.png", "--sheet", "x.png"), "sheet: expected another file than the output's"),
        (("a.png", "--steps", "0"), "steps"),
        ((), "Missing argument"),
    ],
)
def test_everything_is_checked_before_a_model_is_loaded(words, message, fusedream, pictures, monkeypatch):
    monkeypatch.setattr(FuseDream, "__init__", lambda *_args, **_options: pytest.fail("it loaded"))
    code, _, err = fusedream("invert", *words, "-m", "toy")
    assert code == 2
    assert message in err


def test_a_picture_begins_at_another_and_its_replay_too(fusedream, pictures):
    assert fusedream("generate", "a red disc", "-m", "toy", "-o", "red.png", "--start", "a.png")[0] == 0
    assert read_recipe("red.png")["start"]["picture"]
    code, _, err = fusedream("replay", "red.png", "-o", "again.png")
    assert code == 2
    assert "start: expected the picture at which the picture began" in err
    assert fusedream("replay", "red.png", "-o", "again.png", "--start", "b.png")[0] == 2
    assert fusedream("replay", "red.png", "-o", "again.png", "--start", "a.png")[0] == 0
    with Image.open("again.png") as again, Image.open("red.png") as first:
        assert again.tobytes() == first.tobytes()


def test_a_folder_is_a_start(fusedream, pictures):
    fusedream("invert", *pictures, "-m", "toy", "-o", "near", *QUICK)
    given = ("a red disc", "a blue disc", "-m", "toy", "--start")
    assert fusedream("generate", *given, "near", "-o", "one")[0] == 0
    assert fusedream("generate", *given, "one", "-o", "two")[0] == 0
    assert read_recipe("two/00-a-red-disc-seed0.png")["start"]["picture"] is None


@pytest.mark.parametrize(
    ("verb", "start", "message"),
    [
        ("generate", "bset", "start: expected an existing picture, or a saved folder of one, got bset"),
        ("generate", "broken.png", "start: expected a readable picture"),
        ("generate", "best", "got best. The weights of the mixture are --mix best."),
        ("compose", "a.png", "No such option '--start'"),
    ],
)
def test_a_start_that_cannot_be_used_is_refused_before_a_model_is_loaded(
    verb, start, message, fusedream, pictures, monkeypatch
):
    Path("broken.png").write_text("mine")
    monkeypatch.setattr(FuseDream, "__init__", lambda *_args, **_options: pytest.fail("it loaded"))
    code, _, err = fusedream(verb, "a red disc", "-m", "toy", "--start", start)
    assert code == 2
    assert message in err
