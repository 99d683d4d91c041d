"""Pictures on the disk: one file, or a folder of one per row with the tensors beside them."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.imaging.pictures import save_png
from fusedream_sdk.runtime.checks import check_flag
from fusedream_sdk.runtime.files import cache_folder
from fusedream_sdk.runtime.paths import check_folder, check_writable, user_path

OTHER_FORMATS = {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".mp4"}

Writer = Callable[[Path], None]
"""Writes one file, whole or not at all."""


class Pictures(Protocol):
    """What has a picture and a recipe for each row, and further files for a folder."""

    @property
    def pil(self) -> list[Image.Image]:
        """A picture of each row."""
        ...

    def row_json(self, row: int) -> Mapping[str, Any]:
        """What the picture of a row carries."""
        ...

    def stems(self) -> list[str]:
        """Name of each row's picture in a folder."""
        ...

    def beside(self) -> Mapping[str, Writer]:
        """Name of each further file of a folder -> what writes it."""
        ...


def save(pictures: Pictures, path: str | Path, *, overwrite: bool) -> list[Path]:
    """Write pictures as a file that ends in .png, or into a folder with everything else.

    Returns:
        The pictures' paths. Nothing is written if one of them cannot be; errors as for `plan_files`.
    """
    check_flag("overwrite", overwrite)
    path, beside = user_path("out", path), pictures.beside()
    names = plan_files(path, pictures.stems(), beside, overwrite=overwrite)
    if names != [path]:
        path.mkdir(exist_ok=True)
    for row, (target, picture) in enumerate(zip(names, pictures.pil, strict=True)):
        save_png(picture, target, pictures.row_json(row), overwrite=overwrite)
    if names != [path]:
        for name, write in beside.items():
            write(path / name)
    return names


def rescue(pictures: Pictures) -> Path | None:
    """Keep pictures that cannot be written where they were to go, in the user's cache; None where that is full too."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="pictures-", dir=cache_folder("rescued")))
        save(pictures, folder, overwrite=True)
    except OSError:
        return None
    return folder


def plan_files(path: Path, stems: Sequence[str], beside: Sequence[str] | Mapping[str, Any], *, overwrite: bool) -> list[Path]:
    """Where `save` writes the picture of each row; writes nothing itself.

    Args:
        path: a file that ends in .png (only for a single row), or a folder, made if it is missing.
        stems: of the pictures in a folder. beside: names of its further files.
        overwrite: whether existing files may be replaced.

    Raises:
        OutputError: one of them cannot be written. Ask before a long computation, not after it.
        InvalidInput: it is no path, or the suffix is that of another picture format, which could not carry the recipe.
    """
    path = user_path("out", path)
    if path.suffix.lower() in OTHER_FORMATS:
        raise InvalidInput("out", expected="a folder or a file that ends in .png (it carries the recipe)", got=str(path))
    if ".png" in (path.suffix.lower(), path.name.lower()):
        if len(stems) != 1:
            raise OutputError(f"out: expected a folder for {len(stems)} pictures, got the file {path}.")
        check_writable(path, overwrite=overwrite)
        return [path]
    check_folder(path)
    names = [path / f"{stem}.png" for stem in stems]
    if path.is_dir():
        there = {name.casefold() for name in os.listdir(path)}  # few, where a million are planned
        for target in (*names, *(path / name for name in beside)):
            if target.name.casefold() in there:
                check_writable(target, overwrite=overwrite)
    return names


def stems_of(prompts: Sequence[str], seeds: Sequence[int]) -> list[str]:
    """Names that say what a row was asked for."""
    return [f"{i:02d}-{slug(p)}-seed{s}" for i, (p, s) in enumerate(zip(prompts, seeds, strict=True))]


def slug(prompt: str) -> str:
    """A prompt as part of a file name, at most 60 letters and 180 bytes: file systems end at 255."""
    words = re.sub(r"[^\w]+", "-", prompt.lower()).strip("-")[:60]
    return words.encode()[:180].decode(errors="ignore") or "picture"
