"""Writing files so that a reader sees the old content or the new, never half of it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_cache_path

from fusedream_sdk.errors import OutputError

if TYPE_CHECKING:  # looking for a place to write needs no torch
    from torch import Tensor

LONGEST_NAME = 255  # bytes, on every usual file system


@contextmanager
def atomic_path(path: str | Path, *, overwrite: bool = True) -> Iterator[Path]:
    """A temporary path in the same folder, moved to `path` when the block ends well and removed when it does not.

    Raises:
        OutputError: the folder is missing or not writable, `path` is a folder, or it exists and `overwrite` is off.
    """
    path = Path(path).expanduser()
    check_writable(path, overwrite=overwrite)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:40]}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """A temporary folder beside `path`, which gets that name when the block ends well and is removed when it does not.

    Raises:
        OutputError: `path` exists, or the folder that it lies in is missing or not writable.
    """
    path = Path(path).expanduser()
    fix = "Choose another name, or remove it."
    if os.path.lexists(path):  # unlike pathlib's, never raises
        raise OutputError(f"out: expected a new folder, but {path} exists. {fix}")
    check_writable(path)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.stem[:40]}-"))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        try:
            temporary.rename(path)
        except OSError as error:  # somebody was quicker
            raise OutputError(f"out: expected a new folder, but {path} cannot be made ({error.strerror}). {fix}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_writable(path: str | Path, *, overwrite: bool = True) -> None:
    """Say early what would stop a write to `path`, before a long computation. Raises OutputError."""
    path = Path(path).expanduser()
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        raise OutputError(f"out: expected a file name of at most {LONGEST_NAME} bytes, got {path.name[:40]}... Shorten it.")
    if path.is_dir():
        raise OutputError(f"out: expected a file to write, got the folder {path}. Add a file name to it.")
    if not path.parent.is_dir():
        raise OutputError(f"out: expected an existing folder, got {path.parent}. Make it first: mkdir -p {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"out: expected a writable folder, got {path.parent}. Choose another, or change its permissions.")
    if path.exists() and not overwrite:
        fix = "Choose another name, or allow overwriting: --overwrite, or overwrite=True."
        raise OutputError(f"out: expected a new file, but {path} exists. {fix}")


def cache_folder(*parts: str) -> Path:
    """The user's cache folder of the SDK (`FUSEDREAM_CACHE` moves it), made if it is missing.

    Raises:
        OutputError: it cannot be made.
    """
    root = os.environ.get("FUSEDREAM_CACHE")
    folder = (Path(root).expanduser() if root else user_cache_path("fusedream")).joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fix = "Set the environment variable FUSEDREAM_CACHE to a folder that you may write."
        raise OutputError(f"cache: expected a writable folder, got {folder} ({error.strerror}). {fix}") from error
    return folder


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def save_bundle(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors, and what JSON holds about them, as safetensors, whole or not at all."""
    from safetensors.torch import save_file

    with atomic_path(path) as temporary:
        stored = {name: x.detach().cpu().contiguous() for name, x in tensors.items()}
        save_file(stored, temporary, {"about": json.dumps(about)})


def read_bundle(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What `save_bundle` wrote: first what is said about the tensors.

    Raises:
        OSError, SafetensorError, KeyError, TypeError, JSONDecodeError: it is missing, damaged, or another's.
    """
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        about = json.loads((file.metadata() or {})["about"])
        return about, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
