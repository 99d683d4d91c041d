"""Rows in chunks that fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.runtime.chunks import run_chunks


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
