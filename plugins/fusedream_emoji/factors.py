"""What z means in the emoji world: twelve Gaussian factors, each a direction of the 128-dimensional z.

The generator is fitted to `draw`, so `draw` is the world: class = concept, factors = everything else. As in real GANs,
objects sit near the centre and no factor has a coordinate of its own.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fusedream_emoji.render import backdrop, degrees, over, recolour, warp

Z_DIM = 128
FACTORS = (
    *("style", "x", "y", "scale", "turn"),
    *("tint_strength", "tint_red", "tint_green", "tint_blue"),
    *("back_red", "back_green", "back_blue"),
)


def directions() -> Tensor:
    """Orthonormal directions of the factors in z: (12, 128), so that factors = z @ directions().T."""
    rng = torch.Generator().manual_seed(12)
    q, _ = torch.linalg.qr(torch.randn(Z_DIM, len(FACTORS), generator=rng))
    return q.T.contiguous()


def colour(factors: Tensor) -> Tensor:
    """Three factors (B, 3) to a colour in [0, 1]: tanh in the picture's own [-1, 1] range, saturated more often than not."""
    return (torch.tanh(1.2 * factors) + 1) / 2


def style_weights(factor: Tensor) -> Tensor:
    """A factor (B,) to weights of the three styles (B, 3): thirds of the Gaussian, with narrow cross-fades."""
    first = ((-0.4307 - factor) / 0.1 + 0.5).clamp(0, 1)
    last = ((factor - 0.4307) / 0.1 + 0.5).clamp(0, 1)
    return torch.stack([first, 1 - first - last, last], dim=1)


def draw(sprites: Tensor, concept: Tensor, factors: Tensor, side: int = 64) -> Tensor:
    """The picture that a latent stands for.

    Args:
        sprites: (3, N, 4, h, w) from `load_sprites`.
        concept: (B,) integers below N.
        factors: (B, 12), standard normal.

    Returns:
        (B, 3, side, side) in [0, 1].
    """
    f = dict(zip(FACTORS, factors.unbind(1), strict=True))
    weights = style_weights(f["style"])
    chosen = torch.einsum("bs,sbchw->bchw", weights, sprites[:, concept])
    strength = torch.sigmoid(6 * (f["tint_strength"] - 0.25))
    tint = colour(torch.stack([f["tint_red"], f["tint_green"], f["tint_blue"]], dim=1))
    centre = 0.05 * torch.tanh(torch.stack([f["x"], f["y"]], dim=1))
    scale = 0.82 + 0.06 * torch.tanh(f["scale"])
    turn = degrees(4) * torch.tanh(f["turn"])
    front = warp(recolour(chosen, tint, strength), centre, scale, turn, side)
    back = colour(torch.stack([f["back_red"], f["back_green"], f["back_blue"]], dim=1))
    return over(front, backdrop(back, side))
