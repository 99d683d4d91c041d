"""Seeds and places as people write them."""

from __future__ import annotations

import pytest

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime.ranges import integers, seeds_in


@pytest.mark.parametrize(("text", "seeds"), [("7", [7]), ("0,1,2", [0, 1, 2]), (" 0-3 , 9", [0, 1, 2, 3, 9])])
def test_numbers_and_ranges_are_read_in_their_order(text: str, seeds: list[int]):
    assert seeds_in("seeds", text) == seeds


@pytest.mark.parametrize("text", ["", "x", "-1", "3-1", "0-20000", "1.5", "9" * 25, "0,,1"])
def test_anything_else_is_refused_with_what_was_written(text: str):
    with pytest.raises(InvalidInput, match="seeds: expected integers from 0, as 7 or 0,1,2 or 0-3"):
        seeds_in("seeds", text)


def test_a_pair_of_numbers_or_one_that_says_that_there_is_none():
    assert [integers(text) for text in ("4", "2-5", "five")] == [(4, 4), (2, 5), (1, 0)]
