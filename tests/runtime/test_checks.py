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
    Bounds,
    changed,
    check_choice,
    check_count,
    check_flag,
    check_function,
    check_kind,
    check_names,
    check_pair,
    check_seeds,
    check_squares,
    grouped_digits,
    in_bounds,
    is_finite,
    is_number,
    kind_of,
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
    assert positive("x", value) == Bounds().check("x", value) == float(value)
    assert type(positive("x", value)) is float


@pytest.mark.parametrize("value", [True, "1", None, 1j, float("nan"), float("inf"), -0.5])
def test_what_is_no_usable_number_is_refused_by_name(value: object):
    with pytest.raises(InvalidInput, match=r"^lr: expected a positive number, got"):
        positive("lr", value)
    with pytest.raises(InvalidInput, match=r"^noise: expected a number of at least 0, got"):
        Bounds().check("noise", value)


def test_zero_is_at_least_zero_and_not_positive():
    assert Bounds().check("noise", 0) == 0
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


@pytest.mark.parametrize(
    ("bounds", "value", "message"),
    [
        (Bounds(1, 1000, whole=True), 0, "x: expected an integer of at least 1, got 0. Fix."),
        (Bounds(1, 1000, whole=True), 1001, "x: expected an integer of at least 1 and at most 1,000, got 1001. Fix."),
        (Bounds(1, 1000, whole=True), 10**400, "x: expected an integer of at least 1 and at most 1,000, got 1000"),
        (Bounds(1, 1000, whole=True), 2.0, "x: expected an integer of at least 1, got 2.0. Fix."),
        (Bounds(1, 1000, whole=True, optional=True), "", "x: expected an integer of at least 1, or None, got . Fix."),
        (Bounds(0, 1000, above=True), 0, "x: expected a positive number, got 0. Fix."),
        (Bounds(0, 1000, above=True), 1e20, "x: expected a positive number of at most 1,000, got 1e+20. Fix."),
        (Bounds(0, 1000, above=True), float("nan"), "x: expected a positive number, got nan. Fix."),
        (Bounds(0, 1000), 1001, "x: expected a number of at least 0 and at most 1,000, got 1001. Fix."),
        (Bounds(0, 0.5), 0.6, "x: expected a number from 0 to 0.5, got 0.6. Fix."),
        (Bounds(0, 1, above=True), 0, "x: expected a number above 0 and at most 1, got 0. Fix."),
        (Bounds(2, 9, above=True), 2, "x: expected a number above 2, got 2. Fix."),
    ],
)
def test_a_number_outside_its_bounds_is_told_which_it_broke(bounds: Bounds, value: object, message: str):
    with pytest.raises(InvalidInput) as caught:
        bounds.check("x", value, "Fix.")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("bounds", "value", "plain"),
    [(Bounds(1, 9, whole=True), np.int64(3), 3), (Bounds(0, 9), np.float32(0.5), 0.5), (Bounds(0, 9), 2, 2)],
)
def test_a_number_of_any_kind_becomes_a_plain_one(bounds: Bounds, value: object, plain: object):
    found = bounds.check("x", value)
    assert found == plain
    assert type(found) is type(plain)
    assert Bounds(optional=True).check("x", None) is None


def test_the_numbers_of_a_dataclass_are_plain_and_their_default_is_the_fix():
    assert in_bounds(Choices(np.int64(3)), {"size": Bounds(1, 9, whole=True)}) == {"size": 3}  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput, match=r"size: expected an integer of at least 1, got 0\. The default is 1\."):
        in_bounds(Choices(0), {"size": Bounds(1, 9, whole=True)})


def test_seeds_without_end_are_refused_without_counting_them():
    for endless in (range(10**30), iter(int, 1)):
        with pytest.raises(InvalidInput, match=r"seeds: expected at most 1,000,000 seeds, got more\. Draw them in several"):
            check_seeds(endless)


def test_a_kind_a_function_and_a_truth_value_are_asked_for_by_name():
    check_kind("x", 3, (int, str), "a number")
    check_function("x", len)
    check_flag("x", False)
    with pytest.raises(InvalidInput, match=r"x: expected a number, got None\. Fix\."):
        check_kind("x", None, int, "a number", "Fix.")
    with pytest.raises(InvalidInput, match=r"x: expected a function, got an int\. Leave it out, or give one\."):
        check_function("x", 3)
    with pytest.raises(InvalidInput, match=r"x: expected True or False, got no\. Write it without quotes\."):
        check_flag("x", "no")


def test_what_a_value_is_and_whether_it_is_finite():
    assert [kind_of(x) for x in (None, 3, "a", [])] == ["None", "an int", "a str", "a list"]
    assert [is_finite(x) for x in (1, 0.5, np.float32(1))] == [True] * 3
    assert [is_finite(x) for x in (True, float("nan"), float("inf"), 10**400, "1", None, np.float32("nan"))] == [False] * 7
    assert [grouped_digits(x) for x in (1000000, 0.5, 2**63 - 1)] == ["1,000,000", "0.5", "9,223,372,036,854,775,807"]
