"""What the tests of folders share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.result import Result

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
