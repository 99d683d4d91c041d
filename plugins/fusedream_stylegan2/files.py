"""Where the file of a checkpoint is."""

from __future__ import annotations

import os
from pathlib import Path

from fusedream_sdk.errors import WeightsError
from fusedream_sdk.runtime.paths import user_path

FORMATS = (".safetensors", ".pt", ".pth", ".pkl")  # in order of preference; the last is named, and refused, when it is read


def locate(weights: str | Path) -> Path:
    """A file that was named, or the one of a folder.

    Raises:
        WeightsError: there is none, or the folder has several.
    """
    where = user_path("weights", weights)
    if os.path.isfile(where):  # unlike pathlib's, never raises
        return where
    if not os.path.isdir(where):
        raise WeightsError(f"weights: expected a file or a folder; there is no {str(weights)!r}.")
    there = sorted(path for path in where.iterdir() if path.is_file())
    of_each = ([path for path in there if path.suffix == suffix] for suffix in FORMATS)
    found = next(filter(None, of_each), [])
    if len(found) == 1:
        return found[0]
    expected = f"one {', '.join(FORMATS[:-2])} or {FORMATS[-2]} file"
    names = ", ".join(path.name for path in found[:5] or there[:5]) or "nothing"
    fix = " Name one of them." if found else ""
    raise WeightsError(f"weights: expected {expected} in the folder {str(where)!r}; it holds {names}.{fix}")
