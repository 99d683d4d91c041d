"""How much memory each part takes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fusedream_diffusion import load

pytest.importorskip("diffusers")  # of the extra diffusers
from fusedream_diffusion import memory
from fusedream_diffusion.memory import by_part, table


def test_weights_and_graph_are_told_for_each_part(folder: Path):
    generator = load(weights=folder)
    parts = by_part(generator)
    assert list(parts) == ["text", "network", "decoder"]
    unet = generator.pipeline.unet
    assert parts["network"].weights == sum(4 * x.numel() for x in unet.parameters())
    assert parts["text"].graph == 0
    assert parts["network"].graph > 0
    assert parts["decoder"].graph > 0
    assert {part.peak for part in parts.values()} == {None}  # no CUDA device


def test_two_rows_hold_about_twice_as_much(folder: Path):
    one, two = (by_part(load(weights=folder), rows=rows) for rows in (1, 2))
    for name in ("network", "decoder"):
        assert one[name].graph < two[name].graph < 2.5 * one[name].graph


def test_checkpoints_hold_less(folder: Path):
    plain, thrifty = (by_part(load(weights=folder, saving=saving)) for saving in ("none", "checkpoints"))
    for name in ("network", "decoder"):
        assert thrifty[name].graph < 0.6 * plain[name].graph


def test_the_table_has_a_line_for_each_part(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    assert table(by_part(load(weights=folder))).count("\n") == 3
    monkeypatch.setattr(sys, "argv", ["memory", str(folder), "--rows", "2"])
    assert memory.main() == 0
    assert "decoder" in capsys.readouterr().out


def test_a_folder_that_is_none_is_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["memory", "/nowhere/at/all"])
    assert memory.main() == 1
    assert "is neither a folder nor a repository id" in capsys.readouterr().err
