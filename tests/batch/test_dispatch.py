"""Rows handed out to workers that may die, with a crew that dies as it is told."""

from __future__ import annotations

from collections import Counter

import pytest

from fusedream_sdk.batch.dispatch import Death, Dispatch, Reply
from fusedream_sdk.batch.executor import Drawn
from fusedream_sdk.batch.plan import Unit
from fusedream_sdk.errors import WeightsError, WorkerLost
from tests.batch.toys import alone, found, jobs, painted, same


class Script:
    """A crew: workers are numbers. A row kills its worker so often, or every worker dies while it loads."""

    def __init__(self, kills: dict[int, int] | None = None, *, load: Reply | None = None) -> None:
        self.kills, self.loads = Counter(kills or {}), load
        self.hired, self.closed = 0, False
        self.given: list[tuple[int, Unit]] = []
        self._replies: list[tuple[int, Reply]] = []

    def hire(self) -> int:
        self.hired += 1
        self._replies.append((self.hired, [] if self.loads is None else self.loads))
        return self.hired

    def give(self, hand: int, unit: Unit) -> None:
        self.given.append((hand, unit))
        deadly = [job.number for job in unit if self.kills[job.number] > 0]
        self.kills.subtract(deadly)
        made = [] if deadly else painted(unit).split()
        drawn: Reply = [Drawn(job.number, one) for job, one in zip(unit, made, strict=bool(made))]
        self._replies.append((hand, Death("by signal 9") if deadly else drawn))

    def wait(self) -> list[tuple[int, Reply]]:
        said, self._replies = self._replies[:1], self._replies[1:]
        return said

    def close(self) -> None:
        self.closed = True


def test_every_row_is_drawn_and_the_crew_goes_home():
    crew, units = Script(), alone("a", "b", "c", "d", "e")
    assert same(found(Dispatch(crew, 2), units), units)
    assert {hand for hand, _ in crew.given} == {1, 2}
    assert (crew.hired, crew.closed) == (2, True)


def test_no_more_workers_are_hired_than_there_is_work():
    crew = Script()
    found(Dispatch(crew, 8), alone("a", "b"))
    assert crew.hired == 2


@pytest.mark.parametrize("deaths", [1, 2])
def test_what_a_dead_worker_had_is_done_again(deaths: int):
    crew, units = Script({1: deaths}), alone("a", "b", "c", "d")
    assert same(found(Dispatch(crew, 2), units), units)
    assert [unit[0].number for _, unit in crew.given].count(1) == deaths + 1
    assert crew.hired > 2


def test_a_row_that_kills_three_workers_is_given_up_and_the_others_go_on():
    crew, units = Script({1: 99}), alone("a", "b", "c", "d")
    outcomes = found(Dispatch(crew, 2), units)
    assert (outcomes[1].made, outcomes[1].why) == (None, "its worker died 3 times")
    assert [number for number, outcome in sorted(outcomes.items()) if outcome.made] == [0, 2, 3]
    assert [unit[0].number for _, unit in crew.given].count(1) == 3


def test_of_a_unit_that_kills_only_the_row_is_given_up_that_did_it():
    crew = Script({1: 99})
    outcomes = found(Dispatch(crew, 1), [tuple(jobs("a", "b", "c"))])
    assert [outcomes[number].why for number in range(3)] == ["", "its worker died 3 times", ""]


def test_workers_that_die_while_they_load_are_told():
    crew = Script(load=Death("by signal 9"))
    with pytest.raises(WorkerLost, match=r"3 died one after the other while they loaded models .by signal 9"):
        found(Dispatch(crew, 2), alone("a", "b", "c"))
    assert crew.closed


def test_an_error_of_loading_is_raised_at_once():
    crew = Script(load=WeightsError("no weights"))
    with pytest.raises(WeightsError, match="no weights"):
        found(Dispatch(crew, 2), alone("a", "b", "c"))
    assert (len(crew.given), crew.closed) == (0, True)


def test_who_stops_listening_ends_the_work():
    crew = Script()
    outcomes = Dispatch(crew, 1).run(alone("a", "b", "c"))
    next(outcomes)
    outcomes.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert crew.closed
    assert len(crew.given) == 2  # the one that came, and the next, which had been handed out before


def test_no_work_needs_no_workers():
    crew = Script()
    assert found(Dispatch(crew, 2), []) == {}
    assert crew.hired == 0
