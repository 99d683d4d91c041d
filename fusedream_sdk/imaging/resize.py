"""Pictures at another size, antialiased."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def shrink(images: Tensor, resolution: int) -> Tensor:
    """Pictures at the scorer's resolution: (B, 3, H, W) to (B, 3, resolution, resolution), antialiased.

    A picture that is not square is scaled so that its shorter side fits, and its centre is taken.
    """
    if tuple(images.shape[-2:]) == (resolution, resolution):
        return images
    return shrink_views(centre_square(images), resolution).clamp(0, 1)


def centre_square(images: Tensor) -> Tensor:
    """The middle of pictures: (B, 3, H, W) to (B, 3, min(H, W), min(H, W)); those that are square as they are."""
    height, width = images.shape[-2:]
    if height == width:
        return images
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return images[..., top : top + side, left : left + side]


def shrink_views(views: Tensor, resolution: int) -> Tensor:
    """Squares at another resolution, antialiased and unclamped, as views may leave [0, 1]: (N, 3, R, R) to (N, 3, r, r)."""
    if views.shape[-2:] == (resolution, resolution):
        return views
    return F.interpolate(views, size=(resolution, resolution), mode="bicubic", antialias=True, align_corners=False)


def plain_bilinear(views: Tensor, resolution: int) -> Tensor:
    """Squares at another resolution as the public FuseDream code makes them: not antialiased, between the nearest four pixels.

    (N, 3, R, R) to (N, 3, r, r), unclamped.
    """
    return F.interpolate(views, size=(resolution, resolution), mode="bilinear", align_corners=False)


def cover(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """The middle of a picture (3, h, w) that has the shape of (H, W), scaled to it, antialiased: (3, H, W) in [0, 1]."""
    height, width = picture.shape[-2:]
    tall = max(1, min(height, round(width * size[0] / size[1])))
    wide = max(1, min(width, round(height * size[1] / size[0])))
    top, left = (height - tall) // 2, (width - wide) // 2
    middle = picture[:, top : top + tall, left : left + wide]
    if (tall, wide) == tuple(size):
        return middle
    scaled = F.interpolate(middle[None], size=tuple(size), mode="bicubic", antialias=True, align_corners=False)
    return scaled[0].clamp(0, 1)
