"""Pictures of the first versions, whose recipes knew neither methods nor `mix`, drawn again.

`recipes_of_version_0_2.json` holds what commit 09de010 wrote.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk import __version__
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.replay import replay
from fusedream_sdk.imaging.pictures import read_recipe, save_png
from fusedream_sdk.run.recipe import Recipe
from fusedream_sdk.run.result import Result
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.testing import ToyGenerator, ToyScorer, random_latents
from tests.scenes.toys import SquareDistance, composer

OLD: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("recipes_of_version_0_2.json").read_text())
QUIET: dict[str, Any] = {"progress": False}
LATENTS = random_latents(ToyGenerator(16), 1, 9)


def picture() -> Tensor:
    toy = ToyGenerator(16)
    with torch.no_grad():
        return toy(random_latents(toy, 1, 5))[0]


def composed(dream: FuseDream) -> Composed:
    options: dict[str, Any] = {"places": ["left", "top"], "background": "red", "halving": 2, "mix": "random", "noise": 0.02}
    return dream.compose("red and blue", seeds=3, **options, **QUIET)


# name -> how today draws it, and what its replay has to be given
TODAY: dict[str, Callable[[FuseDream], Result | Composed]] = {
    "plain": lambda dream: dream.generate("red | blue:-0.5", seeds=7, noise=0.02, mix="random", **QUIET),
    "picture": lambda dream: dream.generate("red", seeds=7, noise=0.02, start=picture(), **QUIET),
    "latents": lambda dream: dream.generate("red", seeds=7, start=LATENTS, **QUIET),
    "composed": composed,
}
GIVEN: dict[str, dict[str, Any]] = {
    "plain": {},
    "picture": {"start": picture(), "perceptual": SquareDistance()},
    "latents": {"start": LATENTS},
    "composed": {"perceptual": SquareDistance()},
}


def paths(values: Any, at: str = "") -> set[str]:
    """The names in a recipe, those inside others too."""
    if not isinstance(values, dict):
        return {at}
    return set().union(*(paths(value, f"{at}.{name}") for name, value in values.items()))


def of_this_machine(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The old recipe with what follows from how this machine rounds, and from the stages of halving as they are now.

    Those are identities of toys without weights, scores, and the candidate that won; its run is drawn as ever.
    """
    own = {role: {**old[role], "fingerprint": new[role]["fingerprint"]} for role in ("generator", "scorer")}
    start = {"start": new["start"]} if "start" in old else {}
    won = {"placement": new["placement"]} if "placement" in old else {}
    return {**old, **own, **start, **won, "version": __version__, "scores": new["scores"]}


@pytest.fixture(params=sorted(OLD))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def drawn(name: str, tmp_path: Path) -> Path:
    return TODAY[name](composer()).save(tmp_path / "new.png")[0]


def test_today_the_same_is_written_word_by_word(name: str, drawn: Path):
    new = read_recipe(drawn)
    assert paths(new) == paths(OLD[name])
    assert new == of_this_machine(OLD[name], new)
    assert "steering" not in new
    assert "start" in OLD[name]["settings"]


def test_an_old_picture_comes_out_the_same(name: str, drawn: Path, tmp_path: Path):
    recipe = of_this_machine(OLD[name], read_recipe(drawn))
    with Image.open(drawn) as image:
        save_png(image, tmp_path / "old.png", recipe)
    again = replay(tmp_path / "old.png", generator=ToyGenerator(16), scorer=ToyScorer(8), **GIVEN[name], **QUIET)
    with Image.open(drawn) as image:
        assert again.pil[0].tobytes() == image.tobytes()


def test_an_old_recipe_is_read_and_written_without_a_change(name: str):
    assert Recipe.from_json(OLD[name]).to_json() == OLD[name]


def test_other_numbers_of_an_old_recipe_are_drawn_otherwise(tmp_path: Path):
    """So that what is said of `start` above is heard."""
    path = TODAY["plain"](composer()).save(tmp_path / "new.png")[0]
    recipe = of_this_machine(OLD["plain"], read_recipe(path))
    recipe["settings"] = {**recipe["settings"], "start": "best"}
    with Image.open(path) as image:
        save_png(image, tmp_path / "old.png", recipe)
    with pytest.warns(UserWarning, match=r"old.png: it came out otherwise, by up to \d+ of 255 in \d+% of its pixels"):
        again = replay(tmp_path / "old.png", generator=ToyGenerator(16), scorer=ToyScorer(8), **QUIET)
    assert isinstance(again, Result)
    assert again.recipe.settings.mix == "best"
    with Image.open(path) as image:
        assert again.pil[0].tobytes() != image.tobytes()
