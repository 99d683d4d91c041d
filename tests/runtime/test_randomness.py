"""Random numbers that are named."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.runtime.randomness import CUTOUTS, GENERATIONS, NOISE, PICKS, keyed
from fusedream_sdk.scoring.views import Stream, place_of

WORDS = st.integers(0, 2**64 - 1)


@given(WORDS, WORDS)
def test_they_are_philox_s_of_the_key(seed: int, place: int):
    plain = np.random.Generator(np.random.Philox(key=np.array([seed, place], np.uint64)))
    assert np.array_equal(keyed(seed, place).random(5), plain.random(5))


@pytest.mark.parametrize("other", [keyed(3, 5), keyed(4, 4), keyed(3, 4, counter=1)], ids=["place", "seed", "counter"])
def test_another_name_is_other_numbers(other: np.random.Generator):
    assert not np.intersect1d(keyed(3, 4).random(100), other.random(100)).size


def test_no_purpose_comes_into_the_places_of_another():
    views = max(place_of(stream, 1_000_000) for stream in Stream)
    first = (views, CUTOUTS, GENERATIONS, NOISE, PICKS)
    assert all(b > a + (views if a == CUTOUTS else 1_000_000) for a, b in itertools.pairwise(first))
