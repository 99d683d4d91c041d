"""The numbers of a run."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring.views import NO_VIEWS, Views

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
        ({"start": "worst"}, "start: expected 'best', 'paper' or 'random', got worst."),
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
    ],
)
def test_a_value_that_cannot_be_used_is_refused_in_one_sentence(changes: dict[str, object], message: str):
    with pytest.raises(InvalidInput) as caught:
        Settings().replace(**changes)
    assert str(caught.value).startswith(message)


def test_a_misspelt_setting_is_told_the_nearest_name():
    with pytest.raises(InvalidInput, match="Did you mean 'steps'"):
        Settings().replace(step=3)


def test_a_bank_is_at_least_as_large_as_the_samples_of_a_row():
    assert Settings(samples=50_000, bank=100).bank == 50_000


def test_one_sample_means_no_search():
    assert not Settings(samples=1, basis=1).searches
    assert Settings(samples=2, basis=1).searches


settings = st.builds(
    Settings,
    steps=st.integers(1, 2000),
    basis=st.integers(1, 5),
    samples=st.integers(5, 50_000),
    start=st.sampled_from(["best", "paper", "random"]),
    lr=st.floats(1e-6, 10),
    noise=st.floats(0, 1),
    patience=st.none() | st.integers(1, 9),
    augment=st.sampled_from([Views(), NO_VIEWS, Views(hole=0.3, cutout=False)]),
)


@given(settings)
def test_settings_survive_json(given_settings: Settings):
    assert Settings.from_json(json.loads(json.dumps(given_settings.to_json()))) == given_settings
