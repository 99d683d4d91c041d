"""The choices of a composition."""

from __future__ import annotations

import json

import pytest

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.optim.directions import WeightedSum
from fusedream_sdk.scenes.settings import SceneSettings


def test_the_settings_of_a_scene_are_split_from_the_others():
    scene, rest = SceneSettings.split({"halving": 3, "steps": 5, "reading": "border", "colour": 1})
    assert scene == SceneSettings(halving=3, reading="border")
    assert rest == {"steps": 5, "colour": 1}


@pytest.mark.parametrize("free", [False, True, (0.2, 0.6), [0.2, 0.6]])
def test_settings_survive_a_recipe(free: object):
    settings = SceneSettings(method="linear", coefficient=3, free=free, halving=2, feather=0.2)  # pyright: ignore[reportArgumentType]
    assert SceneSettings(**json.loads(json.dumps(settings.to_json()))) == settings


def test_a_direction_is_named_in_a_recipe():
    own = SceneSettings(method=WeightedSum({"consistency": 1.0})).to_json()
    assert own["method"] == "fusedream_sdk.optim.directions.WeightedSum"
    json.dumps(own)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "bilevel"}, "method: expected one of 'bi-level', 'linear', 'inverse', 'augclip', or .*, got bilevel"),
        ({"method": 3}, "method: expected one of .*, or a Direction, got 3"),
        ({"alpha": 0}, "alpha: expected a positive number, got 0"),
        ({"alpha": -1.0}, "alpha: expected a positive number, got -1.0"),
        ({"alpha": float("nan")}, "alpha: expected a positive number, got nan"),
        ({"alpha": "1"}, "alpha: expected a positive number, got 1"),
        ({"coefficient": 0}, "coefficient: expected a positive number, got 0"),
        ({"update": "sgd"}, "update: expected 'adam' or 'plain', got sgd"),
        ({"reading": "seam"}, "reading: expected 'parts' or 'fused' or 'border', got seam"),
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
