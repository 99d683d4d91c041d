"""How the public FuseDream code moves, resizes and cuts its views, from given random numbers.

Facts from github.com/gnobitab/FuseDream at commit 3fe28b8 (`DiffAugment_pytorch.py` and the loss of `fusedream_utils.py`), in
this order after the colours: translation by whole pixels, where what is pushed out is lost; resize by one ratio for a batch of
50 views, padded or cropped back to the old side; a cut square. Everywhere 0 is the padding: the middle of the range, mid-grey.
All of it at the generator's resolution.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

BATCH = 50  # views that share a resize ratio: the code's batch in every step, and in each of the 20 rounds of its report


def batches(chosen: range, size: int = BATCH) -> list[tuple[int, slice]]:
    """Which of the chosen views share a number: the view that it is the number of, and where they are among the chosen."""
    firsts = range(chosen.start // size * size, chosen.stop, size)
    parts = [(max(first, chosen.start), min(first + size, chosen.stop)) for first in firsts]
    return [(first, slice(a - chosen.start, b - chosen.start)) for first, (a, b) in zip(firsts, parts, strict=True)]


def whole(u: Tensor, choices: int) -> list[int]:
    """Integers from 0 to choices - 1, each as likely: (N,) in [0, 1)."""
    return (u.double() * choices).long().tolist()


def translate(x: Tensor, u: Tensor, shift: float) -> Tensor:
    """Each view moved right and down by whole pixels, up to `shift` of the side, rounded.

    Args:
        x: (N, 3, R, R).
        u: (N, 2) in [0, 1): right and down.
        shift: as a part of the side.
    """
    most = int(x.shape[-1] * shift + 0.5)
    right, down = ([k - most for k in whole(u[:, axis], 2 * most + 1)] for axis in (0, 1))
    return torch.stack([F.pad(view, (dx, -dx, dy, -dy)) for view, dx, dy in zip(x, right, down, strict=True)])


def resize(x: Tensor, u: float, zoom: float) -> Tensor:
    """All views by one ratio from 1 - zoom to 1 + zoom, bilinear, then padded or cropped to their old side.

    Sides are rounded down. Things become smaller or larger with the ratio: nothing brings their size back.

    Args:
        x: (N, 3, R, R).
        u: in [0, 1), says which ratio.
        zoom: largest change.
    """
    side = x.shape[-1]
    new = max(1, int(side * (1 - zoom + 2 * zoom * u)))
    scaled = F.interpolate(x, size=(new, new), mode="bilinear", align_corners=False)
    if new < side:
        before = (side - new) // 2
        after = side - new - before
        return F.pad(scaled, (before, after, before, after))
    first = (new - side) // 2
    return scaled[..., first : first + side, first : first + side]


def cut_out(x: Tensor, u: Tensor, hole: float) -> Tensor:
    """A square of 0 in each view, clipped at the border.

    Args:
        x: (N, 3, R, R).
        u: (N, 2) in [0, 1): of the square's column and row.
        hole: its side, as a part of the view's, rounded.
    """
    side = x.shape[-1]
    size = int(side * hole + 0.5)
    first = torch.tensor([whole(u[:, axis], side + 1 - size % 2) for axis in (0, 1)], device=x.device) - size // 2  # (2, N)
    pixel = torch.arange(side, device=x.device)
    inside = (pixel >= first[..., None]) & (pixel < first[..., None] + size)  # (2, N, R)
    return x.masked_fill((inside[1, :, :, None] & inside[0, :, None, :]).unsqueeze(1), 0.0)
