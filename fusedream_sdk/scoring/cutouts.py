"""The cutouts of other methods of the literature, from given random numbers: what Big Sleep and VQGAN-CLIP show to CLIP.

A cutout is made of a picture as it was drawn, and comes out as the scorer reads it. Each is a function of one picture and the
numbers of its views; `Views` draws those. Pictures that are not square lose what is beside their middle for Big Sleep's, and
are squeezed for VQGAN-CLIP's, as that code does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_sdk.imaging.resize import centre_square
from fusedream_sdk.runtime import randomness
from fusedream_sdk.runtime.randomness import keyed
from fusedream_sdk.scoring.public_views import batches, whole

SIZE_MEAN, SIZE_SPREAD, LEAST, MOST = 0.8, 0.3, 0.5, 0.95  # of Big Sleep's crops, as shares of the side
SHARE = 0.7  # of VQGAN-CLIP's cutouts that each of its changes is made to
TURN, SHEAR, SHIFT = 15.0, 5.0, 0.1  # degrees; share of the side
DISTORTION = 0.7  # a corner moves inwards by up to half of it, as a share of the side
COLOUR = 0.1  # brightness, contrast and saturation by factors from 1 - 0.1 to 1 + 0.1, hue by up to a tenth of a turn
ERASED, RATIO = (0.1, 0.4), 0.3  # share of the picture; height by width from 0.3 to 1 / 0.3
NOISE = 0.1  # the most, as a standard deviation
BATCH = 32  # cutouts that are erased in one place: that code's in every step
GREY = (0.299, 0.587, 0.114)  # what red, green and blue add to the grey of a pixel

Cut = Callable[[Tensor, Tensor, range, int, tuple[int, int]], Tensor]
"""(picture, numbers, chosen, resolution, key): the chosen views, (V, 3, resolution, resolution), of a picture (3, H, W) in
[0, 1], by the numbers of all of them, (count, n) in [0, 1); the key names their noise."""


def crops(picture: Tensor, u: Tensor, chosen: range, resolution: int, key: tuple[int, int]) -> Tensor:
    """Big Sleep's: squares anywhere in the picture, nearest pixels; a Gaussian side, clamped to 0.5 and 0.95 of the whole.

    References:
        github.com/lucidrains/big-sleep at commit 01e2ce9, `big_sleep.py`: the sizes, and `rand_cutout`.
    """
    square = centre_square(picture)
    own, side = u[chosen.start : chosen.stop].double(), square.shape[-1]
    gaussian = torch.special.ndtri(own[:, 0].clamp_min(torch.finfo(torch.float32).tiny))
    sizes = (side * (SIZE_MEAN + SIZE_SPREAD * gaussian).clamp(LEAST, MOST)).long().clamp_min(1).tolist()
    drawn = []
    for size, numbers in zip(sizes, own[:, 1:], strict=True):
        top, left = whole(numbers, side - size + 1)
        part = square[None, :, top : top + size, left : left + size]
        drawn.append(F.interpolate(part, size=(resolution, resolution), mode="nearest"))
    return torch.cat(drawn)


def warped(picture: Tensor, u: Tensor, chosen: range, resolution: int, key: tuple[int, int]) -> Tensor:
    """VQGAN-CLIP's: the whole picture, pooled to the scorer's resolution, then moved, seen aslant, coloured, erased and noisy.

    Facts from github.com/nerdyrodent/VQGAN-CLIP at commit df49139, `generate.py`, which github.com/EleutherAI/vqgan-clip took
    over: the mean of average and max pooling; an affine map (a turn of up to 15 degrees, a shear of up to 5, a shift of up to
    a tenth); a perspective of 0.7; brightness, contrast, saturation and hue by up to 0.1; a black rectangle, the same in all
    32; each of these with a probability of 0.7; then noise with a standard deviation from 0 to 0.1. That code has kornia draw
    them. Here the two maps are one warp, so that nothing between them is resampled or lost; colours are not clamped between
    their changes, and the hue turns about the grey axis rather than in HSV; and the shift is in both directions, where kornia
    reads the single number as none in one of them.

    References:
        Riba et al. (2020). Kornia: an open source differentiable computer vision library for PyTorch. arXiv:1910.02190.
    """
    pooled = (F.adaptive_avg_pool2d(picture[None], resolution) + F.adaptive_max_pool2d(picture[None], resolution)) / 2
    own = u[chosen.start : chosen.stop].double()
    views = _warp(pooled.expand(len(own), -1, -1, -1), _maps(own[:, :14]))
    views = _recolour(views, own[:, 14:19])
    parts = [_erase(views[part], u[first, 19:25]) for first, part in batches(chosen, BATCH)]
    return torch.cat(parts) + _noise(own[:, 25], chosen, resolution, key).to(picture.device, picture.dtype)


def _signed(u: Tensor) -> Tensor:
    """[0, 1) to [-1, 1)."""
    return 2 * u - 1


def _maps(u: Tensor) -> Tensor:
    """From a place in each view to where its colour comes from, both in [-1, 1]: (V, 14) in [0, 1) to (V, 3, 3)."""
    affine, aslant = torch.eye(3).double().expand(len(u), 3, 3), torch.eye(3).double().expand(len(u), 3, 3)
    return torch.where(_happens(u[:, 0]), torch.linalg.inv(_affine(u[:, 1:5])), affine) @ torch.where(
        _happens(u[:, 5]), torch.linalg.inv(_aslant(u[:, 6:14])), aslant
    )


def _happens(u: Tensor) -> Tensor:
    """Which views a change is made to: (V,) to (V, 1, 1)."""
    return (u < SHARE).view(-1, 1, 1)


def _affine(u: Tensor) -> Tensor:
    """A turn after a shear along the rows, and a shift: (V, 4) to (V, 3, 3)."""
    angle, shear = (math.radians(most) * _signed(u[:, i]) for i, most in enumerate((TURN, SHEAR)))
    right, down = (2 * SHIFT * _signed(u[:, i]) for i in (2, 3))  # the side of [-1, 1] is 2
    cosine, sine, slope = angle.cos(), angle.sin(), shear.tan()
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    rows = [[cosine, cosine * slope - sine, right], [sine, sine * slope + cosine, down], [zero, zero, one]]
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


def _aslant(u: Tensor) -> Tensor:
    """The perspective by which each corner moves inwards, by up to `DISTORTION` of half a side: (V, 8) to (V, 3, 3)."""
    corners = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]).double()
    moved = corners * (1 - DISTORTION * u.view(-1, 4, 2))
    (x, y), (a, b) = corners.expand_as(moved).unbind(2), moved.unbind(2)
    zero, one = torch.zeros_like(a), torch.ones_like(a)
    across = torch.stack([x, y, one, zero, zero, zero, -a * x, -a * y], dim=2)
    along = torch.stack([zero, zero, zero, x, y, one, -b * x, -b * y], dim=2)
    found = torch.linalg.solve(torch.cat([across, along], dim=1), torch.cat([a, b], dim=1))
    return torch.cat([found, torch.ones_like(found[:, :1])], dim=1).view(-1, 3, 3)


def _warp(x: Tensor, maps: Tensor) -> Tensor:
    """Each picture seen through its map, bilinear; what comes from outside is black: (V, 3, R, R)."""
    side = x.shape[-1]
    centres = (2 * torch.arange(side, device=x.device) + 1) / side - 1
    down, right = torch.meshgrid(centres, centres, indexing="ij")
    places = torch.stack([right, down, torch.ones_like(down)], dim=2)  # (R, R, 3)
    with torch.autocast(x.device.type, enabled=False):  # places of pixels need more digits
        source = torch.einsum("vij,rcj->vrci", maps.to(x.device, places.dtype), places)
        return F.grid_sample(x, (source[..., :2] / source[..., 2:]).to(x.dtype), align_corners=False)


def _recolour(x: Tensor, u: Tensor) -> Tensor:
    """Brightness, then contrast about the picture's mean grey, saturation, and a turn of the hue: (V, 3, R, R) of (V, 5)."""
    changed = (u[:, 0] < SHARE).to(u.dtype)
    brighter, contrast, saturation, hue = (changed * COLOUR * _signed(u[:, i]) for i in range(1, 5))
    weights = torch.tensor(GREY).double()
    plain = torch.eye(3).double()
    grey = weights.expand(3, 3)
    colours = grey + (1 + saturation).view(-1, 1, 1) * (plain - grey)
    colours = _about_grey(2 * math.pi * hue) @ colours * (1 + brighter).view(-1, 1, 1)  # one product for all three
    mix, weights, more = (part.to(x.device, x.dtype) for part in (colours, weights, contrast.view(-1, 1, 1, 1)))
    with torch.autocast(x.device.type, enabled=False):
        level = torch.einsum("c,vcrs->v", weights, x).view(-1, 1, 1, 1) / (x.shape[-1] * x.shape[-2])
        return torch.einsum("vdc,vcrs->vdrs", mix, x + more * (x - level))


def _about_grey(angle: Tensor) -> Tensor:
    """Colours turned about the axis of the greys (Rodrigues' formula): (V,) to (V, 3, 3)."""
    along = torch.full((3, 3), 1 / 3).double()
    across = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]).double() / math.sqrt(3)
    cosine, sine = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    return cosine * torch.eye(3).double() + (1 - cosine) * along + sine * across


def _erase(x: Tensor, u: Tensor) -> Tensor:
    """A black rectangle in one place of all views, where there is one: (V, 3, R, R) of (6,) in [0, 1)."""
    happens, share, longer, ratio, column, row = u.double().tolist()
    if happens >= SHARE:
        return x
    side = x.shape[-1]
    area = side * side * (ERASED[0] + (ERASED[1] - ERASED[0]) * share)
    shape = RATIO + (1 - RATIO) * ratio if longer < 0.5 else 1 + (1 / RATIO - 1) * ratio  # either kind as often
    height, width = (max(1, min(side, round(math.sqrt(length)))) for length in (area * shape, area / shape))
    top, left = int(row * (side - height + 1)), int(column * (side - width + 1))
    pixel = torch.arange(side, device=x.device)
    inside = ((pixel >= top) & (pixel < top + height))[:, None] & ((pixel >= left) & (pixel < left + width))
    return x.masked_fill(inside, 0.0)


def _noise(u: Tensor, chosen: range, resolution: int, key: tuple[int, int]) -> Tensor:
    """Gaussian noise of each view, named by its number and the key: (V,) to (V, 3, R, R), float32, on the CPU."""
    seed, place = key
    draws = (keyed(seed, randomness.CUTOUTS + place, counter=view) for view in chosen)
    drawn = np.stack([draw.standard_normal((3, resolution, resolution), dtype=np.float32) for draw in draws])
    return torch.from_numpy(drawn) * (NOISE * u).float().view(-1, 1, 1, 1)


CUTOUTS: Mapping[str, tuple[int, Cut]] = {"big-sleep": (3, crops), "vqgan-clip": (26, warped)}
"""Name of a variant of `Views` -> how many random numbers are behind one of its views, and how it is made."""
