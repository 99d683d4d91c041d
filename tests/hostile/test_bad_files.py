"""Files that cannot be read or written are refused in one sentence, before a model is loaded."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.hostile import files
from tests.hostile.ground import lay_traps, no_models, refuse


@pytest.fixture(autouse=True)
def ground(toys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_traps()
    no_models(monkeypatch)


def filled(row: tuple[str, str], suffix: str) -> tuple[str, str]:
    path, message = row
    return path.replace("{}", suffix), message if path == row[1] else message.replace("{}", suffix)


@pytest.mark.parametrize("verb", files.VERBS)
@pytest.mark.parametrize("case", [*files.OUTS, *files.SINGLE])
def test_an_output_that_cannot_be_written_is_refused_first(case: str, verb: str, capsys: pytest.CaptureFixture[str]):
    words, option, suffix = files.VERBS[verb]
    path, message = filled({**files.OUTS, **files.SINGLE}[case], suffix)
    before = sorted(os.listdir())
    said = refuse([*words, option, path], capsys)
    assert option in said
    assert message in said or re.search(message, said), said
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize("verb", ["generate", "compose", "invert"])
@pytest.mark.parametrize("case", files.FOLDERS)
def test_a_folder_that_cannot_be_filled_is_refused_first(case: str, verb: str, capsys: pytest.CaptureFixture[str]):
    path, message = files.FOLDERS[case]
    assert f"--out: {message}" in refuse([*files.VERBS[verb][0], "--out", path], capsys)


@pytest.mark.parametrize(("words", "message"), files.OTHERS, ids=[" ".join(words)[:60] for words, _ in files.OTHERS])
def test_other_places_are_refused_first(words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]):
    assert message in refuse(words, capsys)


@pytest.mark.parametrize("verb", files.READERS)
@pytest.mark.parametrize("given", files.PICTURES, ids=lambda given: given[:20] or "nothing")
def test_a_picture_that_cannot_be_read_is_refused_first(given: str, verb: str, capsys: pytest.CaptureFixture[str]):
    before, behind = files.READERS[verb]
    said = refuse([*before, given, *behind], capsys)
    assert re.search(files.PICTURES[given], said), said


@pytest.mark.parametrize("cache", ["file.txt", "/proc/cache", "~nobody-here", f"/tmp/{files.LONG}"])
def test_a_cache_that_cannot_be_written_is_told_before_a_bank_is_built(
    cache: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("FUSEDREAM_CACHE", cache)
    assert "fusedream: cache: expected" in refuse(["bank", "build", "-m", "toy"], capsys)
