"""Progress bars."""

from __future__ import annotations

import pytest

from fusedream_sdk.runtime import progress


def test_a_hidden_bar_writes_nothing(capsys: pytest.CaptureFixture[str]):
    with progress.bar("work", shown=False) as advance:
        advance(1, 2)
    assert capsys.readouterr() == ("", "")


def test_quick_work_shows_no_bar(capsys: pytest.CaptureFixture[str]):
    with progress.bar("work", shown=True) as advance:
        advance(1, 2)
        advance(2, 2)
    assert capsys.readouterr() == ("", "")


def test_an_error_in_the_work_is_passed_on_and_the_bar_closed():
    def work() -> None:
        with progress.bar("work", shown=True) as advance:
            advance(1, 2)
            raise RuntimeError("no luck")

    with pytest.raises(RuntimeError, match="no luck"):
        work()


def test_a_bar_that_never_advances_closes_quietly():
    with progress.bar("work", shown=True):
        pass
