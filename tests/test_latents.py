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
    OneHot,
    Simplex,
    check_latents,
    concatenate,
    contains,
    firsts,
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
    assert isinstance(box.low, float)
    assert isinstance(box.high, float)
    permitted = box.low + (box.high - box.low) * torch.rand(200, 6, generator=torch.Generator().manual_seed(seed))
    assert (x - permitted).norm(dim=1).min() >= nearest - 1e-4


@given(boxes, seeds)
def test_a_convex_mix_of_permitted_points_is_permitted_up_to_rounding(box: Box, seed: int):
    points = box.project(normal(seed, 7, 50))
    weights = normal(seed + 1, 7, 50).softmax(dim=0)
    assert box.contains((weights * points).sum(dim=0))


@given(seeds)
def test_the_nearest_shares_are_shares_and_no_others_are_nearer(seed: int):
    x, simplex = normal(seed, 5, 6), Simplex()
    projected = simplex.project(x)
    assert simplex.contains(projected)
    torch.testing.assert_close(simplex.project(projected), projected)
    others = torch.distributions.Dirichlet(torch.ones(6)).sample((200,))
    assert ((x[:, None] - others).norm(dim=2).amin(dim=1) >= (x - projected).norm(dim=1) - 1e-4).all()


@given(seeds, st.sampled_from([-1, -2]))
def test_the_nearest_label_is_that_of_the_largest_number(seed: int, axis: int):
    x, one = normal(seed, 3, 4, 5), OneHot(axis)
    projected = one.project(x)
    assert one.contains(projected, atol=0)
    assert torch.equal(projected.argmax(axis), x.argmax(axis))
    assert torch.equal(one.project(projected), projected)
    assert torch.equal(Simplex(axis).project(projected), projected)


def test_a_mixture_of_labels_is_a_point_of_the_simplex_and_no_label():
    mixture = torch.tensor([[0.5, 0.5, 0.0]])
    assert Simplex().contains(mixture)
    assert not OneHot().contains(mixture)
    assert not Simplex().contains(2 * mixture)
    assert not Simplex().contains(torch.tensor([[1.5, -0.5]]))


@pytest.mark.parametrize("kind", [Simplex, OneHot])
def test_the_axis_of_labels_is_counted_from_the_end(kind: type):
    with pytest.raises(InvalidInput, match=f"{kind.__name__}: expected axis counted from the end"):
        kind(axis=0)


class Own:
    """A stranger's constraint, which says nothing of mixing."""

    def project(self, x: Tensor) -> Tensor:
        return x

    def contains(self, x: Tensor, atol: float = 1e-5) -> bool:
        return True


@pytest.mark.parametrize(
    ("spec", "mixes"),
    [
        (LatentSpec((3,)), True),
        (LatentSpec((3,), Own()), True),
        (LatentSpec((3,), Simplex()), True),
        (LatentSpec((3,), OneHot()), False),
        (LatentSpec((3,), mixable=False), False),
        (LatentSpec((3,), frozen=True), False),
    ],
)
def test_what_may_be_mixed_is_said_by_the_spec_or_its_constraint(spec: LatentSpec, mixes: bool):
    assert spec.mixes is mixes


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
@pytest.mark.parametrize("constraint", [Free(), Box(-1.0, 1.0), Simplex(), OneHot()])
def test_values_that_are_not_finite_are_nowhere_permitted(constraint: Constraint, bad: float):
    assert not constraint.contains(torch.tensor([0.0, bad]))


def test_a_point_outside_by_more_than_the_tolerance_is_not_contained():
    assert not Box(-1, 1).contains(torch.tensor([1.001]))
    assert Box(-1, 1).contains(torch.tensor([1.001]), atol=0.01)


def test_an_empty_box_is_refused():
    with pytest.raises(InvalidInput, match="Box: expected low < high, got low=2, high=2"):
        Box(2, 2)


@pytest.mark.parametrize("leading", [(), (2,), (2, 5)], ids=["alone", "rows", "rows-and-basis"])
def test_a_box_with_bounds_per_channel_clamps_each_channel_by_its_own(leading: tuple[int, ...]):
    box = Box((-1.0, 0.0, 2.0), (1.0, 0.5, 3.0))
    projected = box.project(normal(0, *leading, 3, 4, 6))
    for channel, (low, high) in enumerate(zip((-1.0, 0.0, 2.0), (1.0, 0.5, 3.0), strict=True)):
        part = projected[..., channel, :, :]
        assert (part.min(), part.max()) == (low, high)
    assert box.contains(projected, atol=0)
    assert not box.contains(projected.flip(-3))


def test_the_bounds_of_a_vector_follow_its_last_axis():
    box = Box((0.0, 5.0), (1.0, 6.0), axis=-1)
    assert box.project(torch.tensor([[9.0, 9.0], [-9.0, -9.0]])).tolist() == [[1, 6], [0, 5]]
    assert LatentSpec((2,), box).constraint is box


def test_boxes_are_hashed_by_value():
    assert len({Box((0.0, 1.0), (2.0, 3.0)), Box((0.0, 1.0), (2.0, 3.0)), Box(0.0, 1.0)}) == 2


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        ((0.0, 1.0), (1.0,), "as many for low as for high, got 2 and 1"),
        ((0.0, 1.0), 2.0, "as many for low as for high, got 2 and 1"),
        ((), (), "got 0 and 0"),
        ((0.0, 1.0), (1.0, 1.0), "low < high, got low=1.0, high=1.0"),
    ],
)
def test_bounds_that_do_not_fit_together_are_refused(low: tuple[float, ...], high: tuple[float, ...], message: str):
    with pytest.raises(InvalidInput, match=message):
        Box(low, high)


def test_an_axis_counted_from_the_front_is_refused_as_rows_come_before_it():
    with pytest.raises(InvalidInput, match="axis counted from the end"):
        Box((0.0,), (1.0,), axis=0)


@pytest.mark.parametrize("shape", [(2,), (3, 4, 4)])
def test_a_shape_without_the_channels_of_its_box_is_refused(shape: tuple[int, ...]):
    with pytest.raises(InvalidInput, match=r"LatentSpec: expected 2 channels on axis -3, as the box has, got shape"):
        LatentSpec(shape, Box((0.0, 0.0), (1.0, 1.0)))


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


def test_the_first_latent_of_each_basis_is_kept():
    basis = {"z": torch.arange(12.0).view(2, 3, 2), "c": torch.ones(2, 3)}
    assert torch.equal(firsts(basis)["z"], torch.tensor([[0.0, 1.0], [6.0, 7.0]]))
    assert firsts(basis)["c"].shape == (2,)
