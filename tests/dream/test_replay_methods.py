"""Pictures of other methods, drawn again from their recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.replay import replay
from fusedream_sdk.errors import InvalidInput, UnknownPlugin
from fusedream_sdk.imaging.pictures import read_recipe, save_png
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.loading import MethodLike, load_method
from fusedream_sdk.optim.directions import Clipped
from fusedream_sdk.optim.optimisers import sgd
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.task import direct
from fusedream_sdk.testing import ToyGenerator, ToyScorer, random_latents
from tests.scenes.toys import SquareDistance, composer

QUIET: dict[str, Any] = {"progress": False}
MODELS: dict[str, Any] = {"generator": ToyGenerator(16), "scorer": ToyScorer(8), **QUIET}


def by_hand() -> Method:
    return Method(parametrise=direct, direction=Clipped(0.5), optimiser=lambda s: sgd(s.lr, momentum=0.9), settings={"lr": 0.2})


def again(path: Path, **given: Any) -> Result:
    made = replay(path, **{**MODELS, **given})
    assert isinstance(made, Result)
    return made


def drawn(dream: FuseDream, folder: Path, method: MethodLike, **changes: Any) -> Path:
    """The second of two pictures, so that a row among others is drawn again alone."""
    made = dream.generate(["red", "blue | text:-0.5"], seeds=7, method=method, **QUIET, **changes)
    return made.save(folder / "out")[1]


@pytest.mark.parametrize("method", ["clip-adam", "random-search?population=4&cooling=0.9"])
def test_a_named_method_is_loaded_again_with_its_options(dream: FuseDream, tmp_path: Path, method: str):
    path = drawn(dream, tmp_path, method)
    replayed = again(path)
    assert replayed.pil[0].tobytes() == Image.open(path).tobytes()
    assert replayed.row_json(0)["steering"] == read_recipe(path)["steering"]
    assert read_recipe(path)["steering"]["name"] == method.partition("?")[0]
    assert replayed.row_json(0)["settings"] == read_recipe(path)["settings"]


@pytest.mark.parametrize("method", ["clip-adam", "random-search?population=4", by_hand()], ids=str)
def test_it_begins_again_at_what_it_was_told(dream: FuseDream, tmp_path: Path, method: MethodLike):
    latents = random_latents(dream.generator, 1, 9)
    path = drawn(dream, tmp_path, method, start=latents)
    given = {} if isinstance(method, str) else {"method": method}
    assert again(path, start=latents, **given).pil[0].tobytes() == Image.open(path).tobytes()


def test_a_method_by_hand_must_be_given_again(dream: FuseDream, tmp_path: Path):
    path = drawn(dream, tmp_path, by_hand(), noise=0.02)
    assert read_recipe(path)["steering"] == {"name": None, "options": {}}
    expected = (
        r"method: expected the Method that drew the picture, one of your own, got none. Pass it: replay\(picture, method=...\)"
    )
    with pytest.raises(InvalidInput, match=expected):
        again(path)
    replayed = again(path, method=by_hand())
    assert replayed.pil[0].tobytes() == Image.open(path).tobytes()
    assert replayed.row_json(0)["steering"] == read_recipe(path)["steering"]


def test_another_method_than_that_of_the_recipe_is_refused(dream: FuseDream, tmp_path: Path):
    path = drawn(dream, tmp_path, "random-search?population=4")
    for other in (by_hand(), load_method("random-search"), load_method("clip-adam")):
        with pytest.raises(
            InvalidInput, match=f"method: expected the Method that drew the picture, random-search, got {other}"
        ):
            again(path, method=other)
    assert again(path, method=load_method("random-search", population=4)).pil[0].tobytes() == Image.open(path).tobytes()


def test_a_method_that_is_not_installed_here_is_named(dream: FuseDream, tmp_path: Path):
    path = drawn(dream, tmp_path, "clip-adam")
    recipe = {**read_recipe(path), "steering": {"name": "clip-eve", "options": {}}}
    save_png(Image.open(path), tmp_path / "b.png", recipe)
    with pytest.raises(UnknownPlugin, match=r"methods: expected one of .*; got 'clip-eve'"):
        again(tmp_path / "b.png")


@pytest.mark.parametrize(
    ("steering", "message"),
    [
        (3, "picture: expected a whole recipe, got .*b.png without 'steering'"),
        ({"name": "clip-adam"}, "picture: expected a whole recipe, got .*b.png with other settings"),
        ({"name": "clip-adam", "options": 3}, "picture: expected a whole recipe, got .*b.png with other settings"),
        ({"names": "clip-adam"}, "picture: expected a whole recipe, got .*b.png with other settings"),
        ({"name": "clip-adam", "options": {"colour": 1}}, "methods: expected an option of 'clip-adam'"),
    ],
)
def test_a_recipe_with_a_damaged_method_is_refused(dream: FuseDream, tmp_path: Path, steering: object, message: str):
    path = drawn(dream, tmp_path, "clip-adam")
    save_png(Image.open(path), tmp_path / "b.png", {**read_recipe(path), "steering": steering})
    with pytest.raises(InvalidInput, match=message):
        again(tmp_path / "b.png")


def test_a_composed_picture_has_no_method_of_its_own(tmp_path: Path):
    path = composer(settings={"steps": 2}).compose("red and blue", places="left", **QUIET).save(tmp_path / "a.png")[0]
    with pytest.raises(InvalidInput, match=r"method: expected nothing, as the picture was composed, got a Method\."):
        again(path, method=Method(), perceptual=SquareDistance())
