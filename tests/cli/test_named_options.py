"""Options in the names of models: drawn, replayed, interpolated and composed by name, on canvases that are not square."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fusedream_sdk as fd
from fusedream_sdk.imaging.pictures import read_recipe

ENTRIES = """
    [fusedream_sdk.generators]
    stripes = toy_stripes:generator
    [fusedream_sdk.scorers]
    tall = toy_stripes:scorer
    [fusedream_sdk.perceptual]
    power = toy_stripes:power
    """
SOURCE = """
    import torch
    import fusedream_sdk as fd
    from fusedream_sdk.testing import ToyScorer

    class Stripes:
        def __init__(self, height, width):
            self.resolution = (height, width)
            self.space = {"top": fd.LatentSpec((3,)), "bottom": fd.LatentSpec((3,))}

        def sample(self, n, *, rng):
            return {name: torch.randn(n, 3, generator=rng) for name in self.space}

        def __call__(self, latents):
            height, width = self.resolution
            fade = torch.linspace(0, 1, height)[:, None]
            one, other = (torch.sigmoid(latents[name])[:, :, None, None] for name in ("top", "bottom"))
            return ((1 - fade) * one + fade * other).expand(-1, -1, height, width)

    def generator(*, height=16, width=16, canvas=None, device=None):
        assert canvas is None or isinstance(canvas, tuple)
        return Stripes(*(canvas or (height, width)))

    def scorer(*, resolution=8, device=None): return ToyScorer(resolution)

    class Power:
        def __init__(self, p): self.p = p
        def __call__(self, a, b): return (a - b).abs().pow(self.p).mean(dim=(1, 2, 3))

    def power(*, p=2, device=None): return Power(p)
    """
QUICK = ["--steps", "2", "--views", "2", "--samples", "16", "--bank", "16", "--basis", "2"]


@pytest.fixture(autouse=True)
def installed(toys: Path, install: Callable[..., Path]) -> None:
    install("toy-stripes", ENTRIES, toy_stripes=SOURCE)


def size(path: str) -> tuple[int, int]:
    with Image.open(path) as opened:
        return opened.size


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"))


@pytest.mark.parametrize("name", ["stripes?height=24&width=40", "stripes?canvas=[24,40]"])
def test_a_canvas_in_the_name_is_drawn_replayed_and_interpolated(name: str, fusedream: Callable):
    models = ["--generator", name, "--scorer", "tall?resolution=12"]
    code, _, err = fusedream("generate", "red", "blue", *models, *QUICK, "--out", "both")
    assert code == 0, err
    one, other = sorted(map(str, Path("both").glob("*.png")))
    assert size(one) == (40, 24)
    recipe = read_recipe(one)
    assert (recipe["generator"]["name"], recipe["scorer"]["name"]) == (name, "tall?resolution=12")
    code, _, err = fusedream("replay", one, "--out", "again.png")
    assert code == 0, err
    assert np.array_equal(pixels(one), pixels("again.png"))
    code, _, err = fusedream("interpolate", one, other, "--frames", "3", "--out", "film.gif")
    assert code == 0, err
    assert size("film.gif") == (40, 24)


def test_a_distance_keeps_its_options_in_an_inversion_and_a_composition(fusedream: Callable):
    models = ["--generator", "stripes?width=24", "--scorer", "toy", "--perceptual", "power?p=1"]
    Image.new("RGB", (24, 16), "red").save("red.png")
    code, _, err = fusedream(
        "invert", "red.png", *models, "--steps", "2", "--trial", "1", "--candidates", "4", "--out", "near.png"
    )
    assert code == 0, err
    assert read_recipe("near.png")["perceptual"]["name"] == "power?p=1"
    code, _, err = fusedream("compose", "red", *models, *QUICK, "--place", "top", "--out", "scene.png")
    assert code == 0, err
    assert read_recipe("scene.png")["perceptual"]["name"] == "power?p=1"
    code, _, err = fusedream("replay", "scene.png", "--out", "again.png")
    assert code == 0, err
    assert np.array_equal(pixels("scene.png"), pixels("again.png"))


def test_what_is_wrong_in_a_name_is_said_with_2(fusedream: Callable):
    code, _, err = fusedream("generate", "red", "--generator", "stripes?hight=8", "--scorer", "toy", "--out", "a.png")
    assert code == 2
    assert (
        "expected an option of 'stripes', which takes height, width, canvas, device, got 'hight'. Did you mean 'height'?" in err
    )


def test_layers_by_name_and_by_object_are_composed_again_by_name():
    settings = {"steps": 2, "views": 2, "samples": 16, "bank": 16, "basis": 2}
    dream = fd.FuseDream(generator="stripes?width=24", scorer="toy", perceptual="power", settings=settings)
    wide = fd.load_generator("stripes", width=20)
    made = dream.compose("red", places="top", background=dream.generator, foreground=wide, progress=False)
    (path,) = made.save("scene.png")
    layers = read_recipe(path)["layers"]
    assert [layer["generator"]["name"] for layer in layers] == ["stripes?width=24", "stripes?width=20"]
    again = fd.replay(path, progress=False)
    assert again.pil[0].tobytes() == made.pil[0].tobytes()


def test_objects_that_a_name_loaded_keep_it_in_every_role():
    dream = fd.FuseDream(
        generator=fd.load_generator("stripes?width=24"),
        scorer=fd.load_scorer("tall", resolution=12),
        settings={"steps": 1, "views": 2, "samples": 16, "bank": 16},
    )
    (path,) = dream.generate("red", progress=False).save("red.png")
    recipe = read_recipe(path)
    assert (recipe["generator"]["name"], recipe["scorer"]["name"]) == ("stripes?width=24", "tall?resolution=12")
    assert fd.replay(path, progress=False).pil[0].tobytes() == pixels(str(path)).tobytes()


def test_where_lpips_cannot_be_had_the_command_line_says_what_serves(fusedream: Callable, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fusedream_sdk.models.loading.DEFAULT_PERCEPTUAL", "there-is-no-lpips")
    Image.new("RGB", (16, 16), "red").save("red.png")
    words = ["--generator", "stripes", "--scorer", "toy", "--steps", "2", "--trial", "1", "--candidates", "4"]
    code, _, err = fusedream("invert", "red.png", *words, "--out", "near.png")
    assert code == 0, err
    assert "fusedream: pictures are compared by the crops of the scorer, as LPIPS cannot be had: " in err
    assert read_recipe("near.png")["perceptual"]["name"] == "scorer"
    code, _, err = fusedream("invert", "red.png", *words, "--perceptual", "scorer", "--out", "again.png")
    assert code == 0, err
    assert "LPIPS" not in err
    assert np.array_equal(pixels("near.png"), pixels("again.png"))
    code, _, err = fusedream("invert", "red.png", *words, "--perceptual", "there-is-no-lpips", "--out", "other.png")
    assert code == 2
