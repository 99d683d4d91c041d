"""Writing files so that a reader sees the old content or the new, never half of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_cache_path

from fusedream_sdk.errors import FuseDreamError, InvalidInput, OutputError
from fusedream_sdk.runtime.paths import check_writable, readable_file, user_path
from fusedream_sdk.runtime.plain import parse_json

if TYPE_CHECKING:  # looking for a place to write needs no torch
    from torch import Tensor


TEMPORARY = "-writing-"  # in the name of every file that is not whole yet


@contextmanager
def atomic_path(path: str | Path, *, overwrite: bool = True, argument: str = "out") -> Iterator[Path]:
    """A temporary path in the same folder, moved to `path` when the block ends well and removed when it does not.

    Raises:
        OutputError: the folder is missing or not writable, `path` is a folder, or it exists and `overwrite` is off; or the
            disk is full, or has gone.
    """
    path, temporary = user_path(argument, path), None
    check_writable(path, overwrite=overwrite, argument=argument)
    try:
        prefix = f".{path.stem[:40]}{TEMPORARY}{os.getpid()}-"
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        if isinstance(error, FuseDreamError):
            raise
        raise unwritten(argument, path, error, "Make room, or choose another place.") from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def unwritten(argument: str, path: Path, error: OSError, rest: str) -> OutputError:
    """The error for a place that turned out not to be writable. `rest`: what became of the content, and what to do."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    return OutputError(f"{argument}: {path} could not be written ({cause.strerror or cause}). {rest}")


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """A temporary folder beside `path`, which gets that name when the block ends well and is removed when it does not.

    Raises:
        OutputError: `path` exists, or the folder that it lies in is missing or not writable.
    """
    path = user_path("out", path)
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


def sweep(folder: Path) -> None:
    """Remove the temporary files that writers left which were killed in the midst."""
    for stray in folder.glob(f".*{TEMPORARY}*"):
        writer = re.search(rf"{TEMPORARY}(\d+)-", stray.name)
        if writer and not _runs(int(writer[1])):
            stray.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Whether there is such a process on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def cache_folder(*parts: str) -> Path:
    """The user's cache folder of the SDK (`FUSEDREAM_CACHE` moves it), made if it is missing.

    Raises:
        OutputError: it cannot be made.
    """
    root = os.environ.get("FUSEDREAM_CACHE")
    fix = "Set the environment variable FUSEDREAM_CACHE to a folder that you may write."
    try:
        folder = (user_path("cache", root) if root else user_cache_path("fusedream")).joinpath(*parts)
    except InvalidInput as error:
        raise OutputError(f"{error} It stands in FUSEDREAM_CACHE.") from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cache: expected a writable folder, got {folder} ({error.strerror}). {fix}") from error
    return folder


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def save_bundle(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors, and what JSON holds about them, as safetensors, whole or not at all."""
    save_tensors(path, tensors, {"about": json.dumps(about)})


def save_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str], *, overwrite: bool = True) -> None:
    """Write tensors and a few words as safetensors, whole or not at all. Raises OSError, OutputError."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    stored = {name: x.detach().cpu().contiguous().clone() for name, x in tensors.items()}
    with atomic_path(path, overwrite=overwrite) as temporary:
        try:
            save_file(stored, temporary, dict(about))
        except SafetensorError as error:  # the writer has words alone for what the system says
            number = re.search(r"os error (\d+)", str(error))
            if number is None:
                raise
            raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error


def read_bundle(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What `save_bundle` wrote: first what is said about the tensors.

    Raises:
        OSError, SafetensorError, KeyError, TypeError, ValueError: it is missing, damaged, or another's.
    """
    from safetensors import safe_open

    with safe_open(str(readable_file("file", path)), framework="pt") as file:
        about = parse_json((file.metadata() or {})["about"])
        return about, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
