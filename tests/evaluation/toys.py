"""Folders of pictures for the tests of evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.testing import ToyGenerator

CAPTIONS = [f"a {colour} ball" for colour in ("red", "blue", "green", "grey", "pink", "black")]


def discs(folder: Path, count: int = 6, *, seed: int = 0, side: int = 32, names: Sequence[str] = ()) -> Path:
    """So many discs by the toy generator, 0.png and so on."""
    generator = ToyGenerator(side)
    images = generator(generator.sample(count, rng=torch.Generator().manual_seed(seed)))
    folder.mkdir(exist_ok=True)
    for place, image in enumerate(images):
        to_pil(image).save(folder / (names[place] if names else f"{place}.png"))
    return folder
