"""First come, first served."""

from __future__ import annotations

import pytest

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.web.turns import Turns


def test_those_who_came_first_work_and_the_others_move_up():
    turns = Turns(at_once=2, waiting=2)
    first, second, third, fourth = (turns.join() for _ in range(4))
    assert [turns.before(ticket) for ticket in (first, second, third, fourth)] == [0, 0, 1, 2]
    turns.leave(first)
    turns.wait(0.01)
    assert [turns.before(ticket) for ticket in (second, third, fourth)] == [0, 0, 1]


def test_nobody_joins_a_line_that_is_full():
    turns = Turns(at_once=1, waiting=0)
    ticket = turns.join()
    with pytest.raises(InvalidInput, match="queue: expected at most 0 visitors waiting"):
        turns.join()
    turns.leave(ticket)
    turns.join()
