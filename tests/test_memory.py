"""How many rows fit."""

from __future__ import annotations

import pytest
import torch

from fusedream_sdk.memory import bytes_of_a_row, rows_that_fit
from fusedream_sdk.objectives import AugCLIP, make_target
from fusedream_sdk.testing import ToyGenerator, ToyScorer, random_latents


def objective(side: int = 16, count: int = 4) -> AugCLIP:
    return AugCLIP(ToyGenerator(side), make_target(ToyScorer(8), ["red"]), [0], count=count)


ROW = random_latents(ToyGenerator(), 1)


def test_a_larger_picture_and_more_views_need_more_memory():
    small = bytes_of_a_row(objective(), ROW)
    assert small > 3 * 16 * 16 * 4
    assert bytes_of_a_row(objective(side=64), ROW) > 2 * small
    assert bytes_of_a_row(objective(count=64), ROW) > 2 * small


def test_twice_the_budget_holds_twice_the_rows_and_the_smallest_holds_one():
    row = 2 * bytes_of_a_row(objective(), ROW)
    assert rows_that_fit(objective(), ROW, 5.5 * row) == 5
    assert rows_that_fit(objective(), ROW, 11 * row) == 11
    assert rows_that_fit(objective(), ROW, 1) == 1


def test_without_a_budget_free_memory_decides():
    assert rows_that_fit(objective(), ROW, None) > 100


@pytest.mark.parametrize("name", ["z", "colour"])
def test_measuring_leaves_the_latents_alone(name: str):
    before = ROW[name].clone()
    bytes_of_a_row(objective(), ROW)
    assert torch.equal(ROW[name], before)
    assert not ROW[name].requires_grad
