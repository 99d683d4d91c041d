"""Which colour word a colour, or a whole drawing, plainly deserves, and when it deserves none."""

from __future__ import annotations

import torch
from torch import Tensor

from fusedream_emoji.render import COLOURS, recolour

WORDS = tuple(COLOURS)

# Shades that people give the same word, beside those of `COLOURS`.
SHADES: dict[str, tuple[tuple[float, float, float], ...]] = {
    "red": ((1, 0, 0), (0.70, 0.06, 0.08)),
    "orange": ((1, 0.5, 0), (0.9, 0.42, 0.05)),
    "yellow": ((1, 1, 0), (1, 0.93, 0.5), (1, 0.78, 0.05)),
    "green": ((0, 1, 0), (0, 0.4, 0), (0.6, 0.9, 0.45), (0.5, 0.75, 0.2)),
    "blue": ((0, 0, 1), (0.45, 0.7, 1), (0.05, 0.1, 0.45), (0.1, 0.55, 0.85)),
    "purple": ((0.5, 0, 0.5), (0.35, 0.1, 0.6), (0.7, 0.5, 0.9)),
    "pink": ((1, 0.75, 0.82), (1, 0.25, 0.6)),
    "brown": ((0.36, 0.2, 0.1), (0.62, 0.4, 0.22), (0.45, 0.33, 0.28)),
    "black": ((0, 0, 0), (0.2, 0.2, 0.2)),
    "gray": ((0.4, 0.4, 0.4), (0.7, 0.7, 0.7)),
    "white": ((1, 1, 1),),
}
# Colours between the words: nearest to one of these, a colour stays unnamed.
BETWEEN = (
    *((1, 0, 1), (0, 1, 1), (0, 0.5, 0.5), (0.6, 1, 0.85), (0.75, 1, 0), (0.93, 0.85, 0.7), (0.5, 0.5, 0)),
    *((0.45, 0, 0), (1, 0.5, 0.45), (0.8, 0.85, 1), (0.85, 0, 0.45), (0.25, 0.28, 0.35), (0.3, 0.3, 0.3)),
    *((0.85, 0.85, 0.85), (0.85, 0.95, 0.8), (1, 0.95, 0.85), (1, 0.9, 0.9)),
)
_ENTRIES = [(w, s) for w in WORDS for s in (COLOURS[w], *SHADES[w])] + [(None, s) for s in BETWEEN]
_WORD_OF = torch.tensor([WORDS.index(w) if w else len(WORDS) for w, _ in _ENTRIES])


def oklab(rgb: Tensor) -> Tensor:
    """sRGB in [0, 1], (..., 3), to OKLab with lightness halved (Ottosson, 2020): distances are how different people see."""
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb.clamp_min(0) + 0.055) / 1.055) ** 2.4)
    to_cones = rgb.new_tensor(
        [[0.41222147, 0.53633254, 0.05144599], [0.21190350, 0.68069955, 0.10739696], [0.08830246, 0.28171884, 0.62997870]]
    )
    to_lab = rgb.new_tensor(
        [[0.21045426, 0.79361779, -0.00407205], [1.97799850, -2.42859221, 0.45059371], [0.02590404, 0.78277177, -0.80867577]]
    )
    lab = (linear @ to_cones.T).clamp_min(0).pow(1 / 3) @ to_lab.T
    return lab * lab.new_tensor([0.5, 1.0, 1.0])


def colour_index(rgb: Tensor, margin: float = 0.8) -> Tensor:
    """The index in `WORDS` of each colour (..., 3) in [0, 1]; -1 where no word is plainly the right one.

    Args:
        rgb: (..., 3) in [0, 1].
        margin: the word's nearest shade must be closer than this times the nearest shade of any other word; 1 always
            decides, except for colours between the words.
    """
    entries = rgb.new_tensor([shade for _, shade in _ENTRIES])
    flat = oklab(rgb.reshape(-1, 3))
    distance = torch.cdist(flat, oklab(entries))
    per_word = torch.stack([distance[:, w == _WORD_OF].amin(1) for w in range(len(WORDS) + 1)], dim=1)
    (first, second), (best, _) = per_word.topk(2, dim=1, largest=False)[0].T, per_word.topk(2, dim=1, largest=False)[1].T
    named = (best < len(WORDS)) & (first <= margin * second)
    return torch.where(named, best, -1).reshape(rgb.shape[:-1])


def colour_shares(sprites: Tensor) -> Tensor:
    """The share of a drawing's area that each colour word covers: (B, 4, H, W) premultiplied to (B, 11), sum at most 1."""
    alpha = sprites[:, 3]
    rgb = (sprites[:, :3] / sprites[:, 3:].clamp_min(1e-4)).clamp(0, 1).movedim(1, -1)
    index = colour_index(rgb, margin=1.0)
    votes = torch.nn.functional.one_hot(index + 1, len(WORDS) + 1)[..., 1:] * alpha[..., None]
    return votes.sum((1, 2)) / alpha.sum((1, 2))[:, None].clamp_min(1e-4)


def plain_colours(sprites: Tensor) -> tuple[Tensor, Tensor]:
    """What every drawing may be called, untouched and tinted.

    Args:
        sprites: (S, N, 4, h, w) from `load_sprites`.

    Returns:
        The natural colour (S, N) as an index in `WORDS`, -1 where none dominates, and (S, N, 11): whether the drawing,
        recoloured by each word's colour, plainly has that colour (a spider tinted white is gray).
    """
    small = torch.nn.functional.avg_pool2d(sprites.flatten(0, 1), 8)
    shares = colour_shares(small)
    (first, second), (best, _) = shares.topk(2, dim=1)[0].T, shares.topk(2, dim=1)[1].T
    natural = torch.where((first > 0.6) & (second < 0.2), best, -1)
    tinted = []
    for i, word in enumerate(WORDS):
        tint = small.new_tensor([COLOURS[word]]).expand(len(small), 3)
        share = colour_shares(recolour(small, tint, torch.ones(len(small))))
        others = share.clone()
        others[:, i] = 0
        tinted.append((share[:, i] > 0.4) & (others.amax(1) < 0.6 * share[:, i]))
    shape = sprites.shape[:2]
    return natural.view(shape), torch.stack(tinted, dim=1).view(*shape, -1)
