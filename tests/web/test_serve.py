"""The page served, and gone again."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fusedream_sdk.errors import InvalidInput, PluginImportError
from fusedream_sdk.web import serve
from fusedream_sdk.web.limits import Limits
from fusedream_sdk.web.serve import Address, check_extra, served
from fusedream_sdk.web.studio import Studio


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(serve.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PluginImportError, match=r"pip install \"fusedream-sdk\[web\]\""):
        check_extra()


def test_by_default_it_is_reached_from_this_machine_alone_and_not_shared():
    assert Address() == Address("127.0.0.1", None, share=False)


@dataclass
class Page:
    """As far as it is served."""

    refuses: bool = False
    asked: dict[str, Any] = field(default_factory=dict)
    closed: bool = False

    def queue(self, **how: Any) -> None:
        self.asked |= how

    def launch(self, **how: Any) -> tuple[None, str, None]:
        self.asked |= {**how, "analytics": os.environ["GRADIO_ANALYTICS_ENABLED"]}
        if self.refuses:
            raise OSError("Cannot find empty port")
        return None, "http://127.0.0.1:1/", None

    def close(self, verbose: bool) -> None:
        self.closed = True


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("gradio")  # whose theme and middleware are used
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_is_served_quietly_and_in_the_end_nothing_is_left(studio: Studio, temporary: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GRADIO_ANALYTICS_ENABLED", raising=False)
    page = Page()
    monkeypatch.setattr(serve, "build_page", lambda studio: page)
    with served(studio.shelf, Address(), Limits(upload_mb=3), temporary / "out") as links:
        assert links == ["http://127.0.0.1:1/"]
        assert len(list(temporary.glob("fusedream-web-*"))) == 1
    wanted = {"server_name": "127.0.0.1", "share": False, "max_file_size": "3mb", "analytics": "False", "show_error": None}
    assert {name: page.asked.get(name) for name in wanted} == wanted
    assert page.closed
    assert not list(temporary.glob("fusedream-web-*"))
    assert "GRADIO_ANALYTICS_ENABLED" not in os.environ
    assert (temporary / "out").is_dir()


def test_a_place_that_is_taken_is_told(studio: Studio, temporary: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(serve, "build_page", lambda studio: Page(refuses=True))
    with (
        pytest.raises(InvalidInput, match=r"port: expected a free one of this machine, got 127\.0\.0\.1:80"),
        served(studio.shelf, Address(port=80), Limits()),
    ):
        pass
    assert not list(temporary.glob("fusedream-web-*"))
