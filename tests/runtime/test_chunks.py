"""Rows in chunks that fit."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.errors import InvalidInput, NotEnoughMemory
from fusedream_sdk.runtime.chunks import all_chunks, run_chunks


@given(st.integers(0, 60), st.integers(1, 70))
def test_every_row_comes_once_in_order_and_no_chunk_is_larger_than_the_size(total: int, size: int):
    parts, early = run_chunks(total, size, list)
    assert [row for part in parts for row in part] == list(range(total))
    assert not early
    assert all(len(part) == size for part in parts[:-1])
    assert all(0 < len(part) <= size for part in parts)


@given(st.integers(1, 20), st.integers(1, 5), st.integers(0, 19))
def test_ctrl_c_keeps_the_chunks_that_were_done_and_begins_no_other(total: int, size: int, at: int):
    begun: list[range] = []

    def work(rows: range) -> range:
        begun.append(rows)
        if at in rows:
            raise KeyboardInterrupt
        return rows

    parts, early = run_chunks(total, size, work)
    assert early == (at < total)
    done = [row for part in parts for row in part]
    assert done == (list(range(at // size * size)) if early else list(range(total)))
    assert len(begun) == len(parts) + early


def test_a_part_that_was_stopped_in_its_midst_is_kept_and_is_the_last():
    parts, early = run_chunks(
        9, 2, lambda rows: (rows, "cancelled" if 5 in rows else "done"), stopped=lambda p: "cancelled" in p
    )
    assert early
    assert parts == [(range(2), "done"), (range(2, 4), "done"), (range(4, 6), "cancelled")]


def test_the_last_part_may_be_stopped_too():
    assert run_chunks(3, 3, lambda rows: "half", stopped=lambda part: True) == (["half"], True)


def test_ctrl_c_before_anything_was_done_gives_nothing_and_says_so():
    def work(rows: range) -> None:
        raise KeyboardInterrupt

    assert run_chunks(3, 1, work) == ([], True)


def test_another_error_is_passed_on():
    with pytest.raises(ZeroDivisionError):
        run_chunks(3, 1, lambda rows: 1 / rows.start)


FULL = [
    torch.OutOfMemoryError("CUDA out of memory."),
    MemoryError(),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99999999999 bytes."),
]


def fits(most: int, error: Exception = FULL[0]) -> tuple[Callable[[range], range], list[range]]:
    """Work on at most so many rows, and what was tried."""
    tried: list[range] = []

    def work(rows: range) -> range:
        tried.append(rows)
        if len(rows) > most:
            raise error
        return rows

    return work, tried


@given(st.integers(0, 60), st.integers(1, 70), st.integers(1, 70), st.sampled_from(FULL))
def test_what_does_not_fit_is_done_in_smaller_chunks_every_row_once_and_in_order(total, size, most, error):
    (work, tried), told = fits(most, error), []
    parts, early = run_chunks(total, size, work, done=lambda rows, part: told.append((rows, part)))
    assert not early
    assert [row for part in parts for row in part] == list(range(total))
    assert told == [(part, part) for part in parts]
    assert all(0 < len(part) <= min(size, most) for part in parts)
    sizes = [len(rows) for rows in tried]
    failed = [rows for rows in tried if len(rows) > most]
    assert len(failed) <= max(size, 1).bit_length()  # halves, and never again as many as did not fit
    assert all(later < len(rows) for i, rows in enumerate(tried) if rows in failed for later in sizes[i + 1 :])
    assert all(part.stop <= rows.stop or part.start >= rows.stop for rows in failed for part in parts)  # its rows stay together


def test_the_size_that_worked_is_kept():
    work, tried = fits(2)
    assert run_chunks(9, 5, work)[0] == [range(2), range(2, 3), range(3, 5), range(5, 7), range(7, 9)]
    assert [len(rows) for rows in tried] == [5, 3, 2, 1, 2, 2, 2]


def test_one_row_that_does_not_fit_says_what_to_do():
    work, tried = fits(0)
    fix = re.escape("Ask for fewer views (--views), or a smaller population or picture, or choose another device (--device).")
    with pytest.raises(NotEnoughMemory, match=f"memory: expected room for one row at a time, but it ran out. {fix}") as caught:
        run_chunks(9, 4, work)
    assert [len(rows) for rows in tried] == [4, 2, 1]
    assert caught.value.__cause__ is FULL[0]


def test_what_was_told_of_the_memory_inside_of_a_chunk_is_not_tried_again():
    error = NotEnoughMemory("memory: told already.")
    work, tried = fits(2, error)
    with pytest.raises(NotEnoughMemory, match="told already"):
        run_chunks(9, 4, work)
    assert len(tried) == 1


@pytest.mark.parametrize("error", [RuntimeError("another"), InvalidInput("views", expected="fewer", got=9)])
def test_another_error_of_a_larger_chunk_is_passed_on(error: Exception):
    work, tried = fits(2, error)
    with pytest.raises(type(error)):
        run_chunks(9, 4, work)
    assert len(tried) == 1


@given(st.integers(1, 20), st.integers(1, 9), st.integers(1, 9), st.integers(0, 19))
def test_ctrl_c_among_smaller_chunks_keeps_those_that_were_done(total: int, size: int, most: int, at: int):
    work, _ = fits(most)

    def interrupted(rows: range) -> range:
        done = work(rows)
        if at in rows:
            raise KeyboardInterrupt
        return done

    parts, early = run_chunks(total, size, interrupted)
    done = [row for part in parts for row in part]
    assert early == (at < total)
    assert done == list(range(len(done)))
    assert (len(done) <= at < len(done) + min(size, most)) if early else len(done) == total


def test_between_two_tries_the_cache_of_the_gpu_is_emptied(monkeypatch: pytest.MonkeyPatch):
    emptied: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(1))
    run_chunks(9, 4, fits(1)[0])
    assert len(emptied) == 2


def test_work_of_which_a_part_is_of_no_use_is_whole_or_interrupted():
    def stop(rows: range) -> range:
        if 5 in rows:
            raise KeyboardInterrupt
        return rows

    assert all_chunks(5, 2, stop) == [range(2), range(2, 4), range(4, 5)]
    assert all_chunks(5, 4, fits(2)[0]) == [range(2), range(2, 4), range(4, 5)]
    with pytest.raises(KeyboardInterrupt):
        all_chunks(7, 2, stop)
