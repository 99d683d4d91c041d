"""Every bad input gets one sentence: what was expected, what came and what to do; and never a traceback."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fusedream_sdk.cli import main
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput
from tests.cli.toys import add_toys
from tests.conftest import toy_dream
from tests.hostile import api, numbers, options, text
from tests.hostile.rows import Call

TABLES = {"numbers": numbers, "text": text, "options": options, "api": api}
LINES = [(name, *row) for name, table in TABLES.items() for row in table.LINES]
LATE = [(name, *row) for name, table in TABLES.items() for row in table.LATE]
CALLS = [(name, *row) for name, table in TABLES.items() for row in table.CALLS]
SOON = 60.0  # seconds: a guard against work without end, no measure of speed
BEFORE = ("fusedream: loading the models ...", "fusedream: drawing ")  # what is said before a refusal may come


def label(value: object) -> str:
    return (
        re.sub(r"\W+", "-", value)[:40] if isinstance(value, str) else " ".join(value)[:40] if isinstance(value, list) else ""
    )


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy models, installed once."""
    return add_toys(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="module")
def drawn(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a picture that was drawn there, drawn.png."""
    folder = tmp_path_factory.mktemp("drawn")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(packages))
        patch.setenv("FUSEDREAM_CACHE", str(folder / "cache"))
        assert main(["generate", "red", "-m", "toy", "-o", "drawn.png", "--progress", "none"]) == 0
        yield folder


@pytest.fixture(scope="module")
def dream() -> FuseDream:
    """Toy models, never used: what is refused reaches none of them."""
    return toy_dream()


@pytest.fixture
def refused(packages: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command line that has to be refused; the one line that it gets, with what was said before it left out."""
    monkeypatch.syspath_prepend(str(packages))

    def run(words: list[str], *, before_loading: bool) -> str:
        capsys.readouterr()
        begun = time.perf_counter()
        code = main(words)
        shown = capsys.readouterr()
        lines = shown.err.splitlines()
        if not before_loading:
            lines = [line for line in lines if not line.startswith(BEFORE)]
        assert code == 2, shown.err
        assert shown.out == ""
        assert len(lines) == 1, shown.err
        assert "Traceback" not in shown.err
        assert len(lines[0]) < 1_500
        assert time.perf_counter() - begun < SOON
        return lines[0]

    return run


@pytest.mark.parametrize(("table", "words", "message"), LINES, ids=label)
def test_a_command_line_is_refused_before_models_are_loaded(
    table: str, words: list[str], message: str, refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert re.search(message, refused(words, before_loading=True))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("table", "words", "message"), LATE, ids=label)
def test_a_command_line_is_refused_before_anything_is_drawn(
    table: str, words: list[str], message: str, refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert re.search(message, refused(words, before_loading=False))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("words", "message"), options.DRAWN, ids=label)
def test_an_option_that_a_picture_has_no_use_for_is_refused(
    words: list[str], message: str, refused: Callable[..., str], drawn: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(drawn)
    before = sorted(drawn.iterdir())
    assert re.search(message, refused(words, before_loading=False))
    assert sorted(drawn.iterdir()) == before


@pytest.mark.parametrize(("table", "call", "message"), CALLS, ids=label)
def test_a_call_is_refused_by_the_name_of_the_argument(table: str, call: Call, message: str, dream: FuseDream):
    begun = time.perf_counter()
    with pytest.raises(InvalidInput) as caught:
        call(dream)
    assert re.search(message, str(caught.value))
    assert len(str(caught.value)) < 1_500
    assert "\n" not in str(caught.value).rstrip()
    assert time.perf_counter() - begun < SOON


def test_the_tables_have_rows_enough():
    assert len(LINES) + len(LATE) + len(options.DRAWN) + len(CALLS) >= 200
