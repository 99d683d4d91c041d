"""Which starts of a search are taken."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.search.ranks import MOST_RANKS, best_ranks, check_ranks


@given(st.integers(1, 20), st.sets(st.integers(0, 30), max_size=8))
def test_the_best_are_taken_but_for_those_that_are_dropped(k: int, dropped: set[int]):
    ranks = best_ranks(k, tuple(dropped))
    assert len(set(ranks)) == k
    assert not dropped & set(ranks)
    assert list(ranks) == sorted(ranks)
    assert set(range(max(ranks))) <= dropped | set(ranks)  # nothing better was left out


@pytest.mark.parametrize(
    ("value", "ranks"), [([3, 17], (3, 17)), ((17, 3), (17, 3)), (4, (4,)), ([], ()), (range(3), (0, 1, 2))]
)
def test_places_are_plain_integers_in_the_order_that_was_asked_for(value: Any, ranks: tuple[int, ...]):
    assert check_ranks("pin", value, 20) == ranks


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([20], "pin: expected places in the search, from 0 to 19, as a row sees 20 samples, got 20. See them: dream.basis"),
        ([-1], "pin: expected places in the search, from 0 to 19, as a row sees 20 samples, got -1."),
        ([1.5], "pin: expected places in the search, from 0 to 19, as a row sees 20 samples, got 1.5."),
        ([True], "pin: expected places in the search, from 0 to 19, as a row sees 20 samples, got True."),
        ("3,17", "pin: expected places in the search, from 0 to 19, as a row sees 20 samples, got 3,17."),
        ([3, 1, 3], "pin: expected each place once, got 3 twice."),
        ([float("nan")], "pin: expected places in the search"),
    ],
)
def test_a_place_that_is_not_there_is_refused(value: Any, message: str):
    with pytest.raises(InvalidInput) as caught:
        check_ranks("pin", value, 20)
    assert str(caught.value).startswith(message)


def test_one_sample_has_no_places():
    with pytest.raises(InvalidInput, match="drop: expected nothing, as 1 sample is not searched"):
        check_ranks("drop", [0], 1)
    assert check_ranks("drop", [], 1) == ()


def test_there_are_no_more_places_than_a_basis_has():
    with pytest.raises(InvalidInput, match="pin: expected at most 1,000 places, got more"):
        check_ranks("pin", range(MOST_RANKS + 1), 10_000)
