"""Workers that are processes, and real kills."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time

import pytest

from fusedream_sdk.batch.dispatch import Dispatch
from fusedream_sdk.batch.processes import Processes, as_sent
from fusedream_sdk.errors import InvalidInput, PluginFault, WorkerLost
from tests.batch.toys import DEADLY, FAULTY, SLOW, BadLoad, ToyLoad, alone, found, same


def dead(process: int) -> bool:
    for _ in range(500):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_two_processes_draw_and_one_killed_from_outside_is_made_up_for(load: ToyLoad):
    units = alone("a", "b", SLOW, "d", "e", "f")
    killer = load.kill_at(2)
    outcomes = found(Dispatch(Processes(load, 1), 2), units)
    killer.join()
    assert same(outcomes, units)
    assert len(load.begun(2)) == 2  # by the one that was killed, and by another
    assert not multiprocessing.active_children()


def test_a_row_that_kills_is_left_out_and_one_that_fails_is_told(load: ToyLoad):
    outcomes = found(Dispatch(Processes(load, 1), 2), alone("a", DEADLY, FAULTY, "d"))
    assert {number: outcome.why for number, outcome in outcomes.items()} == {
        0: "",
        1: "its worker died 3 times",
        2: "ZeroDivisionError: no picture",
        3: "",
    }
    assert len(set(load.begun(1))) == 3


def test_processes_that_cannot_load_are_told(load: ToyLoad):
    with pytest.raises(FileNotFoundError, match="no weights"):
        found(Dispatch(Processes(BadLoad(), 1), 1), alone("a"))
    with pytest.raises(WorkerLost, match=r"by signal 9\)\. Is there memory"):
        found(Dispatch(Processes(BadLoad(dies=True), 1), 1), alone("a"))


def test_ctrl_c_is_left_to_the_parent_and_closing_ends_a_process_in_the_midst_of_a_row(load: ToyLoad):
    outcomes = Dispatch(Processes(load, 1), 1).run(alone("a", SLOW))
    assert next(outcomes).number == 0
    while not load.begun(1):
        time.sleep(0.01)
    (process,) = load.begun(1)
    os.kill(process, signal.SIGINT)
    time.sleep(0.1)
    assert len(multiprocessing.active_children()) == 1
    outcomes.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert dead(process)


def test_a_unit_for_a_process_that_is_dead_is_no_error(load: ToyLoad):
    crew = Processes(load, 1)
    hand = crew.hire()
    assert crew.wait() == [(hand, [])]
    os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
    time.sleep(0.2)
    crew.give(hand, alone("a")[0])
    ((who, reply),) = crew.wait()
    assert (who, str(reply)) == (hand, "Death(how='by signal 9')")
    crew.close()


def test_errors_arrive_whole_and_those_that_cannot_travel_as_words():
    class Stuck(Exception):
        pass

    error = pickle.loads(as_sent(InvalidInput("a", expected="b", got="c")))
    assert str(error) == "a: expected b, got c."
    assert isinstance(error, InvalidInput)
    told = pickle.loads(as_sent(Stuck("here")))
    assert (type(told), str(told)) == (PluginFault, "Stuck: here")
