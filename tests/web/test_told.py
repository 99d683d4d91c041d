"""One clear sentence for whatever went wrong."""

from __future__ import annotations

import logging

import pytest

from fusedream_sdk.errors import InvalidInput, UnknownPlugin
from fusedream_sdk.web.told import attempted, one_sentence, told_plainly


def test_an_argument_has_the_name_that_the_page_gives_it():
    error = InvalidInput("prompts[1]", expected="a sentence", got="an empty one", fix="Say something.")
    assert told_plainly(error) == "Prompt[1]: expected a sentence, got an empty one. Say something."
    assert told_plainly(InvalidInput("report_views", expected="x", got="y")).startswith("Report views: expected x")
    assert told_plainly(UnknownPlugin("methods: expected one of a; got 'b'.")) == "Method: expected one of a; got 'b'."


def test_a_fault_is_one_sentence_and_its_traceback_is_for_the_log_alone(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.ERROR):
        told = told_plainly(ZeroDivisionError("division\nby zero"))
    assert told == "ZeroDivisionError: division by zero. This is a fault of the page, not of what you asked."
    assert caplog.records[0].exc_info is not None


def test_a_run_that_was_cancelled_too_early_and_a_full_memory_are_told():
    assert told_plainly(KeyboardInterrupt()) == "Cancelled before there was anything to keep."
    assert told_plainly(MemoryError()) == "Out of memory: ask for fewer pictures or views."


def test_what_a_browser_would_not_show_is_written_out():
    assert one_sentence("a\n  b\x07") == "a b\\x07"


def test_short_work_says_what_it_says_or_what_went_wrong():
    assert attempted(lambda: "done") == "done"
    assert attempted(lambda: str(1 / 0)).startswith("ZeroDivisionError")
