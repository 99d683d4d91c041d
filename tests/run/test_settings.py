"""The numbers of a run."""

from __future__ import annotations

import json
import math
import re
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.run.settings import Settings, check_changes, check_effect
from fusedream_sdk.scoring.views import NO_VIEWS, PUBLIC_VIEWS, Views

COUNTS = ("steps", "views", "samples", "basis", "bank", "bank_views", "check_every", "check_views", "report_views")


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [0, -3, 1.5, True, "5", None])
def test_a_count_that_is_no_positive_integer_is_refused_by_name(name: str, value: object):
    with pytest.raises(InvalidInput, match=f"^{name}: expected an integer of at least 1, got"):
        Settings(**{name: value})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"basis": 9, "samples": 8}, "basis: expected at most samples = 8, got 9. Search more samples, or mix fewer."),
        ({"mix": "worst"}, "mix: expected one of 'best', 'paper', 'random', got worst."),
        ({"samples": 300, "bank": 200}, "samples: expected at most bank = 200, got 300. Enlarge the bank too: bank=300."),
        ({"lr": 0}, "lr: expected a positive number, got 0."),
        ({"lr": float("inf")}, "lr: expected a positive number, got inf."),
        ({"lr": "fast"}, "lr: expected a positive number, got fast."),
        ({"noise": -0.1}, "noise: expected a number of at least 0, got -0.1."),
        ({"noise": float("nan")}, "noise: expected a number of at least 0, got nan."),
        ({"noise": None}, "noise: expected a number of at least 0, got None."),
        ({"patience": 0}, "patience: expected an integer of at least 1, or None, got 0."),
        ({"patience": 1.5}, "patience: expected an integer of at least 1, or None, got 1.5."),
        ({"augment": False}, "augment: expected Views, got False. Give NO_VIEWS for none."),
        ({"stesp": 3}, "stesp: expected a setting: "),
        ({"pin": [9], "samples": 9}, "pin: expected places in the search, from 0 to 8, as a row sees 9 samples, got 9."),
        ({"pin": [1, 1]}, "pin: expected each place once, got 1 twice."),
        ({"drop": "2"}, "drop: expected places in the search, from 0 to 9,999, as a row sees 10,000 samples, got 2."),
        ({"drop": [1], "pin": [2]}, "drop: expected nothing, as the basis is what is pinned, got [1]. Leave out one of them."),
        ({"drop": [0, 1], "basis": 8, "samples": 9}, "drop: expected at most 1 of 9 samples, as 8 are mixed, got 2."),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_in_one_sentence(changes: dict[str, object], message: str):
    with pytest.raises(InvalidInput) as caught:
        Settings().replace(**changes)
    assert str(caught.value).startswith(message)


def test_a_misspelt_setting_is_told_the_nearest_name():
    with pytest.raises(InvalidInput, match="Did you mean 'steps'"):
        Settings().replace(step=3)


def test_a_bank_that_is_smaller_than_the_samples_of_a_row_is_an_error_that_says_the_fix():
    with pytest.raises(InvalidInput, match=r"samples: expected at most bank = 100, got 50000\. .* bank=50000\.") as caught:
        Settings(samples=50_000, bank=100)
    assert Settings(samples=50_000, bank=50_000).bank == 50_000
    assert caught.value.argument == "samples"
    assert Settings().bank >= Settings().samples


def test_one_sample_means_no_search():
    assert not Settings(samples=1, basis=1).searches
    assert Settings(samples=2, basis=1).searches


settings = st.builds(
    Settings,
    steps=st.integers(1, 2000),
    basis=st.integers(1, 5),
    samples=st.integers(5, 20_000),
    bank=st.integers(20_000, 50_000),
    mix=st.sampled_from(["best", "paper", "random"]),
    lr=st.floats(1e-6, 10),
    noise=st.floats(0, 1),
    patience=st.none() | st.integers(1, 9),
    augment=st.sampled_from([Views(), NO_VIEWS, Views(hole=0.3, cutout=False)]),
)


@given(settings)
def test_settings_survive_json(given_settings: Settings):
    assert Settings.from_json(json.loads(json.dumps(given_settings.to_json()))) == given_settings


def test_what_is_pinned_is_the_basis_and_what_is_dropped_makes_room():
    assert Settings(pin=(7, 2)).ranks == (7, 2)
    assert Settings(pin=(7, 2)).basis == 2
    assert Settings(pin=4, samples=5).pin == (4,)  # pyright: ignore[reportArgumentType]
    assert Settings(basis=3, drop=(1, 9)).ranks == (0, 2, 3)
    assert Settings(basis=3).ranks == (0, 1, 2)


def test_files_call_the_mixture_by_its_older_name():
    written = Settings(mix="best").to_json()
    assert written["start"] == "best"
    assert "mix" not in written
    assert Settings.from_json({"start": "random", "augment": {}}).mix == "random"


def test_what_a_file_does_not_say_is_as_by_default_and_what_it_says_too_much_is_refused():
    assert Settings.from_json({"augment": {}}) == Settings()
    with pytest.raises(InvalidInput, match="stepz: expected a setting"):
        Settings.from_json({"augment": {}, "stepz": 3})


def test_a_copy_is_changed_and_the_first_stays_as_it_is():
    first = Settings()
    assert first.replace(steps=3).steps == 3
    assert first == Settings()
    with pytest.raises(FrozenInstanceError):
        first.steps = 3  # pyright: ignore[reportAttributeAccessIssue]


LATER = (
    {"pin": (3, 1), "basis": 2},
    {"drop": (0,)},
    {"keep": "last"},
    {"judge": False},
    {"search_augment": NO_VIEWS},
    {"augment": PUBLIC_VIEWS, "search_augment": Views()},
)


@pytest.mark.parametrize("changes", LATER)
def test_what_came_later_is_written_only_where_it_is_not_as_it_was_before(changes: dict[str, Any]):
    written = json.loads(json.dumps(Settings(**changes).to_json()))
    assert Settings.from_json(written) == Settings(**changes)
    plain = Settings().to_json()
    assert not {"keep", "judge", "search_augment", "pin", "drop"} & set(plain)
    assert "variant" not in plain["augment"]
    assert written != plain


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search_augment": True}, "search_augment: expected Views, or None for those of `augment`, got True."),
        ({"keep": "first"}, "keep: expected one of 'best', 'last', got first."),
        ({"judge": "emoji-judge"}, "judge: expected True or False, got emoji-judge."),
    ],
)
def test_what_came_later_is_checked_too(changes: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=f"^{re.escape(message)}"):
        Settings(**changes)


def test_the_search_has_the_views_of_the_run_unless_it_is_told_others():
    assert Settings(augment=Views(hole=0.2)).search_views == Views(hole=0.2)
    assert Settings(augment=Views(hole=0.2), search_augment=NO_VIEWS).search_views == NO_VIEWS


def test_a_recipe_of_views_that_are_not_known_is_refused():
    with pytest.raises(InvalidInput, match=r"Views\.variant: expected one of 'ours', 'public'.*, got theirs"):
        Settings.from_json({"augment": {"variant": "theirs"}})


@pytest.mark.parametrize("changes", [{}, {"steps": 3}, {"samples": 1}, {"basis": 9}, {"bank": 3, "samples": 50_000}])
def test_changes_are_looked_at_by_themselves_before_the_others_are_known(changes: dict[str, object]):
    check_changes(changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (5, "settings: expected names of settings with values, got an int. Give a dictionary: {'steps': 200}."),
        ({1: 2}, "settings: expected names as text, got an int."),
        ({"step": 2}, "step: expected a setting: "),
        ({"basis": 0}, "basis: expected an integer of at least 1, got 0."),
        ({"lr": math.nan}, "lr: expected a positive number, got nan. The default is 0.005."),
        ({"mix": "worst"}, "mix: expected one of 'best', 'paper', 'random', got worst."),
    ],
)
def test_changes_that_nothing_can_make_right_are_refused(changes: object, message: str):
    with pytest.raises(InvalidInput) as caught:
        check_changes(changes)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("settings", "given", "message"),
    [
        (
            Settings(augment=NO_VIEWS, views=5),
            {"views": 5},
            "views: expected nothing, as without random views there is one, got 5.",
        ),
        (Settings(basis=1, mix="best"), {"mix": "best"}, "mix: expected nothing, as a basis of 1 is not mixed, got best."),
        (
            Settings(samples=1, basis=1),
            {"bank": 9},
            "bank: expected nothing, as 1 sample is not searched, got 9. Leave it out.",
        ),
        (Settings(samples=1, basis=1), {"bank_views": 9}, "bank_views: expected nothing, as 1 sample is not searched, got 9."),
    ],
)
def test_a_setting_from_which_another_takes_the_effect_is_refused(settings: Settings, given: dict, message: str):
    check_effect(settings, {})
    check_effect(Settings(), given)
    with pytest.raises(InvalidInput) as caught:
        check_effect(settings, given)
    assert str(caught.value).startswith(message)
