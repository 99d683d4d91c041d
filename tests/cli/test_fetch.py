"""Weights ahead, from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.models.hub import Hub, asked_by_the_client

FILES = {
    "owner/clip": {"config.json": b"{}", "model.safetensors": b"x" * 5000, "vocab.json": b"{}", "tf_model.h5": b"y" * 9000}
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with asked_by_the_client(FILES, tmp_path / "hub", monkeypatch) as server:
        yield server


def test_the_list_of_models_stays_what_it_was(fusedream):
    code, out, err = fusedream("models")
    assert (code, err) == (0, "")
    assert out.startswith("pairs, for --models:\n")


def test_files_sizes_licences_and_places_are_said(fusedream, hub: Hub):
    code, out, err = fusedream("models", "fetch", "clip:owner/clip")
    assert code == 0
    assert [Path(line.split("  ")[0]).name for line in out.splitlines()] == ["model.safetensors", "config.json", "vocab.json"]
    assert "  0.005 MB  sha256 " in out
    assert "as the hub said  licence: mit" in out
    assert "fusedream: fetching 3 files of owner/clip, 0.005 MB" in err
    code, out, err = fusedream("models", "fetch", "clip:owner/clip", "--to", "mine", "--json", "--quiet")
    assert (code, err) == (0, "")
    first = json.loads(out.splitlines()[0])
    assert (first["kind"], first["model"], first["path"], first["bytes"]) == (
        "file",
        "clip:owner/clip",
        "mine/model.safetensors",
        5000,
    )
    assert (first["checked"], first["licence"]) == ("the hub", "mit")
    assert fusedream("models", "fetch", "clip:owner/clip", "--to", "mine")[2].endswith("--scorer clip:mine\n")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("emoji",), 0, "nothing to fetch: its weights come with it"),
        (("nothing",), 2, "name: expected one of"),
        (("owner/clip",), 2, "Say whose they are"),
        (("biggan-256",), 2, "which cannot be fetched"),
        (("clip:nobody/nothing",), 2, "there is no such repository"),
        (("clip:owner/clip", "--sha256", "12"), 2, "--sha256: expected 64 hexadecimal digits, got 12"),
        (("clip:owner/clip", "--sha256", "0" * 64), 2, "--sha256: expected nothing, as these files have published hashes"),
        (("clip:owner/clip", "--to", "no/such/folder"), 2, "--to: expected an existing folder"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(words, code, message, fusedream, hub: Hub, tmp_path: Path):
    found, out, err = fusedream("models", "fetch", *words)
    assert (found, out) == (code, "")
    assert message in err.splitlines()[-1]
    assert list(Path().iterdir()) == []
    assert not (tmp_path / "hub").exists()


def test_no_network_is_one_sentence(fusedream, hub: Hub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    code, _, err = fusedream("models", "fetch", "clip:owner/clip")
    assert code == 2
    assert "owner/clip cannot be fetched: " in err
    assert "Is there a network? Try again to go on where it stopped." in err
    assert len(err.splitlines()) == 1
