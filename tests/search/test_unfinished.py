"""What a build that was ended leaves, and how two builds of one bank keep out of each other's way."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.errors import OutputError, WeightsError
from fusedream_sdk.search import unfinished
from fusedream_sdk.search.bank import BLOCK, BankRecipe
from fusedream_sdk.search.unfinished import Unfinished, is_being_built, lock_path, so_far, sweep_banks, turn

RECIPE = BankRecipe("g", "s", size=200)
ROWS = torch.randn(200, 5, generator=torch.Generator().manual_seed(0)).half()


def fill(path: Path, *, last: int = 4, models: str = "a pair") -> int:
    """Append blocks up to this one; how many were there before."""
    with Unfinished(path, RECIPE, models) as parts:
        begun = parts.blocks
        for block in range(begun, last):
            parts.append(ROWS[block * BLOCK : (block + 1) * BLOCK])
    return begun


@given(st.lists(st.integers(0, 4), min_size=1, max_size=5))
def test_blocks_are_taken_up_wherever_a_build_ended(tmp_path_factory: pytest.TempPathFactory, ends: list[int]):
    path = tmp_path_factory.mktemp("bank") / "b.unfinished"
    most = 0
    for last in ends:
        assert fill(path, last=last) == most
        most = max(most, last)
    with Unfinished(path, RECIPE) as parts:
        assert (parts.blocks, parts.width) == (most, 5 if most else 0)
        found = list(parts.rows())
    assert torch.equal(torch.cat([ROWS[:0], *found]), ROWS[: most * BLOCK])


def test_it_says_how_far_it_is_and_of_which_models(tmp_path: Path):
    path = tmp_path / "b.unfinished"
    assert so_far(path) is None
    path.write_text("junk")
    assert so_far(path) is None
    fill(path, last=3)
    assert so_far(path) == (192, 200, "a pair")
    fill(path)
    assert so_far(path) == (200, 200, "a pair")


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{}", b"[" * 9999, b'{"fingerprint": 3, "size": 2, "width": 1}\n', b'{"size": -1, "width": "a"}\n']
)
def test_a_first_line_that_is_not_ours_is_none(tmp_path: Path, line: bytes):
    path = tmp_path / "b.unfinished"
    path.write_bytes(line)
    assert so_far(path) is None
    assert fill(path) == 0


def test_a_block_that_is_damaged_while_it_is_built_is_told(tmp_path: Path):
    path = tmp_path / "b.unfinished"
    with Unfinished(path, RECIPE) as parts:
        parts.append(ROWS[:BLOCK])
        parts.append(ROWS[BLOCK : 2 * BLOCK])
        content = bytearray(path.read_bytes())
        content[-10] ^= 1
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=r"block 1 is damaged\. Build it again; it goes on before that"):
            list(parts.rows())
    assert fill(path) == 1


def test_a_disk_that_is_full_is_told_and_what_was_done_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "b.unfinished"
    fill(path, last=2)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unfinished, "KEPT_EVERY", 1)
    with monkeypatch.context() as patched, Unfinished(path, RECIPE) as parts:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match=r"bank: .* could not be written \(No space left.* it goes on where it ended"):
            parts.append(ROWS[2 * BLOCK : 3 * BLOCK])
    assert fill(path) >= 2


def test_the_disk_is_waited_for_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls: list[int] = []
    monkeypatch.setattr(os, "fsync", calls.append)
    monkeypatch.setattr(unfinished, "KEPT_EVERY", 2)
    fill(tmp_path / "b.unfinished")
    assert len(calls) == 2


def test_blocks_are_swept_once_their_bank_is_there_and_not_where_it_is_to_be_replaced(tmp_path: Path):
    names = ("done.unfinished", "done.safetensors", "begun.unfinished", "old.safetensors", "old.unfinished")
    for time_of, name in enumerate(names):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time_of, time_of))
    sweep_banks(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(names[1:])


HOLDING = """
import sys
from pathlib import Path
from fusedream_sdk.search.unfinished import turn

with turn(Path(sys.argv[1]), 200, lambda done, total: None):
    print("in", flush=True)
    sys.stdin.read()
"""


def holder(path: Path, env: dict[str, str]) -> tuple[subprocess.Popen[str], IO[str]]:
    """A process that builds a bank until its input ends."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", HOLDING, str(path)], env=env, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    process.stdout.close()
    assert process.stdin is not None
    return process, process.stdin


@pytest.mark.parametrize("end", ["well", "killed"])
def test_a_second_builder_waits_and_is_told_how_far_the_first_is(
    tmp_path: Path, child_env: dict[str, str], monkeypatch: pytest.MonkeyPatch, end: str
):
    monkeypatch.setattr(unfinished, "POLL", 0.05)
    path = tmp_path / "b.safetensors"
    fill(path.with_suffix(".unfinished"), last=2)
    process, stdin = holder(path, child_env)
    assert is_being_built(path)
    seen: list[tuple[int, int]] = []

    def waiting(done: int, total: int) -> None:
        seen.append((done, total))
        if len(seen) == 3:
            process.kill() if end == "killed" else stdin.close()

    with turn(path, 200, waiting):
        assert set(seen) == {(128, 200)}
        assert len(seen) >= 3
    process.wait()
    stdin.close()
    assert not is_being_built(path)
    with turn(path, 200, waiting):
        pass


def test_two_threads_take_turns_and_other_banks_are_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unfinished, "POLL", 0.01)
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        with turn(tmp_path / "b.safetensors", 200, lambda done, total: None):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.05)
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    with turn(tmp_path / "other.safetensors", 200, lambda done, total: pytest.fail("nobody builds it")):
        pass
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


def test_locks_lie_in_a_folder_of_the_cache(own_cache: Path):
    assert lock_path(RECIPE.path) == own_cache / "locks" / f"{RECIPE.path.stem}.lock"
