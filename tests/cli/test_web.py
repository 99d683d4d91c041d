"""`fusedream web`, as far as it goes without a browser: the rest is in tests/web."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fusedream_sdk.cli import web as verb
from fusedream_sdk.errors import PluginImportError
from fusedream_sdk.web import serve
from fusedream_sdk.web.limits import Limits
from tests.cli.conftest import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be served, call by call; nobody waits."""
    calls: list[Any] = []

    @contextmanager
    def noted(*about: Any) -> Iterator[list[str]]:
        calls.append(about)
        yield ["http://127.0.0.1:1/"]

    monkeypatch.setattr(serve, "served", noted)
    monkeypatch.setattr(serve, "check_extra", lambda: None)
    monkeypatch.setattr(verb, "wait", lambda: None)
    return calls


def test_the_models_are_ready_before_the_link_is_told(fusedream: Run, served: list[Any]):
    code, out, _ = fusedream("web", "--models", "toy", "--port", "8000")
    assert (code, out) == (0, "http://127.0.0.1:1/\n")
    shelf, address, limits, folder = served[0]
    assert shelf.dream(shelf.first).engine.label == "toy with toy"
    assert (address.host, address.port, address.share, limits, folder) == ("127.0.0.1", 8000, False, Limits(), None)


def test_limits_and_places_are_heeded(fusedream: Run, served: list[Any]):
    words = (
        "--max-steps",
        "9",
        "--max-pictures",
        "2",
        "--max-views",
        "30",
        "--max-upload",
        "3",
        "--queue",
        "0",
        "--at-once",
        "4",
    )
    code, _, _ = fusedream(
        "web", "--models", "toy", *words, "--share", "--host", "0.0.0.0", "--out", "dreams", "--fixed-models"
    )
    shelf, address, limits, folder = served[0]
    assert code == 0
    assert limits == Limits(steps=9, pictures=2, views=30, upload_mb=3, queue=0, at_once=4)
    assert (address.host, address.share, folder, shelf.fixed) == ("0.0.0.0", True, Path("dreams"), True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--models", "nope"], "models: expected one of "),
        (["--models", "toy", "--port", "0"], "Invalid value for '--port': expected an integer of at least 1"),
        (["--models", "toy", "--max-steps", "0"], "Invalid value for '--max-steps': expected an integer of at least 1"),
        (["--models", "toy", "--scorer", "a", "--scorer", "b"], "--scorer: expected one scorer for the page, got 2"),
        (["--models", "toy", "--out", "no/where"], "--out: expected an existing folder, got no"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_nothing_is_served(
    fusedream: Run, served: list[Any], words: list[str], sentence: str
):
    code, out, err = fusedream("web", *words)
    assert (code, out, served) == (2, "", [])
    assert sentence in err


def test_without_the_extra_it_says_what_to_install(fusedream: Run, monkeypatch: pytest.MonkeyPatch):
    def lacking() -> None:
        raise PluginImportError('web: the page needs the package gradio. Install it: pip install "fusedream-sdk[web]"')

    monkeypatch.setattr(serve, "check_extra", lacking)
    code, _, err = fusedream("web")
    assert code == 2
    assert err.count("\n") == 1
    assert 'pip install "fusedream-sdk[web]"' in err


def test_ctrl_c_ends_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    class Interrupted:
        def wait(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(verb.threading, "Event", Interrupted)
    verb.wait()
    assert "the page is closed" in capsys.readouterr().err
