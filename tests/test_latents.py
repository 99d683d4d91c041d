"""Latents and the sets that they live in."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import (
    Box,
    Constraint,
    Free,
    LatentSpec,
    check_latents,
    concatenate,
    contains,
    project,
    rows,
    select,
)

SPACE = {"z": LatentSpec((2,), Box(-2.0, 2.0)), "text": LatentSpec((3,), Box(-1.0, 1.0), frozen=True)}
seeds = st.integers(0, 2**31)
boxes = st.tuples(st.floats(-10, 9), st.floats(0.01, 10)).map(lambda pair: Box(pair[0], pair[0] + pair[1]))


def normal(seed: int, *shape: int) -> Tensor:
    return 5 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@given(boxes, seeds)
def test_projecting_twice_is_projecting_once_and_lands_inside(box: Box, seed: int):
    once = box.project(normal(seed, 4, 6))
    assert torch.equal(box.project(once), once)
    assert box.contains(once, atol=0)


@given(boxes, seeds)
def test_the_projection_is_the_nearest_permitted_point(box: Box, seed: int):
    x = normal(seed, 6)
    nearest = (x - box.project(x)).norm()
    permitted = box.low + (box.high - box.low) * torch.rand(200, 6, generator=torch.Generator().manual_seed(seed))
    assert (x - permitted).norm(dim=1).min() >= nearest - 1e-4


@given(boxes, seeds)
def test_a_convex_mix_of_permitted_points_is_permitted_up_to_rounding(box: Box, seed: int):
    points = box.project(normal(seed, 7, 50))
    weights = normal(seed + 1, 7, 50).softmax(dim=0)
    assert box.contains((weights * points).sum(dim=0))


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
@pytest.mark.parametrize("constraint", [Free(), Box(-1.0, 1.0)])
def test_values_that_are_not_finite_are_nowhere_permitted(constraint: Constraint, bad: float):
    assert not constraint.contains(torch.tensor([0.0, bad]))


def test_a_point_outside_by_more_than_the_tolerance_is_not_contained():
    assert not Box(-1, 1).contains(torch.tensor([1.001]))
    assert Box(-1, 1).contains(torch.tensor([1.001]), atol=0.01)


def test_an_empty_box_is_refused():
    with pytest.raises(InvalidInput, match="Box: expected low < high, got low=2, high=2"):
        Box(2, 2)


def test_frozen_entries_are_neither_projected_nor_judged():
    latents = {"z": torch.full((1, 2), 9.0), "text": torch.full((1, 3), 9.0)}
    projected = project(latents, SPACE)
    assert projected["z"].eq(2).all()
    assert projected["text"] is latents["text"]
    assert contains(projected, SPACE)
    assert not contains(latents, SPACE)


def test_rows_are_picked_in_the_order_asked_for_and_put_together_again():
    latents = {"z": normal(0, 4, 2), "text": normal(1, 4, 3)}
    parts = [select(latents, [2, 0]), select(latents, slice(1, 2)), select(latents, torch.tensor([3]))]
    together = concatenate(parts)
    assert rows(together) == 4
    assert torch.equal(together["text"], latents["text"][[2, 0, 1, 3]])


def test_checked_latents_give_their_number_of_rows():
    assert check_latents({"z": torch.zeros(5, 2), "text": torch.zeros(5, 3)}, SPACE) == 5


@pytest.mark.parametrize(
    ("latents", "message"),
    [
        ({"z": torch.zeros(1, 2)}, r"latents: expected the entries \['text', 'z'\], got \['z'\]"),
        ({"z": torch.zeros(1, 9), "text": torch.zeros(1, 3)}, r"latents\['z'\]: expected shape \(1, 2\), got \(1, 9\)"),
        ({"z": torch.zeros(2, 2), "text": torch.zeros(1, 3)}, r"latents\['text'\]: expected shape \(2, 3\)"),
    ],
)
def test_latents_that_do_not_fit_the_space_are_refused_by_name(latents: dict[str, Tensor], message: str):
    with pytest.raises(InvalidInput, match=message):
        check_latents(latents, SPACE)
