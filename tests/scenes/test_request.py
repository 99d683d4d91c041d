"""What a composition is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Box, Latents
from fusedream_sdk.run.recipe import ModelRecord
from fusedream_sdk.scenes.layer import Layer, Still
from fusedream_sdk.scenes.placement import Placement
from fusedream_sdk.scenes.request import LayerRecord, layer_engine, layer_engines
from fusedream_sdk.testing import ToyGenerator
from tests.scenes.toys import PROMPT, QUIET, asked, composer

TWO: dict[str, Any] = {"places": ["left", "top-right"], **QUIET}
PICTURE = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))
SIZES = [Placement(0.3, -1, 0), Placement(0.6, 1, 0)]


@pytest.mark.parametrize(
    "about",
    [
        LayerRecord(None, None, False),
        LayerRecord("a red ball | blue:-0.5", ModelRecord("toy", "toys.Toy", "ab"), False),
        LayerRecord(None, ModelRecord(None, "toys.Still", "cd"), True),
    ],
    ids=["plain", "own", "picture"],
)
def test_a_layer_survives_its_recipe(about: LayerRecord):
    assert LayerRecord.from_json(json.loads(json.dumps(about.to_json()))) == about


@pytest.mark.parametrize("missing", ["prompt", "generator", "picture"])
def test_a_layer_that_lacks_a_part_is_no_layer(missing: str):
    written = LayerRecord("red", None, False).to_json()
    del written[missing]
    with pytest.raises(KeyError):
        LayerRecord.from_json(written)


@pytest.mark.parametrize(
    ("free", "bounds"),
    [(True, (0.5 * 0.3, 1.5 * 0.6)), ((0.2, 0.8), (0.2, 0.8)), ((0.3, 0.6), (0.3, 0.6))],
    ids=str,
)
def test_the_scale_of_a_free_placement_has_bounds(free: Any, bounds: tuple[float, float]):
    request = asked(composer(), spots=SIZES, free=free).bounded()
    assert request.scene.free == pytest.approx(bounds)
    space = request.build_scene(layer_engines(composer().engine, request.layers)).space
    assert space["scale"].constraint == Box(*bounds)
    assert not space["scale"].frozen


def test_the_scale_never_grows_beyond_the_canvas():
    assert asked(composer(), spots=[Placement(0.9)], free=True).bounded().scene.free == (0.45, 1.0)


def test_discrete_placements_have_no_bounds_and_stay_frozen():
    request = asked(composer(), spots=SIZES)
    assert request.bounded() is request
    scene = request.build_scene(layer_engines(composer().engine, request.layers))
    assert scene.placements == SIZES
    assert scene.space["scale"].frozen


def test_a_layer_with_nothing_of_its_own_has_the_engine_of_the_scene():
    engine = composer().engine
    assert layer_engines(engine, [Layer(), Layer(prompt="red")]) == [engine, engine]


def test_a_layer_with_a_generator_shares_the_scorer_and_the_precision():
    engine, own = composer(memory_gb=2).engine, ToyGenerator(24)
    found = layer_engine(engine, Layer(generator=own), "foreground")
    assert found.generator.model is own
    assert (found.scorer, found.dtype, found.budget) == (engine.scorer, engine.dtype, 2e9)
    assert engine.generator.model is not own


def test_a_picture_is_a_generator_that_draws_it_alone():
    found = layer_engine(composer().engine, Layer(picture=PICTURE), "background").generator.model
    assert isinstance(found, Still)
    assert torch.equal(found.picture, PICTURE)
    with pytest.raises(InvalidInput, match=r"foreground: expected an existing picture, got none\.png"):
        layer_engine(composer().engine, Layer(picture=Path("none.png")), "foreground")


def test_a_recipe_names_what_each_layer_has_of_its_own():
    request = asked(composer(), layers=(PICTURE, Layer(prompt="red", generator=ToyGenerator(24))))
    back, front = request.describe_layers(layer_engines(composer().engine, request.layers))
    assert (back["prompt"], back["picture"]) == (None, True)
    assert back["generator"] == {
        "name": None,
        "class": "fusedream_sdk.scenes.layer.Still",
        "fingerprint": Still(PICTURE).fingerprint,
    }
    assert (front["prompt"], front["picture"]) == ("red", False)
    assert front["generator"]["class"] == "fusedream_sdk.testing.ToyGenerator"
    assert front["generator"]["fingerprint"] != composer().engine.generator.fingerprint


def test_two_fixed_pictures_have_nothing_to_optimise():
    with pytest.raises(InvalidInput, match=r"foreground: expected at least one layer that is drawn, .* got two"):
        composer().compose(PROMPT, background=torch.rand(3, 20, 20), foreground=torch.rand(3, 20, 20), **TWO)


def test_a_layer_may_have_its_own_generator_of_another_resolution():
    made = composer(ToyGenerator(24)).compose(PROMPT, foreground=ToyGenerator(40), steps=2, **TWO)
    (back, front) = made.layers()[0]
    assert (back.size, front.size, made.pil[0].size) == ((24, 24), (40, 40), (24, 24))


class Untouched(ToyGenerator):
    def __call__(self, latents: Latents) -> Tensor:
        raise AssertionError("drew a picture")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompts": " "}, "prompts: expected a sentence, got an empty one"),
        ({"seeds": -1}, "seeds: expected integers from 0"),
        ({"places": "middle"}, "places: expected 'all' or some of top-left, .*, got middle"),
        ({"scales": 0}, "scales: expected a number above 0 and at most 1, got 0"),
        ({"scales": [0.5, 1.5]}, "scales: expected a number above 0 and at most 1, got 1.5"),
        ({"alpha": 0}, "alpha: expected a positive number, got 0"),
        ({"direction": "bilevel"}, "direction: expected one of 'bi-level'"),
        ({"background": torch.zeros(3, 8, 8)}, "background: expected a picture with sides from 16 to 4096 pixels, got 8 x 8"),
        ({"background": Image.new("CMYK", (20, 20))}, "background: expected a picture in RGB, RGBA or grey, got mode CMYK"),
        ({"background": 2 * torch.ones(3, 20, 20)}, r"background: expected floating-point colours in \[0, 1\]"),
        ({"background": Path("none.png")}, "background: expected an existing picture, got none.png"),
        ({"foreground": torch.zeros(3, 16, 4000)}, "foreground: expected at least one pixel on the canvas"),
        ({"foreground": 3}, "foreground: expected a Layer, a prompt, a picture"),
        ({"free": (0.2, 0.4), "scales": [0.3, 0.5]}, "scales: expected from 0.2 to 0.4, as `free` says, got 0.5"),
        ({"step": 3}, "step: expected a setting: .* Did you mean 'steps'"),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else "",
)
def test_bad_input_is_refused_before_anything_is_drawn(arguments: dict, message: str):
    with pytest.raises(InvalidInput, match=message):
        composer(Untouched(16)).compose(**{"prompts": PROMPT, **QUIET, **arguments})
