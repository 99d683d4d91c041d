"""Pasting small pictures over large ones, differentiably: on whole pixels, or anywhere."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor


def box_sizes(canvas: tuple[int, int], picture: tuple[int, int], scale: float) -> tuple[float, float]:
    """Height and width, in pixels, of a picture that spans `scale` of a canvas and keeps its proportions."""
    ratio = scale * min(canvas[0] / picture[0], canvas[1] / picture[1])
    return ratio * picture[0], ratio * picture[1]


def grid_boxes(canvas: tuple[int, int], picture: tuple[int, int], position: Tensor, scale: Tensor) -> list[tuple[int, ...]]:
    """The box of each row on whole pixels: (top, left, height, width)."""
    boxes = []
    for (x, y), size in zip(position.tolist(), scale.flatten().tolist(), strict=True):
        height, width = (min(max(round(s), 1), side) for s, side in zip(box_sizes(canvas, picture, size), canvas, strict=True))
        top, left = ((canvas[0] - height) * (y + 1) / 2, (canvas[1] - width) * (x + 1) / 2)
        boxes.append((round(top), round(left), height, width))
    return boxes


def paste_on_grid(
    canvas: Tensor, picture: Tensor, position: Tensor, scale: Tensor, *, feather: float = 0.0, rim: float | None = None
) -> Tensor:
    """Shrink pictures without aliasing and paste them on whole pixels.

    Args:
        canvas: (B, 3, H, W). picture: (B, 3, h, w).
        position: (B, 2), x and y in the room that is left, in [-1, 1]. scale: (B, 1), in (0, 1]. No gradient reaches them.
        feather: width of the soft edge, as a share of the shorter side.
        rim: paste only the outermost part, of this width, as a share of each side.

    Returns:
        (B, 3, H, W). Rows of one placement are done at a time.
    """
    size = (canvas.shape[-2], canvas.shape[-1])
    boxes = grid_boxes(size, (picture.shape[-2], picture.shape[-1]), position, scale)
    done, order = [], []
    for box, rows in _groups(boxes):
        top, left, height, width = box
        small = F.interpolate(picture[rows], (height, width), mode="bilinear", antialias=True, align_corners=False)
        laid = F.pad(small, (left, size[1] - left - width, top, size[0] - top - height))
        mask = coverage(torch.tensor([box], dtype=canvas.dtype, device=canvas.device), size, feather, rim)
        done.append(canvas[rows] * (1 - mask) + laid * mask)
        order += rows
    back = torch.tensor(order, device=canvas.device).argsort()
    return torch.cat(done)[back]


def paste_warped(
    canvas: Tensor,
    picture: Tensor,
    position: Tensor,
    scale: Tensor,
    *,
    feather: float = 0.0,
    rim: float | None = None,
    largest: float = 1.0,
) -> Tensor:
    """Paste pictures anywhere, by a bilinear warp: differentiable in `position` and `scale` too.

    Arguments as above, and `largest`, the greatest scale that may come: what is finer than a copy of that size is averaged
    before the warp, which takes single pixels.
    """
    from kornia.geometry.transform import warp_affine  # 0.3 s to import

    height, width = size = (canvas.shape[-2], canvas.shape[-1])
    h, w = picture.shape[-2:]
    ratio = scale[:, 0] * min(height / h, width / w)
    smaller = tuple(min(max(round(s), 1), side) for s, side in zip(box_sizes(size, (h, w), largest), (h, w), strict=True))
    if smaller != (h, w):
        picture = F.interpolate(picture, smaller, mode="bilinear", antialias=True, align_corners=False)
    tall, wide = ratio * h, ratio * w
    top, left = (height - tall) * (position[:, 1] + 1) / 2, (width - wide) * (position[:, 0] + 1) / 2
    across, down = wide / picture.shape[-1], tall / picture.shape[-2]
    zero = torch.zeros_like(across)
    # Pixel i has its centre at i + 1/2.
    first = torch.stack([across, zero, left + across / 2 - 0.5], dim=1)
    second = torch.stack([zero, down, top + down / 2 - 0.5], dim=1)
    laid = warp_affine(picture, torch.stack([first, second], dim=1), size, padding_mode="border", align_corners=True)
    mask = coverage(torch.stack([top, left, tall, wide], dim=1), size, feather, rim)
    return canvas * (1 - mask) + laid * mask


def coverage(boxes: Tensor, size: tuple[int, int], feather: float, rim: float | None) -> Tensor:
    """How much of each pixel a pasted picture, or its rim alone, covers: (B, 1, H, W) in [0, 1]. Arguments as above."""
    whole = soft_box(boxes, size, feather)
    if rim is None:
        return whole
    inset = rim * boxes[:, 2:]
    inside = torch.cat([boxes[:, :2] + inset, boxes[:, 2:] - 2 * inset], dim=1)
    return whole * (1 - soft_box(inside, size, 0.0))


def soft_box(boxes: Tensor, size: tuple[int, int], feather: float) -> Tensor:
    """How much of each pixel a box covers.

    Args:
        boxes: (B, 4) of top, left, height and width, in pixels.
        size: (H, W) of the canvas.
        feather: width of the ramp, as a share of the box's shorter side; at least one pixel.

    Returns:
        (B, 1, H, W) in [0, 1]: 1 inside, falling to 0 within the box's edge, but not where that is the canvas's edge.
    """
    ramp = (feather * boxes[:, 2:].min(dim=1).values).clamp_min(1.0)[:, None]
    axes = []
    for axis, side in enumerate(size):
        start, length = boxes[:, axis, None], boxes[:, axis + 2, None]
        centre = torch.arange(side, device=boxes.device, dtype=boxes.dtype)[None] + 0.5
        flush = 1e-3  # of a pixel
        before = torch.where(start > flush, centre - start, side)
        after = torch.where(start + length < side - flush, start + length - centre, side)
        axes.append(((torch.minimum(before, after) + 0.5) / ramp).clamp(0, 1))
    return (axes[0][:, :, None] * axes[1][:, None, :]).unsqueeze(1)


def seam(images: Tensor, boxes: list[tuple[int, ...]]) -> Tensor:
    """How visible the border of a pasted box is: the mean absolute step of the colour across it.

    Args:
        images: (B, 3, H, W) in [0, 1].
        boxes: (top, left, height, width) of each row, as from `grid_boxes`; edges on the canvas's edge do not count.

    Returns:
        (B,), in [0, 1]; 0 for a box that fills the canvas.
    """
    height, width = images.shape[-2:]
    out = []
    for image, (top, left, tall, wide) in zip(images, boxes, strict=True):
        bottom, right = top + tall, left + wide
        steps = [(image[:, y, left:right] - image[:, y - 1, left:right]).abs() for y in (top, bottom) if 0 < y < height]
        steps += [(image[:, top:bottom, x] - image[:, top:bottom, x - 1]).abs() for x in (left, right) if 0 < x < width]
        out.append(torch.cat([s.flatten() for s in steps]).mean() if steps else image.new_zeros(()))
    return torch.stack(out)


def _groups(boxes: list[tuple[int, ...]]) -> Iterator[tuple[tuple[int, ...], list[int]]]:
    for box in dict.fromkeys(boxes):
        yield box, [row for row, other in enumerate(boxes) if other == box]
