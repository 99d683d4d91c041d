"""Files of weights before they are read."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
import torch

from fusedream_sdk.errors import WeightsError
from fusedream_sdk.models.archives import archive_of, check_file, damaged, first_line


def test_what_torch_writes_passes(tmp_path: Path):
    torch.save({"a": torch.zeros(3)}, tmp_path / "a.pt")
    torch.save({"a": torch.zeros(3)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "text").write_text("no archive")
    for name in ("a.pt", "old.pt", "text"):
        check_file(tmp_path / name)
    assert archive_of(tmp_path / "a.pt")
    assert not archive_of(tmp_path / "text")


def test_pipes_and_compressed_archives_are_refused(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WeightsError, match="weights: expected a readable file, got the pipe or device"):
        check_file(tmp_path / "pipe")
    with zipfile.ZipFile(tmp_path / "a.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data", b"0" * 1_000_000)
    with pytest.raises(WeightsError, match="'data' is compressed, which was refused"):
        check_file(tmp_path / "a.pt")


def test_an_archive_whose_entries_share_their_bytes_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("one", b"0" * 100_000)
        archive.filelist += [archive.filelist[0]] * 50
        archive.writestr("two", b"")
    with pytest.raises(WeightsError, match="its entries claim more bytes than it has"):
        check_file(tmp_path / "a.pt")


def test_a_damaged_directory_is_told(tmp_path: Path):
    torch.save({"a": torch.zeros(3)}, tmp_path / "a.pt")
    whole = (tmp_path / "a.pt").read_bytes()
    (tmp_path / "a.pt").write_bytes(whole.replace(b"PK\x01\x02", b"PK\x09\x09"))
    with pytest.raises(WeightsError, match="damaged or cut short"):
        check_file(tmp_path / "a.pt")


def test_of_an_error_the_first_line_is_kept():
    assert first_line(ValueError("\n one. two\nthree")) == "one. two"
    assert first_line(KeyError()) == "KeyError"
    assert str(damaged(Path("a"), ValueError("one. two\nthree"))) == "a: damaged or cut short (one). Download it again."
