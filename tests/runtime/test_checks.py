"""What a user may ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.inversion.from_bank import inversion_settings
from fusedream_sdk.inversion.likeness import InversionSettings
from fusedream_sdk.methods.base import Method
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.checks import (
    MAX_SEED,
    at_least_zero,
    changed,
    check_choice,
    check_count,
    check_names,
    check_pair,
    check_seeds,
    check_squares,
    is_number,
    names_of,
    positive,
)
from fusedream_sdk.scenes.settings import SceneSettings


@pytest.mark.parametrize("seeds", [7, [7], (7,), range(7, 8), np.int64(7), np.arange(7, 8), {7}])
def test_seeds_of_any_integer_kind_are_taken(seeds: object):
    checked = check_seeds(seeds)  # pyright: ignore[reportArgumentType]
    assert checked == [7]
    assert type(checked[0]) is int


def test_the_largest_seed_is_taken():
    assert check_seeds([0, MAX_SEED]) == [0, MAX_SEED]


@pytest.mark.parametrize("seeds", [-1, MAX_SEED + 1, [0, -1], 1.5, True, "1", None, [None], ["1"]])
def test_seeds_that_are_no_such_integer_are_refused(seeds: object):
    with pytest.raises(InvalidInput, match=f"seeds: expected integers from 0 to {MAX_SEED}, got"):
        check_seeds(seeds)  # pyright: ignore[reportArgumentType]


def test_no_seeds_are_refused():
    with pytest.raises(InvalidInput, match="seeds: expected at least one seed, got an empty list"):
        check_seeds([])


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ((3, 8, 8), (3, 8, 8), "a: expected pictures of shape (B, 3, H, W), got shape (3, 8, 8)."),
        ((1, 3, 8, 8), (1, 1, 8, 8), "b: expected pictures of shape (B, 3, H, W), got shape (1, 1, 8, 8)."),
        ((2, 3, 8, 8), (1, 3, 8, 8), "b: expected pictures of the shape of a, (2, 3, 8, 8), got shape (1, 3, 8, 8)."),
        ((1, 3, 8, 4), (1, 3, 8, 4), "a: expected pictures of at least 8 x 8 pixels, got 8 x 4. Enlarge them first."),
    ],
)
def test_pictures_that_cannot_be_compared_are_refused(a: tuple[int, ...], b: tuple[int, ...], message: str):
    with pytest.raises(InvalidInput) as caught:
        check_pair(torch.zeros(a), torch.zeros(b), least=8)
    assert str(caught.value) == message


def test_two_batches_of_one_shape_can_be_compared():
    check_pair(torch.zeros(2, 3, 8, 9), torch.ones(2, 3, 8, 9), least=8)


def test_pictures_of_another_size_than_a_scorer_reads_are_refused():
    check_squares(torch.zeros(2, 3, 8, 8), 8)
    for shape in ((3, 8, 8), (1, 3, 8, 9), (1, 1, 8, 8), (1, 3, 9, 9)):
        with pytest.raises(InvalidInput, match=r"images: expected shape \(B, 3, 8, 8\), got .* Resize them first"):
            check_squares(torch.zeros(shape), 8)


@pytest.mark.parametrize("value", [1, 2.5, np.float32(0.1), np.int64(3)])
def test_real_numbers_of_any_kind_are_numbers(value: object):
    assert is_number(value)
    assert positive("x", value) == at_least_zero("x", value) == float(value)
    assert type(positive("x", value)) is float


@pytest.mark.parametrize("value", [True, "1", None, 1j, float("nan"), float("inf"), -0.5])
def test_what_is_no_usable_number_is_refused_by_name(value: object):
    with pytest.raises(InvalidInput, match=r"^lr: expected a positive number, got"):
        positive("lr", value)
    with pytest.raises(InvalidInput, match=r"^noise: expected a number of at least 0, got"):
        at_least_zero("noise", value)


def test_zero_is_at_least_zero_and_not_positive():
    assert at_least_zero("noise", 0) == 0
    with pytest.raises(InvalidInput):
        positive("lr", 0)


@pytest.mark.parametrize("value", [1, 0, -1, 2.0, True, "2", None])
def test_a_count_below_the_least_is_refused(value: object):
    check_count("population", 2, least=2)
    with pytest.raises(InvalidInput, match=r"^population: expected an integer of at least 2, got"):
        check_count("population", value, least=2)


def test_one_of_some_words_is_taken_and_others_are_refused_with_the_fix():
    check_choice("mix", "best", ("best", "paper"))
    with pytest.raises(InvalidInput) as caught:
        check_choice("mix", "worst", ("best", "paper"), "Choose.")
    assert str(caught.value) == "mix: expected one of 'best', 'paper', got worst. Choose."


@dataclass(frozen=True)
class Choices:
    size: int = 1
    colour: str = "red"


def test_a_copy_is_changed_and_the_first_stays_as_it_is():
    first = Choices()
    assert changed(first, {"colour": "blue"}) == Choices(1, "blue")
    assert changed(first, {}) == first == Choices()
    assert names_of(Choices) == names_of(first) == ["size", "colour"]


def test_the_first_unknown_name_is_refused_with_the_nearest_known_one():
    check_names(["size", "colour"], names_of(Choices))
    with pytest.raises(InvalidInput) as caught:
        check_names(["size", "color", "weight"], names_of(Choices), "a choice")
    assert str(caught.value) == "color: expected a choice: size, colour, got an unknown name. Did you mean 'colour'?"


EVERYWHERE: dict[str, Callable[[dict[str, Any]], object]] = {
    "settings": lambda changes: Settings().replace(**changes),
    "inversion": lambda changes: InversionSettings().replace(**changes),
    "inversion with an engine": lambda changes: inversion_settings(Settings(), changes),
    "scene": lambda changes: SceneSettings().replace(**changes),
    "scene and pictures": lambda changes: SceneSettings.split(changes, Settings()),
    "method": lambda changes: Method().settings_for(Settings(), changes),
    "method's own": lambda changes: Method(settings=changes),
    "method's unused": lambda changes: Method(unused=frozenset(changes)),
    "recipe": lambda changes: Settings.from_json({**Settings().to_json(), **changes}),
    "recipe of a scene": lambda changes: SceneSettings.from_json({**SceneSettings().to_json(), **changes}),
}
NEAREST = {"stepz": "steps", "candidatez": "candidates", "feathr": "feather"}


@pytest.mark.parametrize("where", EVERYWHERE)
def test_an_unknown_setting_is_refused_in_the_same_words_wherever_it_is_given(where: str):
    name = "feathr" if where.startswith(("scene", "recipe of")) else "candidatez" if "inversion" in where else "stepz"
    with pytest.raises(InvalidInput) as caught:
        EVERYWHERE[where]({name: 3})
    assert caught.value.argument == name
    assert caught.value.expected.startswith("a setting")
    assert (caught.value.got, caught.value.fix) == ("an unknown name", f"Did you mean {NEAREST[name]!r}?")
