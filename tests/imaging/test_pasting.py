"""Pictures over pictures: where every pixel goes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.imaging.pasting import box_sizes, coverage, grid_boxes, paste_on_grid, paste_warped, seam, soft_box
from fusedream_sdk.scenes.placement import PLACES

CANVASES = [(32, 32), (24, 40), (45, 31)]
PICTURES = [(32, 32), (16, 16), (12, 30), (50, 20)]


def place(x: float, y: float, scale: float, rows: int = 1) -> tuple[Tensor, Tensor]:
    return torch.tensor([[x, y]] * rows), torch.tensor([[scale]] * rows)


def smooth(rows: int, size: tuple[int, int], seed: int = 0) -> Tensor:
    """Pictures without detail, so that resampling them costs little."""
    small = torch.rand(rows, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(small, size, mode="bicubic", align_corners=True).clamp(0, 1)


@pytest.mark.parametrize("canvas", CANVASES)
@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("scale", [0.25, 0.5, 0.83, 1.0])
def test_a_picture_lies_exactly_where_its_place_says_and_the_rest_is_untouched(
    canvas: tuple[int, int], picture: tuple[int, int], scale: float
):
    ground, top = smooth(1, canvas), 2 + smooth(1, picture)  # beyond the ground's range: told apart
    for x, y in PLACES.values():
        pasted = paste_on_grid(ground, top, *place(x, y, scale))[0]
        covered = (pasted > 1.5).all(dim=0)
        down, across = covered.any(dim=1).nonzero().flatten(), covered.any(dim=0).nonzero().flatten()
        height, width = len(down), len(across)
        assert covered[down[0] : down[-1] + 1, across[0] : across[-1] + 1].all()
        assert torch.equal(pasted[:, ~covered], ground[0][:, ~covered])
        ratio = scale * min(canvas[0] / picture[0], canvas[1] / picture[1])
        assert (height, width) == pytest.approx((ratio * picture[0], ratio * picture[1]), abs=0.51)
        for spot, first, length, side in ((y, down[0], height, canvas[0]), (x, across[0], width, canvas[1])):
            expected = {-1: 0, 0: (side - length) / 2, 1: side - length}[int(spot)]
            assert abs(int(first) - expected) <= 0.5 * (spot == 0)


def test_what_is_pasted_is_the_picture_shrunk_without_aliasing():
    picture = torch.rand(1, 3, 32, 32)
    pasted = paste_on_grid(torch.zeros(1, 3, 32, 32), picture, *place(1, -1, 0.5))
    means = picture.unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=(-1, -2))
    inside = pasted[:, :, 1:15, 17:31]
    assert (inside - means[:, :, 1:15, 1:15]).abs().mean() < 0.12  # a triangle over four pixels, not one of them
    assert pasted[:, :, :16, 16:].mean() == pytest.approx(float(picture.mean()), abs=0.01)


def test_a_picture_of_its_own_size_keeps_every_pixel():
    picture = torch.rand(1, 3, 16, 16)
    pasted = paste_on_grid(torch.zeros(1, 3, 32, 32), picture, *place(-1, 1, 0.5))
    assert torch.equal(pasted[:, :, 16:, :16], picture)


def test_rows_of_different_placements_keep_their_order():
    ground, top = smooth(4, (32, 32)), 1 + smooth(4, (32, 32), seed=1)
    position, scale = torch.tensor([[-1.0, -1], [1, 1], [-1, -1], [0, 0]]), torch.tensor([[0.5], [0.25], [0.5], [1.0]])
    together = paste_on_grid(ground, top, position, scale)
    for row in range(4):
        one = slice(row, row + 1)
        assert torch.equal(together[one], paste_on_grid(ground[one], top[one], position[one], scale[one]))


def test_a_gradient_reaches_both_pictures_where_they_show():
    ground, top = smooth(1, (32, 32)).requires_grad_(), smooth(1, (32, 32)).requires_grad_()
    paste_on_grid(ground, top, *place(-1, -1, 0.5)).sum().backward()
    assert ground.grad is not None
    assert top.grad is not None
    assert not ground.grad[..., :16, :16].any()
    assert (ground.grad[..., 16:, :] == 1).all()
    assert (top.grad > 0).all()


@given(st.sampled_from(sorted(PLACES.values())), st.sampled_from([0.25, 0.5, 0.75, 1.0]), st.sampled_from([0.0, 0.1, 0.3]))
def test_a_warp_to_whole_pixels_agrees_with_the_grid(spot: tuple[float, float], scale: float, feather: float):
    ground, top = smooth(1, (32, 32)), smooth(1, (32, 32), seed=1)
    position, size = place(*spot, scale)
    grid = paste_on_grid(ground, top, position, size, feather=feather)
    warped = paste_warped(ground, top, position, size, feather=feather, largest=scale)
    torch.testing.assert_close(warped, grid, atol=1e-4, rtol=0)


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.2, 1.0), st.sampled_from(PICTURES))
def test_a_warp_between_the_pixels_is_within_antialiasing_of_the_grid(
    x: float, y: float, scale: float, picture: tuple[int, int]
):
    ground, top = torch.zeros(1, 3, 32, 40), smooth(1, picture)
    position, size = place(x, y, scale)
    grid = paste_on_grid(ground, top, position, size)
    warped = paste_warped(ground, top, position, size, largest=scale)
    outline = 2 * sum(box_sizes((32, 40), picture, scale)) / (32 * 40)  # the share of the pixels on the edge
    assert (warped - grid).abs().mean() < 1.2 * outline + 0.02


@pytest.mark.parametrize("feather", [0.0, 0.2])
def test_a_warp_has_the_gradients_of_place_and_size(feather: float):
    ground, top = smooth(1, (32, 32)).double(), smooth(1, (16, 16), seed=1).double()
    weight = smooth(1, (32, 32), seed=2).double()

    def value(numbers: Tensor) -> Tensor:
        return (paste_warped(ground, top, numbers[:, :2], numbers[:, 2:], feather=feather, largest=0.8) * weight).sum()

    at = torch.tensor([[0.13, -0.31, 0.47]], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(value(at), at)
    for i in range(3):
        step = torch.zeros_like(at)
        step[0, i] = 1e-6
        slope = (value(at + step) - value(at - step)).detach() / 2e-6
        assert float(gradient[0, i]) == pytest.approx(float(slope), rel=1e-2, abs=1e-2)
        assert abs(float(slope)) > 0.1


def test_without_a_feather_a_box_on_whole_pixels_is_hard():
    mask = soft_box(torch.tensor([[3.0, 5.0, 8.0, 6.0]]), (20, 20), 0.0)[0, 0]
    expected = torch.zeros(20, 20)
    expected[3:11, 5:11] = 1
    assert torch.equal(mask, expected)


@given(st.floats(0.1, 9), st.floats(0.1, 9), st.floats(2, 8), st.floats(2, 8))
def test_a_box_between_the_pixels_covers_its_area(top: float, left: float, height: float, width: float):
    mask = soft_box(torch.tensor([[top, left, height, width]]), (20, 20), 0.0)
    assert float(mask.sum()) == pytest.approx(height * width, rel=1e-3)


def test_a_feathered_edge_rises_inside_the_box_to_one():
    mask = soft_box(torch.tensor([[8.0, 8.0, 16.0, 16.0]]), (32, 32), 0.25)[0, 0]
    profile = mask[16]
    assert profile[:8].abs().max() == 0
    torch.testing.assert_close(profile[8:12], torch.tensor([0.25, 0.5, 0.75, 1.0]))
    assert (profile[11:21] == 1).all()
    torch.testing.assert_close(profile, profile.flip(0))
    torch.testing.assert_close(mask, mask.T)


@pytest.mark.parametrize("place_", PLACES)
def test_an_edge_on_the_edge_of_the_canvas_stays_hard(place_: str):
    x, y = PLACES[place_]
    boxes = torch.tensor(grid_boxes((32, 32), (32, 32), *place(x, y, 0.5)), dtype=torch.float32)
    mask = soft_box(boxes, (32, 32), 0.25)[0, 0]
    top, left, height, width = (int(v) for v in boxes[0])
    box = mask[top : top + height, left : left + width]
    edges = {"top": box[0, 8], "bottom": box[-1, 8], "left": box[8, 0], "right": box[8, -1]}
    for edge, value in edges.items():
        assert float(value) == (1.0 if edge in place_.split("-") else 0.25)
    assert mask.sum() == box.sum()


def test_a_rim_covers_the_outermost_part_and_not_the_middle():
    boxes = torch.tensor([[8.0, 4.0, 16.0, 24.0]])
    whole, rim = coverage(boxes, (32, 32), 0.0, None)[0, 0], coverage(boxes, (32, 32), 0.0, 0.125)[0, 0]
    expected = whole.clone()
    expected[10:22, 7:25] = 0
    assert torch.equal(rim, expected)


def test_a_seam_is_the_step_across_the_border():
    images = torch.full((2, 3, 16, 16), 0.25)
    images[0, :, 4:12, 4:12] = 0.75
    images[1, :, :8, :] = 0.5
    found = seam(images, [(4, 4, 8, 8), (0, 0, 8, 16)])
    torch.testing.assert_close(found, torch.tensor([0.5, 0.25]))  # edges on the canvas's edge do not count


def test_what_continues_across_the_border_has_no_seam():
    images = torch.full((2, 3, 16, 16), 0.25)
    images[:, :, 6:10, 6:10] = 1.0  # in the middle of the box
    assert torch.equal(seam(images, [(4, 4, 8, 8), (0, 0, 16, 16)]), torch.zeros(2))


def test_a_feather_softens_the_seam():
    ground, top, spot = torch.zeros(1, 3, 32, 32), torch.ones(1, 3, 32, 32), place(0, 0, 0.5)
    boxes = grid_boxes((32, 32), (32, 32), *spot)
    hard, soft = (seam(paste_on_grid(ground, top, *spot, feather=f), boxes) for f in (0.0, 0.25))
    assert float(hard) == 1.0
    assert float(soft) == pytest.approx(0.25 * 13 / 16)  # the first step of the ramp, and less towards the corners
