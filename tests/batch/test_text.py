"""Files of text in any encoding."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusedream_sdk.batch import text
from fusedream_sdk.batch.text import read_text
from fusedream_sdk.errors import InvalidInput


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding_and_is_no_letter(tmp_path: Path, encoding: str):
    (tmp_path / "c.txt").write_bytes("a café\r\na naïve dog\r".encode(encoding))
    assert read_text(tmp_path / "c.txt") == "a café\na naïve dog\n"


@pytest.mark.parametrize("mark", [b"\xfe\xff", b"\xff\xfe"])
def test_both_orders_of_bytes_are_read(tmp_path: Path, mark: bytes):
    order = "utf-16-be" if mark == b"\xfe\xff" else "utf-16-le"
    (tmp_path / "c.txt").write_bytes(mark + "a dog".encode(order))
    assert read_text(tmp_path / "c.txt") == "a dog"


def test_another_encoding_is_told_with_its_line_and_read_when_it_is_named(tmp_path: Path):
    (tmp_path / "c.txt").write_bytes("a dog\na café".encode("cp1252"))
    with pytest.raises(InvalidInput, match=r"text in utf-8, got the byte 0xe9 in line 2 of .*c\.txt\. Say which .*--encoding"):
        read_text(tmp_path / "c.txt")
    assert read_text(tmp_path / "c.txt", "cp1252") == "a dog\na café"


@pytest.mark.parametrize("encoding", ["klingon", "rot13", "hex", "a\0b"])
def test_what_is_no_encoding_of_text_is_refused(tmp_path: Path, encoding: str):
    (tmp_path / "c.txt").write_text("a dog")
    with pytest.raises(InvalidInput, match="encoding: expected the name of an encoding of text"):
        read_text(tmp_path / "c.txt", encoding)


def test_a_folder_a_missing_and_a_huge_file_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(InvalidInput, match="an existing file of captions"):
        read_text(tmp_path / "none.txt")
    with pytest.raises(InvalidInput, match="got the folder"):
        read_text(tmp_path)
    monkeypatch.setattr(text, "LARGEST", 3)
    (tmp_path / "c.txt").write_text("a dog")
    with pytest.raises(InvalidInput, match="at most 1 GB"):
        read_text(tmp_path / "c.txt")
