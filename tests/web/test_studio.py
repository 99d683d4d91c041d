"""Runs for visitors: they wait, go on, are shown, and end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.web.course import Viewing
from fusedream_sdk.web.limits import Limits
from fusedream_sdk.web.studio import Errand, Showing, Shown, Studio, spoken
from fusedream_sdk.web.visitors import Visitor


def waiting(studio: Studio, visitor: Visitor, work: Callable[[Viewing], str]) -> Showing[None]:
    made = yield from studio.show(visitor, lambda stop: Viewing(stop, 1), work)
    yield Shown(made, over=True)


def until_cancelled(course: Viewing) -> str:
    assert course.stop.wait(60)
    return "ended"


def test_what_was_made_is_shown_at_the_end(studio: Studio, visitor: Visitor):
    shown = list(waiting(studio, visitor, lambda course: "made"))
    assert [one.said for one in shown] == ["Loading the models, and searching ...", "made"]
    assert shown[-1].over


def test_a_second_visitor_waits_and_comes_to_turn_when_the_first_is_cancelled(studio: Studio):
    studio = replace(studio, limits=Limits(at_once=1, queue=1))
    first, second = (studio.visitors.visitor(name) for name in "ab")
    one, other = waiting(studio, first, until_cancelled), waiting(studio, second, lambda course: "mine")
    next(one)
    assert next(other).said == "Waiting: 1 before you."
    with pytest.raises(InvalidInput, match="queue: expected at most 1 visitors waiting"):
        next(waiting(studio, studio.visitors.visitor("c"), until_cancelled))
    assert first.cancel()
    assert [shown.said for shown in one] == ["ended"]
    assert [shown.said for shown in other][-1] == "mine"


def test_whoever_cancels_while_waiting_leaves_the_line_and_the_one_at_work_goes_on(studio: Studio):
    first, second = (studio.visitors.visitor(name) for name in "ab")
    one, other = waiting(studio, first, until_cancelled), waiting(studio, second, until_cancelled)
    next(one)
    next(other)
    second.cancel()
    assert [shown.said for shown in spoken(other)] == ["Cancelled before there was anything to keep."]
    assert not second.cancel()
    assert first.cancel()
    assert [shown.said for shown in one] == ["ended"]


def test_a_second_run_of_one_visitor_is_refused_in_a_sentence(studio: Studio, visitor: Visitor):
    one = waiting(studio, visitor, until_cancelled)
    next(one)
    shown = list(spoken(waiting(studio, visitor, until_cancelled)))
    assert shown[0].said.startswith("Run: expected one at a time for each visitor, got a second.")
    assert (shown[0].wrong, shown[0].over) == (True, True)
    one.close()  # as where nobody looks any more: the run ends
    assert not visitor.cancel()


def test_an_error_of_the_work_is_a_sentence_and_gives_the_turn_back(studio: Studio, visitor: Visitor):
    def fails(course: Viewing) -> str:
        raise InvalidInput("prompts", expected="a sentence", got="a sigh")

    for _ in range(2):
        shown = list(spoken(waiting(studio, visitor, fails)))
        assert shown[-1] == Shown("Prompt: expected a sentence, got a sigh.", wrong=True, over=True)


def test_work_is_done_in_a_thread_of_its_own(never: threading.Event):
    errand = Errand(lambda course: threading.current_thread(), Viewing(never, 1))
    while errand.goes_on():
        pass
    assert errand.result() is errand
