"""Pictures at another size."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.imaging.resize import cover, shrink, shrink_views

SIDE = 16


def pictures(n: int, side: int = SIDE) -> Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 33), (31, 50), (8, 8), (7, 21), (16, 16)])
def test_shrinking_gives_the_size_that_the_scorer_reads(height: int, width: int):
    small = shrink(torch.rand(2, 3, height, width), SIDE)
    assert small.shape == (2, 3, SIDE, SIDE)
    assert 0 <= small.min() <= small.max() <= 1


def test_shrinking_takes_the_centre_of_a_picture_that_is_not_square():
    wide = torch.zeros(1, 3, 32, 64)
    wide[..., 16:48] = 1
    assert shrink(wide, SIDE).eq(1).all()
    assert shrink(wide.transpose(2, 3), SIDE).eq(1).all()


def test_shrinking_averages_fine_detail_instead_of_sampling_it():
    checks = (torch.arange(64)[:, None] + torch.arange(64)).remainder(2).float().expand(1, 3, 64, 64)
    torch.testing.assert_close(shrink(checks, SIDE), torch.full((1, 3, SIDE, SIDE), 0.5), atol=0.02, rtol=0)


def test_a_picture_of_the_right_size_is_passed_on_untouched():
    images = pictures(1)
    assert shrink(images, SIDE) is images


def test_a_row_is_shrunk_alone_as_among_others_and_has_its_gradient():
    images = pictures(3, 40).requires_grad_()
    small = shrink(images, SIDE)
    torch.testing.assert_close(shrink(images[1:2], SIDE), small[1:2])
    (gradient,) = torch.autograd.grad(small[1].sum(), images)
    assert gradient[1].abs().sum() > 0
    assert not gradient[[0, 2]].any()


def test_views_keep_what_leaves_the_range_where_pictures_do_not():
    edge = torch.zeros(1, 3, 32, 32)
    edge[..., 16:] = 1  # a bicubic filter overshoots beside an edge
    views, images = shrink_views(2 * edge - 0.5, SIDE), shrink(2 * edge - 0.5, SIDE)
    assert views.min() < -0.5
    assert views.max() > 1.5
    torch.testing.assert_close(images, views.clamp(0, 1))
    assert shrink_views(images, SIDE) is images


def test_another_shape_is_scaled_to_cover_the_canvas_and_its_middle_is_taken():
    wide = torch.zeros(3, 40, 100)
    wide[:, :, 30:70] = 1
    assert (cover(wide, (20, 20)) == 1).all()
    assert cover(wide, (16, 64)).shape == (3, 16, 64)
    assert torch.equal(cover(wide, (40, 40)), wide[:, :, 30:70])


def test_scaling_down_is_antialiased():
    stripes = torch.arange(64).remainder(2).float().expand(3, 64, 64)
    assert (cover(stripes, (16, 16)) - 0.5).abs().max() < 0.1


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 40), st.integers(1, 40))
def test_any_canvas_is_covered_by_any_picture(height: int, width: int, tall: int, wide: int):
    picture = torch.rand(3, height, width, generator=torch.Generator().manual_seed(height))
    covered = cover(picture, (tall, wide))
    assert covered.shape == (3, tall, wide)
    assert 0 <= covered.min() <= covered.max() <= 1
    plain = cover(torch.full((3, height, width), 0.25), (tall, wide))
    torch.testing.assert_close(plain, torch.full((3, tall, wide), 0.25))


def test_what_covers_keeps_its_proportions():
    disc = (torch.arange(60)[:, None] - 29.5).square() + (torch.arange(90) - 44.5).square() < 20**2
    covered = cover(disc.float().expand(3, 60, 90), (30, 24))[0] > 0.5
    assert int(covered.any(dim=1).sum()) == int(covered.any(dim=0).sum()) == 20
