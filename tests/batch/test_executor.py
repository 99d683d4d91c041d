"""Rows drawn in this process, and what comes of those that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from fusedream_sdk.batch.executor import Here, attempt, sentence_of, threads_held
from fusedream_sdk.batch.plan import Job
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.result import Result
from tests.batch.toys import FAULTY, ToyLoad, alone, found, jobs, numbers, painted


def test_rows_come_in_their_order_one_by_one():
    outcomes = Here(painted).run([tuple(jobs("a", "b")), *alone("c")[:1]])
    first = next(outcomes)
    assert (first.number, first.made is not None and first.made.prompts) == (0, ("a",))
    assert numbers(outcomes) == [1, 0]


def test_of_a_unit_that_fails_each_row_is_tried_alone(load: ToyLoad):
    outcomes = attempt(load.draw, tuple(jobs("a", FAULTY, "c")))
    assert [(outcome.number, outcome.why) for outcome in outcomes] == [(0, ""), (1, "ZeroDivisionError: no picture"), (2, "")]
    assert [outcome.made is None for outcome in outcomes] == [False, True, False]


def test_a_row_that_ctrl_c_met_is_none():
    def stopped(some: Sequence[Job]) -> Result:
        return replace(painted(some), status=(Status.CANCELLED,))

    with pytest.raises(KeyboardInterrupt):
        found(Here(stopped), alone("a"))


def test_nothing_is_drawn_that_nobody_listens_for(load: ToyLoad):
    outcomes = Here(load.draw).run(alone("a", "b", "c"))
    next(outcomes)
    outcomes.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert load.begun(1) == []


def test_errors_of_ours_are_told_as_they_are():
    assert sentence_of(InvalidInput("a", expected="b", got="c")) == "a: expected b, got c."
    assert sentence_of(ValueError("x")) == "ValueError: x"


def test_threads_are_held_for_a_while():
    before = torch.get_num_threads()
    with threads_held(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
