"""The rows behind a claim's table, with their pictures, in one file: another machine goes on with them, or judges them again.

The same rows make the same bytes, so that a file is rewritten only where a row is another.
"""

from __future__ import annotations

import zipfile
import zlib
from contextlib import suppress
from pathlib import Path, PurePosixPath

from fusedream_sdk.errors import FuseDreamError, InvalidInput
from fusedream_sdk.runtime.files import atomic_folder, atomic_path
from tests.benchmarks.claims.figures import PAINTER

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that an archive can have


def beside(page: Path, number: int) -> Path:
    """Where the archive of a claim is: in a folder beside the page that shows its table."""
    return page.parent / "rows" / f"claim-{number}.zip"


def pack(folder: Path, archive: Path) -> Path:
    """Write what a command measured into an archive: all of its folder but table, plot and what can be painted again."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(archive) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and _measured(path.relative_to(folder)):
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
                packed.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return archive


def unpack(archive: Path, folder: Path) -> None:
    """Begin a folder with the rows of an archive.

    Raises:
        InvalidInput: the folder is there and not empty, or the archive is none, is damaged, or has files for elsewhere.
    """
    if folder.exists() and any(folder.iterdir()):
        fix = "Give another --out, or go on with it by --resume alone."
        raise InvalidInput(
            "out", expected="a new folder for the rows of an archive", got=f"{folder}, which is not empty", fix=fix
        )
    try:
        with zipfile.ZipFile(archive) as packed:
            strange = [name for name in packed.namelist() if not _inside(name)]
            if strange:
                raise zipfile.BadZipFile(f"its entry {strange[0]}")
            folder.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                folder.rmdir()  # it is empty
            with atomic_folder(folder) as temporary:
                packed.extractall(temporary)
    except FuseDreamError:
        raise
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        expected, fix = "an archive of rows, whole", "Give one of docs/rows, such as docs/rows/claim-5.zip."
        raise InvalidInput("rows", expected=expected, got=f"{archive} ({error})", fix=fix) from error


def _measured(path: Path) -> bool:
    """Whether a file of the folder belongs into the archive; names that begin with a dot are half-written."""
    outcome = len(path.parts) == 1 and path.name.startswith("claim-")
    return not (outcome or path.parts[0] == PAINTER or any(part.startswith(".") for part in path.parts))


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
