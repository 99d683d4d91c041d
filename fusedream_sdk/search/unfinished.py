"""A bank that is being built: a file that only grows, so that a process killed at any moment loses its last block at most."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

import torch
from torch import Tensor

from fusedream_sdk.errors import WeightsError
from fusedream_sdk.runtime.files import cache_folder, sweep, unwritten
from fusedream_sdk.runtime.progress import Advance
from fusedream_sdk.search.bank import BLOCK, HALF, BankRecipe, half_bytes

SUFFIX = ".unfinished"
LONGEST = 4096  # bytes of the first line
CHECK = 4  # bytes behind each block: its CRC-32
KEPT_EVERY = 16  # blocks after which the disk itself is waited for, which a power failure asks for and a kill does not
POLL = 0.5  # seconds between two looks at whether another process is done


class Unfinished:
    """The blocks of one bank, to be appended in order.

    The file is a line of JSON about the bank, and for each block its embeddings in half precision and their checksum. What was
    written before is read and checked once, and never written again. A first block that does not check ends what is taken up.

    Args:
        path: of the file; what it has of another bank is replaced.
        recipe: of the bank.
        models: which they are, in words.

    Attributes:
        blocks: how many are there.
        width: numbers of an embedding; 0 before the first block.

    Raises:
        OutputError: it cannot be written.
    """

    def __init__(self, path: Path, recipe: BankRecipe, models: str = "") -> None:
        self.path, self.recipe, self.models = path, recipe, models
        self.blocks = self.width = self._end = 0
        with suppress(OSError), path.open("rb") as file:
            about = _first_line(file)
            if about.get("fingerprint") == recipe.fingerprint:
                self.width, self._end = about["width"], file.tell()
                while self.blocks * BLOCK < recipe.size and self._read(file, self.blocks) is not None:
                    self.blocks, self._end = self.blocks + 1, file.tell()
        with self._told():
            self._file = path.open("r+b" if self.blocks else "wb", buffering=0)
            self._file.seek(self._end if self.blocks else 0)
            self._file.truncate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def append(self, rows: Tensor) -> None:
        """Add the next block: (BLOCK or, at the end, fewer, D), float16. Raises OutputError: it cannot be written."""
        data, line = half_bytes(rows), b""
        if not self.blocks:
            self.width = rows.shape[1]
            own = {"fingerprint": self.recipe.fingerprint, "size": self.recipe.size, "width": self.width}
            line = json.dumps({**own, "models": self.models[:500]}).encode() + b"\n"
        left = memoryview(line + data + zlib.crc32(data).to_bytes(CHECK, "little"))
        with self._told():
            while left:
                left = left[self._file.write(left) :]
            self.blocks += 1
            if self.blocks % KEPT_EVERY == 0:
                os.fsync(self._file.fileno())

    def rows(self) -> Iterator[Tensor]:
        """Every block, read from the file, (n, D) each. Raises WeightsError: one was damaged since it was written."""
        with self.path.open("rb") as file:
            _first_line(file)
            for block in range(self.blocks):
                data = self._read(file, block)
                if data is None:
                    raise WeightsError(f"bank {self.path}: block {block} is damaged. Build it again; it goes on before that.")
                yield torch.frombuffer(bytearray(data), dtype=torch.float16).view(-1, self.width)

    def _read(self, file: IO[bytes], block: int) -> bytes | None:
        """The next block of a file, if it is whole."""
        length = min(BLOCK, self.recipe.size - block * BLOCK) * self.width * HALF
        data, check = file.read(length), file.read(CHECK)
        return data if len(data) == length and zlib.crc32(data).to_bytes(CHECK, "little") == check else None

    @contextmanager
    def _told(self) -> Iterator[None]:
        """A block whose errors of the disk are told as those of a bank."""
        try:
            yield
        except OSError as error:
            raise unwritten("bank", self.path, error, "Make room, and build it again: it goes on where it ended.") from error


def _first_line(file: IO[bytes]) -> dict[str, Any]:
    """What an unfinished bank says of itself; nothing where it is none."""
    try:
        about = json.loads(file.readline(LONGEST))
        whole = all(isinstance(about[name], int) and about[name] > 0 for name in ("size", "width"))
        return about if whole and isinstance(about["fingerprint"], str) else {}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}


def so_far(path: Path) -> tuple[int, int, str] | None:
    """Latents that an unfinished bank has, those that it is to have, and its models in words; None where there is none."""
    with suppress(OSError), path.open("rb") as file:
        about = _first_line(file)
        if about:
            size, row, held = about["size"], about["width"] * HALF, os.fstat(file.fileno()).st_size - file.tell()
            whole = held >= size * row + -(-size // BLOCK) * CHECK
            return size if whole else held // (BLOCK * row + CHECK) * BLOCK, size, str(about.get("models", ""))
    return None


def sweep_banks(folder: Path) -> None:
    """Remove what killed writers left: files that are not whole, and blocks of banks that were made of them."""
    sweep(folder)
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(FileNotFoundError):  # the last: one that is damaged, or is built anew, is older than its blocks
            if path.with_suffix(".safetensors").stat().st_mtime_ns >= path.stat().st_mtime_ns:
                path.unlink()


@contextmanager
def turn(path: Path, size: int, waiting: Advance) -> Iterator[None]:
    """A block that one process at a time is in for each bank. The lock goes with its process, however that ends.

    Args:
        path: of the bank. size: its latents.
        waiting: called with (latents done, latents in all) of the other process, as long as there is one.
    """
    from filelock import FileLock, Timeout

    lock, wait = FileLock(lock_path(path)), 0.0
    while not lock.is_locked:
        try:
            lock.acquire(timeout=wait, poll_interval=POLL / 5)
        except Timeout:
            found = so_far(path.with_suffix(SUFFIX))
            waiting(found[0] if found else 0, size)
            wait = POLL
    try:
        yield
    finally:
        lock.release()


def lock_path(path: Path) -> Path:
    """What is locked by who builds a bank. It stays: removing a lock that others wait for would give them two."""
    return cache_folder("locks") / f"{path.stem}.lock"


def is_being_built(path: Path) -> bool:
    """Whether a process is at work on a bank now."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(lock_path(path)).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a cache that cannot be written: nobody builds there
        return False
