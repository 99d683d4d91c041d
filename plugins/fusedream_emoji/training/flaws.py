"""What pictures suffer before they are scored: a generator's softness and noise, and AugCLIP's views.

Each flaw hits a minority of the pictures. Colour changes are milder than the views', as colour words have to hold.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_emoji.render import LUMINANCE


def flawed(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Degrade some of the pictures: (B, 3, H, W) in [0, 1], on the device of `rng`, to the same."""
    out = pictures.clone()
    for flaw, share in ((soften, 0.3), (tone, 0.3), (move, 0.25), (cut, 0.15), (speckle, 0.2)):
        rows = (torch.rand(len(out), generator=rng, device=rng.device) < share).nonzero().flatten()
        if len(rows):
            out[rows] = flaw(out[rows], rng).clamp(0, 1)
    return out


def _uniform(count: int, low: float, high: float, rng: torch.Generator) -> Tensor:
    return (low + (high - low) * torch.rand(count, generator=rng, device=rng.device))[:, None, None, None]


def soften(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Lose detail: mixed with the picture at half or a third of its resolution."""
    factor = 2 if torch.rand((), generator=rng, device=rng.device) < 0.6 else 3
    small = F.interpolate(pictures, scale_factor=1 / factor, mode="area")
    soft = F.interpolate(small, pictures.shape[-2:], mode="bilinear")
    return torch.lerp(pictures, soft, _uniform(len(pictures), 0.3, 1, rng))


def tone(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Brightness, saturation and contrast, about half as strong as AugCLIP's."""
    count = len(pictures)
    gray = (pictures * pictures.new_tensor(LUMINANCE)[:, None, None]).sum(1, keepdim=True)
    toned = torch.lerp(gray, pictures, _uniform(count, 0.6, 1.5, rng)) + _uniform(count, -0.12, 0.12, rng)
    return (toned - 0.5) * _uniform(count, 0.7, 1.3, rng) + 0.5


def move(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Shift by up to an eighth and rescale by 0.8-1.2; mid-gray comes in, as zero is in [-1, 1]."""
    count = len(pictures)
    zoom = 1 / _uniform(count, 0.8, 1.2, rng).view(-1, 1)
    shift = torch.rand(count, 2, generator=rng, device=rng.device) * 0.5 - 0.25
    theta = torch.cat([torch.diag_embed(zoom.expand(-1, 2)), shift[:, :, None]], dim=2)
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures - 0.5, grid, align_corners=False) + 0.5


def cut(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """A mid-gray square of half the side anywhere, at times beyond the border."""
    side = pictures.shape[-1]
    corner = torch.randint(-side // 4, side * 3 // 4, (2, len(pictures), 1), generator=rng, device=rng.device)
    ticks = torch.arange(side, device=rng.device)
    down, right = ((ticks >= c) & (ticks < c + side // 2) for c in corner)
    return pictures.masked_fill((down[:, :, None] & right[:, None, :])[:, None], 0.5)


def speckle(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Noise, in grains of one or two pixels."""
    side = pictures.shape[-1]
    grain = 1 if torch.rand((), generator=rng, device=rng.device) < 0.5 else 2
    noise = torch.randn(len(pictures), 3, side // grain, side // grain, generator=rng, device=rng.device)
    return pictures + F.interpolate(noise, scale_factor=grain) * _uniform(len(pictures), 0.01, 0.07, rng)
