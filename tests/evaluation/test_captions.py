"""Files of captions: what is read, and what is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.evaluation.captions import Captions, captions_of, read_captions


def written(folder: Path, content: str | bytes, name: str = "captions.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_text_has_a_caption_on_each_line_whatever_ends_it(tmp_path: Path):
    found = read_captions(written(tmp_path, "\ufeffa red apple\r\n\n  a  blue dog \n\na red apple"))
    assert found == Captions(("a red apple", "a blue dog", "a red apple"))
    assert found.pool == ["a red apple", "a blue dog"]


def test_a_table_says_which_picture_each_belongs_to(tmp_path: Path):
    text = 'Caption,seed,file\r\n"a dog, asleep",3,b.png\r\na cat,4,a.png\r\n'
    found = read_captions(written(tmp_path, text, "captions.CSV"))
    assert found == Captions(("a dog, asleep", "a cat"), ("b.png", "a.png"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", " \n\n", "expected at least one caption, got .*a.txt without any"),
        ("a.txt", "a caf\xe9".encode("latin-1"), "expected a file in UTF-8, got .*a.txt, which is not from byte 5 on"),
        ("a.txt", "a dog".encode("utf-16"), "expected a file in UTF-8"),
        ("a.csv", "picture,text\n1.png,a dog\n", "expected the columns file,caption, got .*a.csv with picture, text"),
        ("a.csv", "file,caption\n1.png,\n", "expected a file and a caption on each line, got .* a line 2 that lacks one"),
        ("a.csv", "file,caption\n1.png\n", ".* a line 2 that lacks one"),
        ("a.csv", "file,caption\n1.png,a\n1.png,b\n", "expected each file once, got .* with 1.png twice"),
        ("a.csv", "file,caption\n", "expected at least one caption"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path, name, content, message):
    with pytest.raises(InvalidInput, match=f"^captions: {message}"):
        read_captions(written(tmp_path, content, name))


def test_no_file_and_a_folder_are_refused(tmp_path: Path):
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(InvalidInput, match=r"^captions: expected a text file with a caption on each line"):
            captions_of(path)


def test_sentences_are_captions_too():
    assert captions_of(["a  dog", "a cat"]) == Captions(("a dog", "a cat"))
    assert captions_of(None) is None
    for bad in (5, [5], []):
        with pytest.raises(InvalidInput, match=r"^captions: expected"):
            captions_of(bad)  # pyright: ignore[reportArgumentType]
