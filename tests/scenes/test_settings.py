"""The choices of a composition."""

from __future__ import annotations

import json

import pytest

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.optim.directions import WeightedSum
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scenes.settings import SceneSettings


def test_the_settings_of_a_scene_are_split_from_the_others():
    scene, rest = SceneSettings.split({"halving": 3, "steps": 5, "reading": "border"}, Settings(lr=0.3))
    assert scene == SceneSettings(halving=3, reading="border")
    assert rest == Settings(steps=5, lr=0.3, mix="best")


def test_the_mixture_of_a_scene_is_that_of_its_runs():
    scene, rest = SceneSettings.split({"mix": "random"}, Settings(mix="paper"))
    assert (scene.mix, rest.mix) == ("random", "random")


def test_a_keyword_that_is_neither_is_refused_with_the_nearest_name():
    with pytest.raises(InvalidInput, match=r"halvin: expected a setting: direction, .* report_views, .* 'halving'"):
        SceneSettings.split({"halvin": 3, "steps": 5}, Settings())


@pytest.mark.parametrize("free", [False, True, (0.2, 0.6), [0.2, 0.6]])
def test_settings_survive_a_recipe(free: object):
    settings = SceneSettings(direction="linear", coefficient=3, free=free, halving=2, feather=0.2)  # pyright: ignore[reportArgumentType]
    assert SceneSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_a_direction_is_named_in_a_recipe():
    own = SceneSettings(direction=WeightedSum({"consistency": 1.0})).to_json()
    assert own["method"] == "fusedream_sdk.optim.directions.WeightedSum"
    json.dumps(own)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"direction": "bilevel"}, "direction: expected one of 'bi-level', 'linear', 'inverse', 'augclip', or .*, got bilevel"),
        ({"direction": 3}, "direction: expected one of .*, or a Direction, got 3"),
        ({"alpha": 0}, "alpha: expected a positive number, got 0"),
        ({"alpha": -1.0}, "alpha: expected a positive number, got -1.0"),
        ({"alpha": float("nan")}, "alpha: expected a positive number, got nan"),
        ({"alpha": "1"}, "alpha: expected a positive number, got 1"),
        ({"coefficient": 0}, "coefficient: expected a positive number, got 0"),
        ({"update": "sgd"}, "update: expected one of 'adam', 'plain', got sgd"),
        ({"reading": "seam"}, "reading: expected one of 'parts', 'fused', 'border', got seam"),
        ({"feather": 0.6}, "feather: expected a number from 0 to 0.5, got 0.6"),
        ({"feather": -0.1}, "feather: expected a number from 0 to 0.5, got -0.1"),
        ({"feather": True}, "feather: expected a number from 0 to 0.5, got True"),
        ({"free": "yes"}, "free: expected True, False, or the least and greatest scale, from 0 to 1, got yes"),
        ({"free": (0.6, 0.2)}, r"free: expected .*, got \(0.6, 0.2\)"),
        ({"free": (0.0, 0.2)}, r"free: expected .*, got \(0.0, 0.2\)"),
        ({"free": (0.5, 1.2)}, r"free: expected .*, got \(0.5, 1.2\)"),
        ({"halving": 1}, "halving: expected an integer of at least 2, or None, got 1"),
        ({"halving": 2.0}, "halving: expected an integer of at least 2, or None, got 2.0"),
        ({"halving": True}, "halving: expected an integer of at least 2, or None, got True"),
        ({"pairs": 1}, "pairs: expected True or False, got 1"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_used_is_refused(changes: dict, message: str):
    with pytest.raises(InvalidInput, match=f"^{message}"):
        SceneSettings(**changes)


def test_a_file_has_the_words_of_the_first_version():
    written = SceneSettings(direction="inverse", mix="random").to_json()
    assert (written["method"], written["start"]) == ("inverse", "random")
    assert not {"direction", "mix"} & set(written)
