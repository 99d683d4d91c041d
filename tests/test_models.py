"""Pairs of models, and what a recipe says of a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.models import Loaded, ModelPair, load_generator, load_scorer, resolve_pair
from fusedream_sdk.testing import ToyGenerator, ToyScorer

CPU = torch.device("cpu")
PAIR = ModelPair("one", "two", settings={"steps": 7})


def test_without_anything_the_pair_is_biggan_and_clip():
    assert resolve_pair(None, None, None) == ("biggan", "clip", {})


def test_a_pair_gives_its_names_and_its_settings():
    assert resolve_pair(PAIR, None, None) == ("one", "two", {"steps": 7})


def test_a_replaced_model_drops_the_settings_of_the_pair():
    toy = ToyGenerator()
    assert resolve_pair(PAIR, toy, None) == (toy, "two", {})
    assert resolve_pair(PAIR, None, "three") == ("one", "three", {})


def test_an_object_in_place_of_a_pair_is_refused_with_the_fix():
    with pytest.raises(InvalidInput, match=r"models: expected the name of a pair.* Pass objects as generator="):
        resolve_pair(ToyGenerator(), None, None)  # pyright: ignore[reportArgumentType]


def test_an_object_is_used_as_it_is_and_has_no_name():
    toy = ToyGenerator(16)
    loaded = load_generator(toy, CPU)
    assert loaded.model is toy
    assert loaded.describe()["name"] is None
    assert load_scorer(ToyScorer(), CPU).describe()["class"] == "fusedream_sdk.testing.ToyScorer"
    assert loaded.device == CPU


def test_a_named_model_is_loaded_onto_the_device_and_keeps_its_name(install: Callable[..., Path]):
    install(
        "toys",
        "[fusedream_sdk.generators]\ntoy-placed = toys:load\n[fusedream_sdk.scorers]\ntoy-placed = toys:load\n",
        toys="from types import SimpleNamespace as N\ndef load(device=None): return N(device=device, fingerprint='f')\n",
    )
    for load in (load_generator, load_scorer):
        loaded = load("toy-placed", CPU)
        assert loaded.model.device is CPU
        assert loaded.describe() == {"name": "toy-placed", "class": "types.SimpleNamespace", "fingerprint": "f"}


def test_the_fingerprint_is_read_once():
    class Counting:
        reads = 0

        @property
        def fingerprint(self) -> str:
            self.reads += 1
            return "f"

    loaded = Loaded(Counting(), None)
    assert loaded.fingerprint == loaded.fingerprint == "f"
    assert loaded.model.reads == 1
