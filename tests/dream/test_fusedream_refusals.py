"""What cannot be used is refused by name, before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, UnknownPlugin
from fusedream_sdk.latents import Latents
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.testing import ToyGenerator
from tests.dream.test_fusedream import MakeDream


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompts": ""}, "prompts: expected a sentence, got an empty one"),
        ({"prompts": ["red", " "]}, r"prompts\[1\]: expected a sentence, got an empty one"),
        ({"prompts": []}, "prompts: expected at least one sentence"),
        ({"prompts": -Prompt("red")}, r"prompts: expected a part with a weight above 0, got 'red:-1 \|'"),
        ({"prompts": "red | :2"}, r"prompts: expected parts that say something, between the \|, got 'red \| :2'"),
        ({"seeds": []}, "seeds: expected at least one seed"),
        ({"seeds": -1}, r"seeds: expected integers from 0 to \d+, got -1"),
        ({"seeds": 2**63}, r"seeds: expected integers from 0 to \d+, got 9223372036854775808"),
        ({"steps": 0}, "steps: expected an integer of at least 1, got 0"),
        ({"views": 0}, "views: expected an integer of at least 1, got 0"),
        ({"basis": 49}, "basis: expected at most samples = 48, got 49"),
        ({"samples": 97}, "samples: expected at most bank = 96, got 97. Enlarge the bank too: bank=97"),
        ({"method": "clip-adam", "basis": 2}, "basis: expected nothing, as clip-adam has no use for it, got 2. Leave it out"),
        ({"method": 3}, "method: expected the name of a method, or a Method, got an int"),
        ({"method": "random-search?size=3"}, "methods: expected an option of 'random-search', which takes population, spread"),
        ({"step": 3}, "step: expected a setting: .* Did you mean 'steps'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_drawn(make_dream: MakeDream, arguments: dict, message: str):
    class Untouched(ToyGenerator):
        def __call__(self, latents: Latents) -> Tensor:
            raise AssertionError("drew a picture")

    with pytest.raises(InvalidInput, match=message):
        make_dream(Untouched(16)).generate(**{"prompts": "red", **arguments})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "warp"}, "device: expected a device of this machine, got warp. Use 'cpu'"),
        ({"dtype": "int8"}, "dtype: expected 'auto' or one of"),
        ({"memory_gb": 0}, "memory_gb: expected a positive number, got 0"),
        ({"settings": {"view": 3}}, "view: expected a setting: .* Did you mean 'views'"),
        ({"models": ToyGenerator()}, "models: expected the name of a pair.* Pass objects as generator= and scorer="),
    ],
)
def test_bad_options_are_refused_when_the_object_is_made(make_dream: MakeDream, options: dict, message: str):
    with pytest.raises(InvalidInput, match=message):
        make_dream(**options)


def test_an_unknown_pair_of_models_is_refused_with_the_known_ones(install: Callable[..., Path]):
    install("toys", "[fusedream_sdk.models]\ntoy-pair = toys:pair\n")
    with pytest.raises(UnknownPlugin, match=r"models: expected one of .*toy-pair.*; got 'toy-pear'. Did you mean 'toy-pair'"):
        FuseDream("toy-pear")
