"""Kinds of the parts of a recipe."""

from __future__ import annotations

from typing import Any

import pytest

from fusedream_sdk.run.kinds import KINDS, is_layer, is_model, is_name, numbers, texts, wrong_part

MODEL = {"name": "toy", "class": "Toy", "fingerprint": "f"}


@pytest.mark.parametrize("name", [None, "toy", ["a", "b"], {"a": 1.0, "b": 2}])
def test_a_model_has_a_name_names_weights_or_none(name: Any):
    assert is_name(name)
    assert is_model({**MODEL, "name": name})


@pytest.mark.parametrize("name", [1, [], [1], [["a"]], {"a": "b"}, {"a": None}, True])
def test_other_names_are_none(name: Any):
    assert not is_name(name)
    assert not is_model({**MODEL, "name": name})


@pytest.mark.parametrize("part", MODEL)
def test_a_model_has_all_its_parts(part: str):
    assert not is_model({name: value for name, value in MODEL.items() if name != part})


def test_a_layer_has_all_its_parts_of_their_kinds():
    layer = {"prompt": "red", "generator": MODEL, "picture": False}
    assert is_layer(layer)
    assert is_layer({**layer, "prompt": None, "generator": None})
    for changes in ({"prompt": 1}, {"generator": {}}, {"picture": "no"}, {"picture": None}):
        assert not is_layer({**layer, **changes})


def test_mappings_of_numbers_and_texts():
    assert numbers({"a": 1, "b": float("nan")})
    assert not numbers({"a": True})
    assert texts({"a": None, "b": "c"})
    assert not texts({"a": 1})
    assert not texts([])


def test_the_first_wrong_part_is_named():
    whole = {"method": "generate", "version": "1", "generator": MODEL, "scorer": MODEL, "dtype": "float32", "settings": {}}
    assert set(whole) <= set(KINDS)
    assert wrong_part(whole, set(whole)) is None
    assert wrong_part({**whole, "prompt": 3}, set(whole)) == "prompt"
    assert wrong_part(whole, {"layers"}) == "layers"
    assert wrong_part({**whole, "of a later version": 3}, set()) is None
