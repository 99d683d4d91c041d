"""What the tests of folders and engines share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.latents import Latents
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.result import Result
from fusedream_sdk.testing import ToyGenerator, ToyScorer

PROMPTS, SEEDS = ["red", "blue"], [0, 1]
ROWS = ("00-red-seed0", "01-red-seed1", "02-blue-seed0", "03-blue-seed1")


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def interrupt_at(row: int, step: int = 2) -> Callable[[State, Any], None]:
    def watch(state: State, rows: Any) -> None:
        if (state.step, rows[0]) == (step, row):
            raise KeyboardInterrupt

    return watch


def fault_at(row: int) -> Callable[[State, Any], None]:
    def watch(state: State, rows: Any) -> None:
        if rows[0] == row:
            raise ZeroDivisionError

    return watch


def draw(dream: FuseDream, into: Any, **options: Any) -> Result:
    return dream.generate(PROMPTS, seeds=SEEDS, into=into, progress=False, **options)


class Drawing(ToyGenerator):
    """Counts the pictures that it draws."""

    fingerprint = "drawing"

    def __init__(self, side: int = 16) -> None:
        super().__init__(side)
        self.drawn = 0

    def __call__(self, latents: Latents) -> Tensor:
        self.drawn += len(latents["z"])
        return super().__call__(latents)


def engine(generator: Any = None, scorer: Any = None, **options: Any) -> Engine:
    models = Loaded(generator or ToyGenerator(16), None), Loaded(scorer or ToyScorer(8), None)
    return Engine(*models, **{"dtype": torch.float32, **options})
