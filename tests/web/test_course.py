"""What there is to see of a run."""

from __future__ import annotations

import threading

import pytest

from fusedream_sdk.web import course as room
from fusedream_sdk.web.course import DISTANCE, HELD_OUT, POINTS, SEEN, Viewing
from tests.conftest import toy_dream


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "EVERY", -1.0)


def watched(course: Viewing, seeds: int = 1, steps: int = 6) -> Viewing:
    toy_dream().generate("red", seeds=range(seeds), progress=False, watch=course, steps=steps)
    return course


@pytest.mark.usefixtures("at_once")
def test_every_picture_so_far_is_shown_and_the_score_of_both_kinds_of_views(never: threading.Event):
    glimpse = watched(Viewing(never, 2), seeds=2).glimpse()
    assert glimpse is not None
    assert glimpse.picture.size == (16 + 2 + 16, 16)
    assert glimpse.said == "picture 2 of 2, step 6"
    assert [step for step, _, views in glimpse.curve if views == SEEN] == list(range(7))
    best = [score for _, score, views in glimpse.curve if views == HELD_OUT]
    assert best == sorted(best)


@pytest.mark.usefixtures("at_once")
def test_a_long_curve_is_thinned_and_keeps_its_ends(never: threading.Event):
    glimpse = watched(Viewing(never, 1), steps=3 * POINTS).glimpse()
    assert glimpse is not None
    steps = [step for step, _, views in glimpse.curve if views == SEEN]
    assert len(steps) <= POINTS + 1
    assert (steps[0], steps[-1]) == (0, 3 * POINTS)


def test_before_the_first_step_there_is_nothing(never: threading.Event):
    assert Viewing(never, 1).glimpse() is None


def test_a_run_ends_at_the_step_after_it_was_stopped(never: threading.Event):
    course = Viewing(never, 1)
    never.set()
    result = toy_dream().generate("red", progress=False, watch=course)
    assert (result.status, len(result.history["augclip"])) == (("cancelled",), 1)
    with pytest.raises(KeyboardInterrupt):
        course.advance(1, 2)


@pytest.mark.usefixtures("at_once")
def test_a_distance_is_shown_as_it_is(never: threading.Event):
    course = Viewing(never, 1, nearness=True)
    dream = toy_dream(perceptual=lambda a, b: (a - b).square().mean(dim=(1, 2, 3)))
    dream.invert(dream.generate("red", progress=False).pil[0], progress=False, watch=course, steps=3)
    glimpse = course.glimpse()
    assert glimpse is not None
    assert {views for _, _, views in glimpse.curve} == {DISTANCE}
    assert min(score for _, score, _ in glimpse.curve) >= 0
