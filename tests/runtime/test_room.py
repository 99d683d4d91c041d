"""Whether what is asked for can fit this machine at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fusedream_sdk.errors import InvalidInput, NotEnoughMemory, OutputError, PluginFault
from fusedream_sdk.runtime import room


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "total_memory", lambda: 16_000_000_000)
    monkeypatch.setattr(room, "free_disk", lambda folder: 3_000_000_000)


def test_what_fits_the_memory_is_taken_and_what_never_can_is_refused_with_the_estimate():
    room.check_memory("seeds", 15e9, "15 pictures", "Ask for fewer.")
    with pytest.raises(InvalidInput) as caught:
        room.check_memory("seeds", 17e12, "many pictures", "Ask for fewer.")
    message = "seeds: expected what fits the 16 GB of this machine's memory, got many pictures, about 17,000 GB. Ask for fewer."
    assert str(caught.value) == message


def test_where_the_system_does_not_say_nothing_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "total_memory", lambda: None)
    room.check_memory("seeds", 17e30, "many pictures", "")


def test_what_the_disk_cannot_hold_is_refused(tmp_path: Path):
    room.check_disk("bank", tmp_path, 2e9, "")
    with pytest.raises(OutputError) as caught:
        room.check_disk("bank", tmp_path, 4e9, "Ask for a smaller bank.")
    message = f"bank: expected room for about 4 GB, but {tmp_path} has 3 GB free. Ask for a smaller bank."
    assert str(caught.value) == message


def test_this_machine_has_memory_and_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    assert (room.total_memory() or 1e9) > 1e8
    assert room.free_disk(tmp_path) > 0
    assert [room.gigabytes(x) for x in (5e8, 2.5e9, 4e12)] == ["0.5 GB", "2.5 GB", "4,000 GB"]


@pytest.mark.parametrize(
    ("error", "out"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: 99999999999 bytes."
            ),
            True,
        ),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9.06 GB)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"), False),
        (ValueError("out of memory"), False),
        (NotEnoughMemory("memory: told already."), False),
        (PluginFault("the plugin toy raised RuntimeError: out of memory"), False),
        (KeyboardInterrupt(), False),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, BaseException) else "",
)
def test_an_error_that_says_that_the_memory_ran_out_is_told_from_others(error: BaseException, out: bool):
    assert room.out_of_memory(error) is out
