"""A differentiable painter: sprites are recoloured, moved, scaled, turned, and laid over a background.

Everything is batched torch arithmetic, so that training draws its pictures on the fly and stores none.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

LUMINANCE = (0.299, 0.587, 0.114)  # Rec. 601

# The basic colour words (Berlin and Kay, 1969) and where they lie in RGB.
COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.87, 0.12, 0.13),
    "orange": (0.98, 0.55, 0.10),
    "yellow": (0.98, 0.85, 0.15),
    "green": (0.20, 0.65, 0.25),
    "blue": (0.15, 0.35, 0.90),
    "purple": (0.55, 0.20, 0.75),
    "pink": (0.98, 0.55, 0.75),
    "brown": (0.50, 0.30, 0.14),
    "black": (0.10, 0.10, 0.11),
    "gray": (0.55, 0.55, 0.56),
    "white": (0.97, 0.97, 0.97),
}


def recolour(sprites: Tensor, tint: Tensor, strength: Tensor) -> Tensor:
    """Tint sprites: hue and saturation become those of `tint`, light and shade stay.

    Args:
        sprites: (B, 4, H, W) in [0, 1], premultiplied RGBA.
        tint: (B, 3) in [0, 1], the new colour.
        strength: (B,) in [0, 1]; 0 leaves the sprite as it is.

    Returns:
        (B, 4, H, W) in [0, 1], premultiplied RGBA.
    """
    alpha = sprites[:, 3:]
    rgb = sprites[:, :3] / alpha.clamp_min(1e-4)
    light = (rgb * rgb.new_tensor(LUMINANCE)[:, None, None]).sum(1, keepdim=True)
    c = tint[:, :, None, None]
    tinted = c * (0.3 + light).clamp_max(1) + (1 - c) * (light - 0.7).clamp_min(0) * 1.5
    mixed = torch.lerp(rgb, tinted.clamp(0, 1), strength[:, None, None, None])
    return torch.cat([mixed * alpha, alpha], dim=1)


def warp(sprites: Tensor, centre: Tensor, scale: Tensor, turn: Tensor, side: int) -> Tensor:
    """Place sprites on an empty canvas.

    Args:
        sprites: (B, C, h, w), premultiplied.
        centre: (B, 2) as (x, y); -1 and 1 are the borders, x to the right and y down.
        scale: (B,), side of the sprite over the side of the canvas; negative mirrors it left to right.
        turn: (B,) in radians, clockwise.
        side: of the canvas, in pixels.

    Returns:
        (B, C, side, side), premultiplied, empty where the sprite is not.
    """
    mirror, size = torch.sign(scale), scale.abs()
    cos, sin = torch.cos(turn) / size, torch.sin(turn) / size
    x, y = centre.unbind(1)
    rows = [mirror * cos, mirror * sin, -mirror * (cos * x + sin * y), -sin, cos, sin * x - cos * y]
    theta = torch.stack(rows, dim=1).view(-1, 2, 3)
    grid = F.affine_grid(theta, [len(sprites), sprites.shape[1], side, side], align_corners=False)
    drawn = F.grid_sample(sprites, grid, align_corners=False)
    # Below half size bilinear sampling skips pixels: take those from the sprite at half resolution.
    small = (size * side < 0.6 * sprites.shape[-1]).nonzero().flatten()
    if len(small):
        half = F.avg_pool2d(sprites[small], 2)
        drawn[small] = F.grid_sample(half, grid[small], align_corners=False)
    return drawn


def over(front: Tensor, back: Tensor) -> Tensor:
    """Lay a premultiplied RGBA picture (B, 4, H, W) over an opaque one: (B, 3, H, W) in [0, 1]."""
    return front[:, :3] + (1 - front[:, 3:]) * back


def backdrop(colour: Tensor, side: int) -> Tensor:
    """A plain background: (B, 3) in [0, 1] to (B, 3, side, side)."""
    return colour[:, :, None, None].expand(-1, -1, side, side)


def degrees(angle: float) -> float:
    """Degrees to radians."""
    return angle * math.pi / 180
