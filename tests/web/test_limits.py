"""How much one visitor may ask for."""

from __future__ import annotations

import pytest

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.web.limits import Limits

OURS, SMALL = load_method("fusedream"), Settings(steps=20, views=8)


def test_more_than_the_page_takes_is_refused_with_the_limit():
    limits = Limits(steps=30, pictures=4, views=100)
    with pytest.raises(InvalidInput, match="steps: expected an integer of at least 1 and at most 30, got 31"):
        limits.changes(OURS, SMALL, {"steps": 31})
    with pytest.raises(InvalidInput, match="seeds: expected at most 4 pictures at a time on this page, got 5"):
        limits.check_pictures(5)
    with pytest.raises(InvalidInput, match="views: expected at most 100 views of a picture in a step, got 101"):
        limits.changes(OURS, SMALL, {"views": 101})


def test_the_members_of_a_population_count():
    with pytest.raises(InvalidInput, match="at most 100 views of a picture in a step, got 8000"):
        Limits(views=100).changes(load_method("random-search?population=1000"), SMALL, {})


def test_a_recommendation_beyond_the_page_is_cut_and_one_within_is_left():
    assert Limits(steps=10).changes(OURS, SMALL, {}) == {"steps": 10}
    assert Limits(steps=20).changes(OURS, SMALL, {"lr": 0.1}) == {"lr": 0.1}


def test_a_fraction_of_a_step_is_refused():
    with pytest.raises(InvalidInput, match=r"steps: expected an integer .*, got 2\.5"):
        Limits().check_steps(2.5)


def test_the_page_says_them():
    assert str(Limits(steps=7, upload_mb=3)).startswith("At most 7 steps and 8 pictures at a time, files of 3 MB;")
    assert "nobody waits" in str(Limits(queue=0))


def test_limits_that_let_nobody_in_are_refused():
    with pytest.raises(InvalidInput, match="at_once: expected an integer of at least 1, got 0"):
        Limits(at_once=0)
