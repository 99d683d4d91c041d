"""Whether what is asked for can fit this machine at all: a refusal before the work in place of a crash in its midst."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from fusedream_sdk.errors import FuseDreamError, InvalidInput, OutputError

GIGABYTE = 1e9
FULL = ("out of memory", "allocate memory", "STATUS_ALLOC_FAILED")  # CUDA and MPS; torch on a CPU; cuBLAS and cuDNN


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory ran out. By name and message, so that torch need not be imported."""
    if isinstance(error, FuseDreamError):  # it is told already
        return False
    named = any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__)
    told = isinstance(error, RuntimeError) and any(words in str(error) for words in FULL)
    return isinstance(error, MemoryError) or named or told


def total_memory() -> int | None:
    """Bytes of this machine's memory, free or not; None where the system does not say."""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def free_disk(folder: Path) -> int:
    """Bytes that can still be written into a folder."""
    return shutil.disk_usage(folder).free


def check_memory(argument: str, needed: float, what: str, fix: str) -> None:
    """So many bytes can be had at once.

    Args:
        argument: what an error calls it.
        needed: bytes, at the very least.
        what: they are for.
        fix: what to do where they cannot.

    Raises:
        InvalidInput: the whole memory of this machine is smaller.
    """
    total = total_memory()
    if total is not None and needed > total:
        expected = f"what fits the {gigabytes(total)} of this machine's memory"
        raise InvalidInput(argument, expected=expected, got=f"{what}, about {gigabytes(needed)}", fix=fix)


def check_disk(argument: str, folder: Path, needed: float, fix: str) -> None:
    """So many bytes can be written into a folder. Raises OutputError otherwise."""
    free = free_disk(folder)
    if needed > free:
        has = f"{folder} has {gigabytes(free)}"
        raise OutputError(f"{argument}: expected room for about {gigabytes(needed)}, but {has} free. {fix}")


def gigabytes(count: float) -> str:
    """A number of bytes, for a person."""
    size = count / GIGABYTE
    return f"{size:,.0f} GB" if size >= 10 else f"{size:.2g} GB"
