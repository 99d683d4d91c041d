"""The views of AugCLIP."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from kornia.geometry.transform import get_affine_matrix2d, warp_affine
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.scoring.views import NO_VIEWS, Stream, Views, uniforms

FAMILIES = ("colour", "translation", "resize", "cutout")
SIDE = 16
seeds = st.integers(0, 2**63 - 1)


def pictures(n: int, side: int = SIDE, seed: int = 0) -> Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed))


def only(family: str, **strengths: float) -> Views:
    return Views(**{name: name == family for name in FAMILIES}, **strengths)  # pyright: ignore[reportArgumentType]


def numbers(**at: float) -> Tensor:
    """One view's uniforms: 0.5 is the middle of every range."""
    order = ("brightness", "saturation", "contrast", "dx", "dy", "zoom", "x", "y", "spare")
    return torch.tensor([[at.get(name, 0.5) for name in order]])


def move(views: Views, x: Tensor, **at: float) -> Tensor:
    return views._move(x, numbers(**at)[:, 3:6])


@given(seeds, st.integers(0, 10_000), st.sampled_from(list(Stream)))
def test_a_view_is_named_by_seed_stream_step_and_index_alone(seed: int, step: int, stream: Stream):
    first = uniforms([seed], step=step, count=3, stream=stream)
    assert torch.equal(first, uniforms([seed], step=step, count=3, stream=stream))
    assert torch.equal(first, uniforms([seed], step=step, count=8, stream=stream)[:, :3])
    assert torch.equal(first[0], uniforms([seed + 1, seed], step=step, count=3, stream=stream)[1])
    assert not torch.equal(first, uniforms([seed], step=step + 1, count=3, stream=stream))
    assert not torch.equal(first, uniforms([seed + 1], step=step, count=3, stream=stream))


@given(seeds)
def test_two_streams_and_two_steps_never_share_a_view(seed: int):
    drawn = torch.cat([uniforms([seed], step=t, count=20, stream=s)[0] for s in Stream for t in (0, 1, 999)])
    assert len(drawn.unique(dim=0)) == len(drawn)


def test_the_first_views_do_not_depend_on_how_many_are_drawn():
    views, images = Views(), pictures(2)
    few = views(images, seeds=[3, 4], step=5, count=2).view(2, 2, 3, SIDE, SIDE)
    many = views(images, seeds=[3, 4], step=5, count=6).view(2, 6, 3, SIDE, SIDE)
    torch.testing.assert_close(few, many[:, :2])


def test_a_part_of_the_views_is_that_part_of_all():
    images = pictures(2)
    every = Views()(images, seeds=[3, 4], step=1, count=9).view(2, 9, *images.shape[1:])
    part = Views()(images, seeds=[3, 4], step=1, count=9, part=slice(4, 7)).view(2, 3, *images.shape[1:])
    torch.testing.assert_close(part, every[:, 4:7])


def test_views_of_a_row_are_the_same_alone_and_in_a_batch():
    views, images = Views(), pictures(3)
    together = views(images, seeds=[7, 8, 9], step=1, count=4)
    alone = torch.cat([views(images[i : i + 1], seeds=[7 + i], step=1, count=4) for i in range(3)])
    torch.testing.assert_close(together, alone)


def test_the_global_random_state_is_neither_read_nor_moved():
    state = torch.get_rng_state()
    Views()(pictures(1), seeds=[0], step=0, count=2)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("off", FAMILIES)
def test_switching_a_family_off_leaves_the_numbers_of_the_others(off: str):
    """A family at no strength is the family switched off; were numbers drawn per family, the rest would differ."""
    silent = {"translation": ["shift"], "resize": ["zoom"], "cutout": ["hole"]}
    silent["colour"] = ["brightness", "saturation", "contrast"]
    images = pictures(2)
    switched = replace(Views(), **{off: False})(images, seeds=[1, 2], step=3, count=3)
    weakened = replace(Views(), **dict.fromkeys(silent[off], 0.0))(images, seeds=[1, 2], step=3, count=3)
    torch.testing.assert_close(switched, weakened)
    assert not torch.allclose(switched, Views()(images, seeds=[1, 2], step=3, count=3), atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_alone_changes_the_picture(family: str):
    images = pictures(1)
    assert (only(family)(images, seeds=[0], step=0, count=4) - images).abs().amax(dim=(1, 2, 3)).min() > 0.01


def test_no_views_is_the_identity():
    images = pictures(2)
    assert not NO_VIEWS.random
    assert torch.equal(NO_VIEWS(images, seeds=[0, 1], step=4, count=2), images.repeat_interleave(2, dim=0))


@given(st.integers(0, 10_000))
def test_colour_is_brightness_then_saturation_then_contrast_of_the_picture_in_minus_one_to_one(step: int):
    images = pictures(2, seed=step)
    found = only("colour")(images, seeds=[5, 6], step=step, count=3)
    u = uniforms([5, 6], step=step, count=3, stream=Stream.OPTIMISE).flatten(0, 1)[..., None, None, None]
    x = 2 * images.repeat_interleave(3, dim=0) - 1
    x = x + (u[:, 0] - 0.5)
    grey = x.mean(dim=1, keepdim=True)
    x = (x - grey) * (2 * u[:, 1]) + grey
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - mean) * (u[:, 2] + 0.5) + mean
    torch.testing.assert_close(found, (x + 1) / 2, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("dx", "dy"), [(2, 0), (0, 2), (-2, 1), (1, -2)])
def test_translation_moves_by_whole_pixels_and_pads_with_mid_grey(dx: int, dy: int):
    images = pictures(1)
    at = {"dx": (dx / 2 + 1) / 2, "dy": (dy / 2 + 1) / 2}  # 1/8 of 16 pixels is 2
    moved = move(only("translation"), images - 0.5, **at) + 0.5
    expected = torch.full_like(images, 0.5)
    rows, columns = slice(max(dy, 0), SIDE + min(dy, 0)), slice(max(dx, 0), SIDE + min(dx, 0))
    source = images[..., max(-dy, 0) : SIDE - max(dy, 0), max(-dx, 0) : SIDE - max(dx, 0)]
    expected[..., rows, columns] = source
    torch.testing.assert_close(moved, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("ratio", [0.8, 0.9, 1.1, 1.2])
@pytest.mark.parametrize("side", [16, 17, 64])
def test_resize_zooms_about_the_centre_by_its_ratio(ratio: float, side: int):
    axis = torch.arange(side) - (side - 1) / 2
    ramp = torch.stack([axis.expand(side, side), axis[:, None].expand(side, side), torch.zeros(side, side)])[None]
    zoomed = move(only("resize"), ramp, zoom=((ratio - 1) / 0.2 + 1) / 2)
    inner = axis.abs() <= 0.35 * side  # away from the padding
    window = zoomed[..., inner, :][..., inner]
    torch.testing.assert_close(window * ratio, ramp[..., inner, :][..., inner], atol=1e-3, rtol=0)


@given(st.floats(0, 0.99999), st.floats(0, 0.99999), st.floats(0, 0.99999), st.sampled_from([8, 15, 32]))
def test_a_move_is_the_affine_warp_of_kornia(dx: float, dy: float, zoom: float, side: int):
    x = pictures(1, side)
    signed = 2 * numbers(dx=dx, dy=dy, zoom=zoom)[:, 3:6] - 1
    centre, still = torch.full((1, 2), (side - 1) / 2), torch.zeros(1)
    matrix = get_affine_matrix2d(signed[:, :2] * side / 8, centre, 1 + signed[:, 2:].expand(-1, 2) * 0.2, still)
    expected = warp_affine(x, matrix[:, :2], (side, side), align_corners=True)
    torch.testing.assert_close(move(Views(), x, dx=dx, dy=dy, zoom=zoom), expected, atol=1e-4, rtol=0)


def test_nothing_moves_in_the_middle_of_the_ranges():
    x = pictures(1) - 0.5
    torch.testing.assert_close(move(Views(), x), x, atol=1e-5, rtol=0)


def test_moves_stay_within_their_strength():
    """A dot in the centre is found again within 1/8 of a side, in every view."""
    side = 33
    dot = torch.full((1, 3, side, side), 0.5)
    dot[..., 16, 16] = 1
    moved = only("translation")(dot, seeds=[0], step=0, count=200)[:, 0] - 0.5
    mass = moved.sum(dim=(1, 2))
    axis = torch.arange(side) - 16.0
    x = (moved.sum(dim=1) * axis).sum(dim=1) / mass
    y = (moved.sum(dim=2) * axis).sum(dim=1) / mass
    for shift in (x, y):
        assert 0.9 * side / 8 < shift.abs().max() <= side / 8 + 1e-3
        assert shift.mean().abs() < 1


def cut(x: float, y: float, side: int = SIDE) -> Tensor:
    """Which pixels of a view are the hole."""
    images = torch.ones(1, 3, side, side)
    return Views()._kept(images, numbers(x=x, y=y)[:, 6:8])[0, 0] == 0


def test_the_hole_is_half_a_side_wide_around_its_place():
    hole = cut(0.5, 0.375)
    expected = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    expected[2:10, 4:12] = True
    assert torch.equal(hole, expected)


def test_a_hole_at_the_border_is_clipped_and_one_in_the_corner_keeps_a_quarter():
    assert cut(0.0, 0.0).sum() == (SIDE // 4) ** 2
    assert cut(0.0, 0.0)[: SIDE // 4, : SIDE // 4].all()
    assert cut(0.9999, 0.5)[:, -SIDE // 4 :].sum() == (SIDE // 4) * (SIDE // 2)


@given(st.floats(0, 0.99999), st.floats(0, 0.99999), st.sampled_from([8, 15, 16, 33]))
def test_a_hole_is_one_rectangle_no_larger_than_half_a_side(x: float, y: float, side: int):
    hole = cut(x, y, side)
    height, width = int(hole.any(dim=1).sum()), int(hole.any(dim=0).sum())
    assert hole.sum() == height * width
    assert side // 4 <= height <= -(-side // 2)
    assert side // 4 <= width <= -(-side // 2)


def test_the_hole_is_mid_grey_whatever_the_picture():
    views = only("cutout")(torch.ones(1, 3, SIDE, SIDE), seeds=[0], step=0, count=8)
    assert set(views.unique().tolist()) == {0.5, 1.0}


def test_every_pixel_receives_a_gradient_through_some_view():
    images = pictures(1).requires_grad_()
    Views()(images, seeds=[0], step=0, count=16).square().sum().backward()
    assert images.grad is not None
    assert images.grad.abs().amax(dim=(0, 1)).min() > 0


@pytest.mark.parametrize("name", ["brightness", "saturation", "contrast", "shift", "zoom", "hole"])
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_a_strength_outside_its_range_is_refused_by_name(name: str, value: float):
    with pytest.raises(InvalidInput, match=f"Views.{name}: expected a strength from 0 to 1"):
        Views(**{name: value})  # pyright: ignore[reportArgumentType]


def test_a_missing_seed_is_refused_rather_than_shared_between_rows():
    with pytest.raises(InvalidInput, match="seeds: expected one for each of 2 rows, got 1 seeds"):
        Views()(pictures(2), seeds=[0], step=0, count=1)


def test_other_settings_have_another_fingerprint():
    assert len({Views().fingerprint, NO_VIEWS.fingerprint, Views(hole=0.4).fingerprint}) == 3
