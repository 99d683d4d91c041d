"""Pairs of models, and what a recipe says of a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.models.loading import (
    Chosen,
    Loaded,
    ModelPair,
    choose,
    loaded_generator,
    loaded_perceptual,
    loaded_scorer,
    shipped_banks,
)
from fusedream_sdk.testing import ToyGenerator, ToyScorer

CPU = torch.device("cpu")
PAIR = ModelPair("one", "two", settings={"steps": 7})


def test_without_anything_the_pair_is_biggan_and_clip():
    assert choose(None, None, None, None) == Chosen("biggan", "clip", None, {})


def test_a_pair_gives_its_names_and_its_settings():
    assert choose(PAIR, None, None, None) == Chosen("one", "two", None, {"steps": 7})


def test_a_pair_names_the_folder_of_its_banks(tmp_path: Path):
    assert choose(ModelPair("one", "two", banks=tmp_path), None, None, None).banks == tmp_path
    assert choose(PAIR, None, None, None).banks == ""
    with pytest.raises(InvalidInput, match=r"banks: expected a folder, got an int\. Leave it out where there is none\."):
        ModelPair("one", "two", banks=3)  # pyright: ignore[reportArgumentType]


def test_folders_of_banks_are_those_of_the_installed_pairs_and_broken_pairs_do_not_matter(install: Callable[..., Path]):
    before = shipped_banks()
    entries = "[fusedream_sdk.models]\nbroken = nowhere:pair\nfaulty = pairs:faulty\nnone = pairs:none\nsome = pairs:some\n"
    source = """
        from fusedream_sdk.models.loading import ModelPair
        def faulty(): return 1 / 0
        def none(): return ModelPair("a", "b")
        def some(): return ModelPair("a", "b", banks="here")
    """
    install("toys", entries, pairs=source)
    assert set(shipped_banks()) == {*before, "here"}


def test_a_replaced_model_drops_the_settings_of_the_pair():
    toy = ToyGenerator()
    assert choose(PAIR, toy, None, None) == Chosen(toy, "two", None, {})
    assert choose(PAIR, None, "three", None) == Chosen("one", "three", None, {})


def test_a_replaced_distance_keeps_the_settings_of_the_pair():
    assert choose(PAIR, None, None, "mine") == Chosen("one", "two", "mine", {"steps": 7})


def test_the_settings_that_are_chosen_are_not_the_pairs_own():
    chosen = choose(PAIR, None, None, None)
    assert chosen.settings is not PAIR.settings


def test_an_object_in_place_of_a_pair_is_refused_with_the_fix():
    with pytest.raises(InvalidInput, match=r"models: expected the name of a pair.* Pass objects as generator="):
        choose(ToyGenerator(), None, None, None)  # pyright: ignore[reportArgumentType]


def test_an_object_is_used_as_it_is_and_has_no_name():
    toy = ToyGenerator(16)
    loaded = loaded_generator(toy, CPU)
    assert loaded.model is toy
    assert loaded.name is None
    assert loaded_scorer(ToyScorer(), CPU).kind == "fusedream_sdk.testing.ToyScorer"
    assert loaded.device == CPU


def test_a_named_model_is_loaded_onto_the_device_and_keeps_its_name(install: Callable[..., Path]):
    install(
        "toys",
        "[fusedream_sdk.generators]\ntoy-placed = toys:load\n[fusedream_sdk.scorers]\ntoy-placed = toys:load\n",
        toys="from types import SimpleNamespace as N\ndef load(device=None): return N(device=device, fingerprint='f')\n",
    )
    for load in (loaded_generator, loaded_scorer):
        loaded = load("toy-placed", CPU)
        assert loaded.model.device is CPU
        assert (loaded.name, loaded.kind, loaded.fingerprint) == ("toy-placed", "types.SimpleNamespace", "f")


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


def test_the_perceptual_distance_is_what_was_asked_for_then_the_pairs_then_the_default(install: Callable[..., Path]):
    install(
        "toys",
        "[fusedream_sdk.models]\ntoy-pair = toys:pair\n",
        toys="""
        from fusedream_sdk.models.loading import ModelPair
        def pair(): return ModelPair("one", "two", perceptual="toy-named")
        """,
    )
    toy = ToyGenerator()
    assert choose("toy-pair", None, None, "mine").perceptual == "mine"
    assert choose("toy-pair", None, None, toy).perceptual is toy  # pyright: ignore[reportArgumentType]
    assert choose("toy-pair", None, None, None).perceptual == "toy-named"
    assert choose("toy-pair", toy, ToyScorer(), None).perceptual == "toy-named"
    assert choose(ModelPair("one", "two", perceptual="three"), None, None, None).perceptual == "three"
    assert choose(PAIR, None, None, None).perceptual == choose(None, None, None, None).perceptual is None


def test_a_perceptual_distance_is_loaded_by_name_or_taken_as_it_is(install: Callable[..., Path]):
    source = "def load(device=None): return lambda a, b: (a - b).square().mean(dim=(1, 2, 3))\n"
    install("toys", "[fusedream_sdk.perceptual]\ntoy-distance = toys:load\n", toys=source)
    a, b = torch.rand(2, 2, 3, 16, 16)
    loaded = loaded_perceptual("toy-distance", CPU)
    assert loaded.name == "toy-distance"
    assert loaded.model(a, b).shape == (2,)
    own = loaded_perceptual(lambda a, b: (a - b).abs().mean(dim=(1, 2, 3)), CPU)
    assert own.name is None
    assert own.fingerprint != loaded.fingerprint  # no weights to read: what it does is who it is


def test_a_distance_that_asks_for_a_scorer_shares_the_one_in_use(install: Callable[..., Path]):
    source = """
    class Distance:
        def __init__(self, scorer): self.scorer = scorer
        def __call__(self, a, b): return (a - b).square().mean(dim=(1, 2, 3))
    def load(*, scorer=None, device=None): return Distance(scorer)
    """
    install("toys", "[fusedream_sdk.perceptual]\ntoy-sharing = toys:load\n", toys=source)
    scorer = ToyScorer(8)
    assert loaded_perceptual("toy-sharing", CPU, scorer).model.scorer is scorer
    assert loaded_perceptual("toy-sharing", CPU).model.scorer is None


def test_what_is_no_distance_is_refused():
    with pytest.raises(InvalidInput, match="perceptual: expected a name, or a function of two pictures, got 3"):
        loaded_perceptual(3, CPU)  # pyright: ignore[reportArgumentType]


def test_the_judge_is_the_pairs_unless_it_is_the_scorer_in_use():
    pair = ModelPair("one", "two", judge="three")
    assert choose(pair, None, None, None).judge == "three"
    assert choose(pair, ToyGenerator(), None, None).judge == "three"
    assert choose(pair, None, ToyScorer(), None).judge == "three"
    for scorer in ("three", ["two", "three"], {"three": 1.0}):
        assert choose(pair, None, scorer, None).judge == ""
    assert choose(None, None, None, None).judge == choose(PAIR, None, None, None).judge == ""
