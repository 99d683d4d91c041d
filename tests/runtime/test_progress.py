"""Progress bars, on a terminal that is a text of ours."""

from __future__ import annotations

import contextvars
import io
import re
import sys
from collections.abc import Callable
from contextlib import redirect_stderr

import pytest

from fusedream_sdk.runtime import progress


class Terminal(io.StringIO):
    """What a person would be looking at."""

    def isatty(self) -> bool:
        return True

    def words(self) -> str:
        """What was shown, without what a terminal obeys."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue())


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    shown = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_INTERACTIVE", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return shown


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work of which every advance takes three seconds, by a clock of our own."""
    times = iter(range(0, 3000, 3))

    class Clock:
        def monotonic(self) -> float:
            return float(next(times))

    monkeypatch.setattr(progress, "time", Clock())


def work(terminal: io.StringIO, label: str = "work", shown: bool = True, then: Callable[[], object] = lambda: None) -> None:
    with redirect_stderr(terminal), progress.bar(label, shown) as advance:
        for done in range(1, 4):
            advance(done, 5, lambda: "best 0.250")
        then()


def test_a_bar_shows_the_step_what_is_said_of_it_and_the_time_left(terminal: Terminal, slow: None):
    work(terminal, "dreaming [2] of 3")
    last = [line for line in terminal.words().split("\r") if "dreaming" in line][-1]
    assert last.split("dreaming [2] of 3")[1].split()[1:] == ["3/5", "best", "0.250", "0:00:06", "left"]
    assert terminal.getvalue().rstrip().endswith("\x1b[2K")  # and is taken away


def test_a_hidden_bar_writes_nothing(terminal: Terminal, slow: None):
    work(terminal, shown=False)
    assert terminal.getvalue() == ""


def test_quick_work_shows_no_bar_and_asks_for_no_words(terminal: Terminal):
    with redirect_stderr(terminal), progress.bar("work", shown=True) as advance:
        advance(1, 2, lambda: pytest.fail("was asked"))
        advance(2, 2)
    assert terminal.getvalue() == ""


def test_nothing_is_shown_in_a_pipe(slow: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    pipe = io.StringIO()
    work(pipe)
    assert pipe.getvalue() == ""


def test_whoever_is_silent_shows_nothing_and_only_inside(terminal: Terminal, slow: None):
    def quietly() -> None:
        progress.silence()
        assert progress.is_silent()
        work(terminal)

    contextvars.copy_context().run(quietly)
    assert terminal.getvalue() == ""
    assert not progress.is_silent()
    work(terminal)
    assert "3/5" in terminal.words()


def test_no_color_takes_the_colours_and_nothing_else(terminal: Terminal, slow: None, monkeypatch: pytest.MonkeyPatch):
    work(terminal)
    assert re.search(r"\x1b\[[0-9;]*m", terminal.getvalue())
    terminal.truncate(0)
    monkeypatch.setenv("NO_COLOR", "1")
    work(terminal)
    assert "3/5" in terminal.words()
    assert not re.search(r"\x1b\[(3|4|9|10)[0-9;]*m", terminal.getvalue())


def test_what_is_written_to_stderr_meanwhile_stands_above_and_stdout_is_left_alone(
    terminal: Terminal, slow: None, capsys: pytest.CaptureFixture[str]
):
    before = sys.stderr
    work(terminal, then=lambda: (sys.stderr.write("a line\n"), sys.stdout.write("a result\n")))
    assert "a line\n" in terminal.words()
    assert "a result" not in terminal.words()
    assert capsys.readouterr().out == "a result\n"
    assert sys.stderr is before


def test_an_error_in_the_work_is_passed_on_and_the_bar_closed(terminal: Terminal, slow: None):
    before = sys.stderr
    with pytest.raises(ZeroDivisionError):
        work(terminal, then=lambda: 1 / 0)
    assert terminal.getvalue().rstrip().endswith("\x1b[2K")
    assert sys.stderr is before


def test_a_bar_that_never_advances_closes_quietly(terminal: Terminal):
    with redirect_stderr(terminal), progress.bar("work", shown=True):
        pass
    assert terminal.getvalue() == ""


def test_the_time_left_follows_from_the_pace_so_far():
    assert progress.time_left(10.0, 2, 6) == "0:00:30 left"
    assert progress.time_left(10.0, 0, 6) == ""
