"""Intervals: they cover what they should, captions count and not pictures, and nothing is surer than it can be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.evaluation.bootstrap import Bootstrap, Interval, expanded_tail


def covered(truth: float, intervals: list[Interval]) -> float:
    return sum(one.low <= truth <= one.high for one in intervals) / len(intervals)


@pytest.mark.parametrize("count", [10, 40])
def test_intervals_of_a_mean_cover_the_truth_as_often_as_they_say(count: int):
    rng = np.random.default_rng(0)
    bootstrap = Bootstrap(resamples=400)
    found = []
    for _ in range(400):
        own = rng.normal(0.3, 1, size=count)  # what is hard or easy about each caption
        values = (own[:, None] + rng.normal(0, 0.5, size=(count, 3))).ravel()
        found.append(bootstrap.mean(values.tolist(), np.repeat(np.arange(count), 3).tolist()))
    assert 0.92 <= covered(0.3, found) <= 0.98


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_intervals_of_a_share_cover_it_near_its_end_too(share: float):
    rng = np.random.default_rng(1)
    bootstrap, captions = Bootstrap(resamples=400), list(range(40))
    hits = [(rng.random(40) < share).astype(float).tolist() for _ in range(400)]
    assert covered(share, [bootstrap.mean(one, captions, (0, 1)) for one in hits]) >= 0.91


def test_pictures_of_one_caption_do_not_stand_in_for_captions():
    rng = np.random.default_rng(2)
    values = rng.normal(size=30)
    once = Bootstrap().mean(values.tolist(), list(range(30)))
    often = Bootstrap().mean(np.repeat(values, 20).tolist(), np.repeat(np.arange(30), 20).tolist())
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_a_perfect_share_of_few_captions_is_no_certainty():
    few, many = (Bootstrap().mean([1.0] * n, list(range(n)), (0, 1)) for n in (10, 1000))
    assert few.value == few.high == many.high == 1
    assert few.low == pytest.approx(0.025 ** (1 / 10))  # Clopper and Pearson
    assert few.low < many.low < 1
    none = Bootstrap().mean([0.0] * 10, list(range(10)), (0, 1))
    assert (none.low, none.high) == (0, pytest.approx(1 - few.low))


def test_two_perfect_systems_may_still_differ():
    same = Bootstrap().mean([0.0] * 20, list(range(20)), (-1, 1))
    assert same.low == pytest.approx(-same.high)
    assert same.high == pytest.approx(1 - 0.025 ** (1 / 20))


@pytest.mark.parametrize(("values", "captions"), [([0.3, 0.5], ["a", "a"]), ([], []), ([0.1, math.nan], ["a", "b"])])
def test_there_is_no_interval_of_one_caption_nor_of_what_is_no_number(values, captions):
    found = Bootstrap().mean(values, captions)
    assert not found.known
    assert not found.excludes(17.0)


def test_the_interval_of_a_biased_figure_lies_around_it_wherever_its_resamples_are():
    found = np.random.default_rng(0).normal(100, 2, size=5000)  # resamples of an FID are larger than the FID
    one = Bootstrap().around(10.0, found, 10_000)
    assert (one.low, one.high) == pytest.approx((10 - 1.96 * 2, 10 + 1.96 * 2), abs=0.2)


def test_the_same_seed_gives_the_same_interval_and_another_another():
    values, captions = [0.1, 0.4, 0.5, 0.9, 0.2], list("abcde")
    assert Bootstrap().mean(values, captions) == Bootstrap().mean(values, captions)
    assert Bootstrap().mean(values, captions) != Bootstrap(seed=1).mean(values, captions)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=30))
def test_the_value_is_the_mean_and_lies_inside(values: list[float]):
    found = Bootstrap(resamples=200).mean(values, list(range(len(values))))
    assert found.value == pytest.approx(sum(values) / len(values), abs=1e-9)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


def test_every_resample_has_as_many_captions_as_there_are():
    drawn = list(Bootstrap(resamples=100).counts(7))
    assert sum(map(len, drawn)) == 100
    assert all((block.sum(axis=1) == 7).all() for block in drawn)


def test_few_captions_widen_the_tails():
    assert expanded_tail(0.95, 5) < expanded_tail(0.95, 20) < expanded_tail(0.95, 100_000) == pytest.approx(0.025, abs=1e-4)


@pytest.mark.parametrize(
    ("given", "name"), [({"resamples": 1}, "resamples"), ({"level": 1.0}, "level"), ({"seed": -1}, "seed")]
)
def test_a_number_outside_its_bounds_is_refused(given, name):
    with pytest.raises(InvalidInput, match=rf"^{name}: expected"):
        Bootstrap(**given)
