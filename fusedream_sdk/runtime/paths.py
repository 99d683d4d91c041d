"""What users give as paths: checked before anything is read, written or computed."""

from __future__ import annotations

import os
import shlex
import stat
import tempfile
from pathlib import Path

from fusedream_sdk.errors import InvalidInput, OutputError, shown

LONGEST_NAME = 255  # bytes, on every usual file system


def user_path(argument: str, path: object) -> Path:
    """What a user wrote, as a path; `~` is the home folder.

    Raises:
        InvalidInput: nothing at all, no path, or one that no system can have.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidInput(argument, expected="a path", got=f"a {type(path).__name__}")
    written = os.fspath(path)
    if not isinstance(written, str):
        raise InvalidInput(argument, expected="a path that is text", got=f"a {type(written).__name__}")
    if not written:
        raise InvalidInput(argument, expected="a path", got="an empty text")
    if "\0" in written or any("\ud800" <= letter <= "\udfff" for letter in written):
        raise InvalidInput(argument, expected="a path without NUL and of whole letters", got=ascii(written))
    try:
        return Path(written).expanduser()
    except RuntimeError as error:
        fix = "Write ./~ for a file that begins with a tilde."
        raise InvalidInput(argument, expected="a path whose ~ is a home folder", got=written, fix=fix) from error


def readable_file(argument: str, path: object, expected: str = "an existing file", otherwise: str = "a readable file") -> Path:
    """A file that can be read to its end: neither a folder, nor a pipe or device, on which reading would wait for ever.

    Args:
        argument: what an error calls it.
        path: as the user wrote it.
        expected: what an error asks for where nothing is; `otherwise`: where something else is.

    Raises:
        InvalidInput: it is none, or is not there.
    """
    found = user_path(argument, path)
    try:
        kind = os.stat(found).st_mode
    except OSError as error:  # not there, a parent that is a file, links that go in circles, too long a name
        known = isinstance(error, (FileNotFoundError, NotADirectoryError))
        got = shown(str(found), 300) + ("" if known else f" ({error.strerror})")
        raise InvalidInput(argument, expected=expected, got=got) from error
    if not stat.S_ISREG(kind):
        what = "folder" if stat.S_ISDIR(kind) else "pipe or device"
        raise InvalidInput(argument, expected=otherwise, got=f"the {what} {found}")
    return found


def check_writable(path: str | Path, *, overwrite: bool = True, argument: str = "out") -> None:
    """Say early what would stop a write to `path`, before a long computation.

    Args:
        path: of the file.
        overwrite: whether an existing one may be replaced; a link is replaced, not what it leads to.
        argument: what an error calls it.

    Raises:
        OutputError: it cannot be written. InvalidInput: it is no path.
    """
    path = user_path(argument, path)
    _check_length(argument, path)
    if path.suffix == "" and path.name.startswith(".") and path.name.lower() in (".png", ".gif", ".mp4", ".safetensors"):
        raise OutputError(f"{argument}: expected a file name before the suffix, got {path}. Write picture{path.name}, say.")
    if os.path.isdir(path):
        raise OutputError(f"{argument}: expected a file to write, got the folder {path}. Add a file name to it.")
    _check_folder(argument, path.parent)
    if not os.path.lexists(path):  # unlike pathlib's, never raises
        return
    if not overwrite:
        fix = "Choose another name, or allow overwriting: --overwrite, or overwrite=True."
        raise OutputError(f"{argument}: expected a new file, but {path} exists. {fix}")
    if os.path.exists(path) and not os.path.isfile(path):
        raise OutputError(f"{argument}: expected a file to write, got the pipe or device {path}. Choose another name.")


def check_folder(path: str | Path, argument: str = "out") -> None:
    """A folder that is there and can be written into, or that can be made. Raises OutputError, or InvalidInput for no path."""
    path = user_path(argument, path)
    if os.path.lexists(path) and not os.path.isdir(path):
        raise OutputError(f"{argument}: expected a folder, got the file {path}.")
    check_writable(path / "x" if os.path.isdir(path) else path, argument=argument)


def _check_length(argument: str, path: Path) -> None:
    for part in path.parts:
        if len(os.fsencode(part)) > LONGEST_NAME:
            raise OutputError(
                f"{argument}: expected a file name of at most {LONGEST_NAME} bytes, got {part[:40]}... Shorten it."
            )
    try:
        os.lstat(path)
    except OSError as error:
        if not isinstance(error, (FileNotFoundError, NotADirectoryError)):  # all in all too long, links in circles, locked
            raise OutputError(
                f"{argument}: expected a path that can be written, got {shown(str(path), 80)} ({error.strerror})."
            ) from error


def _check_folder(argument: str, folder: Path) -> None:
    """A folder that a file can be put into: tried with one that has no name, as permissions do not say it all."""
    if not os.path.isdir(folder):
        there = next(path for path in (folder, *folder.parents) if os.path.lexists(path) or path == path.parent)
        if not os.path.isdir(there):
            raise OutputError(f"{argument}: expected a folder, got the file {there}. Choose another place.")
        fix = f"Make it first: mkdir -p {shlex.quote(str(folder))}"
        raise OutputError(f"{argument}: expected an existing folder, got {folder}. {fix}")
    if not os.access(folder, os.W_OK):
        fix = "Choose another, or change its permissions."
        raise OutputError(f"{argument}: expected a writable folder, got {folder}. {fix}")
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:  # /proc, for one, says that it can be written
        fix = f"Choose another ({error.strerror})."
        raise OutputError(f"{argument}: expected a writable folder, got {folder}. {fix}") from error
