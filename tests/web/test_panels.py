"""Buttons that begin and end runs, and the choice of models, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fusedream_sdk.web.course import SEEN
from fusedream_sdk.web.panels import as_frame, choice_of
from fusedream_sdk.web.shelf import Choice
from tests.web.browsing import choose, draw, ended, run, titles, write
from tests.web.conftest import opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LONG = "200000"  # steps: whoever does not cancel waits for minutes


def begin_long_run(page: Page, prompt: str) -> None:
    """A run that goes on until it is cancelled, and is seen to go on."""
    page.click("#settings button")
    write(page, "steps", LONG)
    write(page, "draw-prompt", prompt)
    page.click("#draw-go")
    page.locator("#draw-said .said.busy", has_text="Drawing: step").wait_for()
    page.locator("#draw-picture img").wait_for()


def test_a_run_is_shown_while_it_goes_on_and_cancelled_it_keeps_the_best_so_far(page: Page):
    begin_long_run(page, "red")
    page.locator("#draw-plot").wait_for()
    assert page.is_disabled("#draw-go")
    page.click("#draw-cancel")
    assert ended(page, "draw") == "Cancelled: the best so far is kept."
    assert page.is_enabled("#draw-go")
    assert titles(page, 1) == ["1: red, seed 0"]


def test_of_two_visitors_at_once_each_has_an_own_run_and_cancels_that_alone(page: Page, browser: Browser, site: str):
    other = browser.new_context()
    other.set_default_timeout(120_000)
    theirs = opened(other.new_page(), site)
    begin_long_run(page, "red")
    begin_long_run(theirs, "green")
    page.click("#draw-cancel")
    assert ended(page, "draw").startswith("Cancelled")
    assert theirs.locator("#draw-said .said.busy").inner_text().startswith("Drawing: step")
    assert theirs.is_enabled("#draw-cancel")
    theirs.click("#draw-cancel")
    assert ended(theirs, "draw").startswith("Cancelled")
    assert (titles(page, 1), titles(theirs, 1)) == (["1: red, seed 0"], ["1: green, seed 0"])
    other.close()


def test_other_models_are_chosen_by_their_names_and_one_that_fails_is_a_sentence(page: Page):
    page.click("#models-fold button")
    choose(page, "generator", "toy-48")
    assert draw(page, "red").startswith("Drawn: ")
    choose(page, "generator", "faulty")
    said = run(page, "draw", "wrong")
    assert said.startswith("generators: 'faulty' of toy-models raised ZeroDivisionError: a plugin divided by zero")


def test_a_curve_is_a_table_and_what_was_not_chosen_is_left_to_the_page():
    pytest.importorskip("pandas")
    assert as_frame([(0, 0.5, SEEN)]).to_dict("records") == [{"step": 0, "score": 0.5, "views": SEEN}]
    assert choice_of("", None, "toy") == Choice(scorer="toy")
