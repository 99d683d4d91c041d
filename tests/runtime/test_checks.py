"""What a user may ask for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime.checks import MAX_SEED, check_pair, check_seeds


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
