"""The drawings: every concept in three styles, as premultiplied RGBA sprites."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

ART = Path(__file__).parent / "art"
STYLES = ("noto", "twemoji", "fluent")
SIDE = 64
COLUMNS = 24


@cache
def concepts() -> list[dict]:
    """Every concept in class order: `code` (Unicode), `names` (the first is the usual one)."""
    return json.loads((ART / "concepts.json").read_text())


def names() -> list[str]:
    """The usual name of each concept, in class order."""
    return [concept["names"][0] for concept in concepts()]


def load_sprites() -> Tensor:
    """All drawings: (styles, concepts, 4, 64, 64) in [0, 1], premultiplied RGBA."""
    count = len(concepts())
    styles = []
    for style in STYLES:
        atlas = np.asarray(Image.open(ART / f"{style}.webp").convert("RGBA"))
        rows = atlas.shape[0] // SIDE
        tiles = atlas.reshape(rows, SIDE, COLUMNS, SIDE, 4).swapaxes(1, 2).reshape(-1, SIDE, SIDE, 4)[:count]
        styles.append(torch.from_numpy(np.ascontiguousarray(tiles)).permute(0, 3, 1, 2).float() / 255)
    sprites = torch.stack(styles)
    return torch.cat([sprites[:, :, :3] * sprites[:, :, 3:], sprites[:, :, 3:]], dim=2)
