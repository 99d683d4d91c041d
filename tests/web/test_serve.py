"""The page served, and gone again."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

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


def test_a_place_that_is_taken_is_told_and_nothing_is_left_behind(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("gradio")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInput, match=f"port: expected a free one of this machine, got 127.0.0.1:{port}"):
            served(studio.shelf, Address(port=port), Limits()).__enter__()
    assert not list(tmp_path.glob("fusedream-web-*"))
