from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import fusedream_sdk.dream.replay
from fusedream_sdk.imaging.pictures import png_bytes, read_recipe, save_png


def draw(fusedream, *words):
    code, _, err = fusedream("generate", *words, "-m", "toy", "--dtype", "float32", "--progress", "none")
    assert code == 0, err


def pixels(path):
    with Image.open(path) as picture:
        return png_bytes(picture.convert("RGB"))


def test_replay_draws_the_same_picture_again(fusedream):
    draw(fusedream, "a red disc", "-o", "a.png", "-s", "5")
    code, out, _ = fusedream("replay", "a.png", "--out", "b.png")
    assert code == 0
    assert out.startswith("b.png  augclip ")
    assert pixels("a.png") == pixels("b.png")


@pytest.mark.parametrize("out", ["a.png", "folder", "missing/b.png"])
def test_replay_checks_its_output_before_drawing(out, fusedream, monkeypatch):
    draw(fusedream, "a red disc", "-o", "a.png")
    monkeypatch.setattr(fusedream_sdk.dream.replay, "replay", lambda *_args, **_options: pytest.fail("it computed"))
    code, _, err = fusedream("replay", "a.png", "--out", out)
    assert code == 2
    assert err.startswith("fusedream: --out: expected ")


def test_replay_refuses_a_picture_without_a_recipe(fusedream):
    Image.new("RGB", (8, 8)).save("plain.png")
    code, _, err = fusedream("replay", "plain.png", "--out", "b.png")
    assert code == 2
    assert "expected a PNG with a fusedream recipe" in err


def test_interpolate_replays_pictures_and_writes_every_frame(fusedream):
    draw(fusedream, "a red disc", "-o", "a.png")
    draw(fusedream, "a blue disc", "-o", "b.png")
    code, out, _ = fusedream("interpolate", "a.png", "b.png", "--frames", "5", "--out", "film.gif")
    assert (code, out) == (0, "film.gif  5 frames at 12 a second\n")
    with Image.open("film.gif") as film:
        assert getattr(film, "n_frames", 1) == 5


def test_interpolate_reads_stored_results_and_replays_nothing(fusedream, monkeypatch):
    draw(fusedream, "a red disc", "a blue disc", "-o", "both")
    draw(fusedream, "a green disc", "-o", "one")
    monkeypatch.setattr(fusedream_sdk.dream.replay, "replay", lambda *_args, **_options: pytest.fail("it replayed"))
    code, _, err = fusedream("interpolate", "both/01-a-blue-disc-seed0.png", "one", "--frames", "3", "--out", "film.gif")
    assert code == 0, err
    with Image.open("film.gif") as film:
        assert getattr(film, "n_frames", 1) == 3


def test_interpolate_writes_mp4(fusedream):
    pytest.importorskip("imageio_ffmpeg")
    draw(fusedream, "a red disc", "-o", "one")
    assert fusedream("interpolate", "one", "one", "--frames", "4", "--out", "film.mp4")[0] == 0
    assert b"ftyp" in Path("film.mp4").read_bytes()[:16]


def test_interpolate_asks_which_picture_of_a_folder_is_meant(fusedream):
    draw(fusedream, "a red disc", "a blue disc", "-o", "both")
    code, _, err = fusedream("interpolate", "both", "both", "--out", "film.gif")
    assert code == 2
    assert "expected a folder of one picture, got both with 2. Name one of its pictures." in err


def test_interpolate_refuses_two_generators(fusedream):
    draw(fusedream, "a red disc", "-o", "a.png")
    draw(fusedream, "a red disc", "--generator", "toy-48", "--samples", "8", "--steps", "2", "-o", "b.png")
    code, _, err = fusedream("interpolate", "a.png", "b.png", "--out", "film.gif")
    assert code == 2
    assert "expected two pictures of one generator, got toy and toy-48 of other weights" in err
    assert not Path("film.gif").exists()


@pytest.mark.parametrize("recipe", [{}, {"prompt": "a dog", "seed": 1, "generator": {"name": "toy"}}])
def test_a_recipe_that_is_not_whole_is_the_users_to_know(recipe, fusedream):
    save_png(Image.new("RGB", (8, 8)), "odd.png", recipe)
    for words in (("replay", "odd.png", "--out", "b.png"), ("interpolate", "odd.png", "odd.png", "--out", "f.gif")):
        code, _, err = fusedream(*words)
        assert code == 2, err
        assert "picture: expected a whole recipe, got odd.png" in err


def composed(path, **options):
    from fusedream_sdk.dream.fusedream import FuseDream

    made = FuseDream("toy", dtype="float32").compose("a red disc", places=["left", "top"], progress=False, **options)
    made.save(path)


def test_replay_composes_the_winner_of_a_composition_again(fusedream):
    composed("a.png")
    code, out, err = fusedream("replay", "a.png", "--out", "b.png")
    assert code == 0, err
    assert out.startswith("b.png  augclip ")
    assert read_recipe("b.png")["placement"] == read_recipe("a.png")["placement"]
    assert fusedream("replay", "b.png", "--out", "c.png")[0] == 0
    assert pixels("b.png") == pixels("c.png")


def test_replay_takes_a_picture_that_was_a_layer(fusedream):
    Image.new("RGB", (20, 20), "blue").save("blue.png")
    composed("a.png", background=Path("blue.png"))
    code, _, err = fusedream("replay", "a.png", "--out", "b.png")
    assert code == 2
    assert "--background-picture: expected the picture of this layer, got none" in err
    assert fusedream("replay", "a.png", "--out", "b.png", "--background-picture", "blue.png")[0] == 0
    with Image.open("b.png") as picture:
        assert picture.getpixel((19, 19)) == (0, 0, 255)


def test_interpolate_refuses_a_composed_picture(fusedream):
    composed("a.png")
    code, _, err = fusedream("interpolate", "a.png", "a.png", "--out", "film.gif")
    assert code == 2
    assert "picture: expected one that `generate` drew, got a.png, which was composed" in err


def test_replay_takes_the_pictures_of_a_prompt(fusedream):
    Image.effect_noise((32, 32), 90).convert("RGB").save("sketch.png")
    draw(fusedream, "a red disc", "-o", "a.png", "--image-prompt", "sketch.png:0.5")
    code, _, err = fusedream("replay", "a.png", "--out", "b.png")
    assert code == 2
    assert "expected the picture of image(" in err
    assert fusedream("replay", "a.png", "--image-prompt", "sketch.png", "--out", "b.png")[0] == 0
    assert pixels("a.png") == pixels("b.png")
