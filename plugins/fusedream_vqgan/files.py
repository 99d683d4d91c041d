"""Where the two files of a checkpoint are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fusedream_sdk.errors import WeightsError
from fusedream_sdk.runtime.paths import user_path

CONFIGS = ("config.yaml", "model.yaml", "configs/model.yaml")  # in order of preference; the last as taming publishes it
WEIGHTS = ("model.safetensors", "model.ckpt", "last.ckpt", "checkpoints/model.safetensors", "checkpoints/last.ckpt")
EXPECTED = f"{CONFIGS[0]} and {', '.join(WEIGHTS[:2])} or {WEIGHTS[2]}"


@dataclass(frozen=True)
class Files:
    """The YAML and the weights."""

    config: Path
    weights: Path


def locate(weights: str | Path, config: str | Path | None = None) -> Files:
    """Find the files of a folder, or those that were named.

    Raises:
        WeightsError: a file that is not there.
    """
    where = user_path("weights", weights)
    if os.path.isdir(where):  # unlike pathlib's, never raises
        candidates, found = CONFIGS, first(where, WEIGHTS)
    else:
        where, found = where.parent, where if os.path.isfile(where) else None
        candidates = (f"{Path(weights).stem}.yaml", *CONFIGS[:2])
    chosen = first(where, candidates) if config is None else user_path("config", config)
    if found is None and not os.path.isdir(user_path("weights", weights)):
        raise WeightsError(f"weights: expected a folder, a .ckpt or a .safetensors file; there is no {str(weights)!r}.")
    if found is None or chosen is None:
        there = ", ".join(sorted(path.name for path in where.iterdir())[:5]) or "nothing"
        fix = "Name the YAML file as config=." if found else ""
        raise WeightsError(f"weights: expected {EXPECTED} in the folder {str(where)!r}; it holds {there}. {fix}".rstrip())
    if not os.path.isfile(chosen):
        raise WeightsError(f"config: expected a YAML file; there is no {str(chosen)!r}.")
    return Files(chosen, found)


def first(folder: Path, names: tuple[str, ...]) -> Path | None:
    """The first of these names that is a file in a folder."""
    return next((folder / name for name in names if (folder / name).is_file()), None)
