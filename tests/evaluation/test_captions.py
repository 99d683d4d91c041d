"""Files of captions: what is read, and what is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.evaluation.captions import Captions, captions_of


def written(folder: Path, content: str | bytes, name: str = "captions.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path) -> Captions:
    found = captions_of(path)
    assert found is not None
    return found


def test_a_text_has_a_caption_on_each_line_whatever_ends_it(tmp_path: Path):
    found = read(written(tmp_path, "\ufeffa red apple\r\n\n  a  blue dog \n\na red apple"))
    assert found == Captions(("a red apple", "a blue dog", "a red apple"))
    assert found.pool == ["a red apple", "a blue dog"]


def test_a_table_says_which_picture_each_belongs_to(tmp_path: Path):
    text = 'Caption,seed,file\r\n"a dog, asleep",3,b.png\r\na cat,4,a.png\r\n'
    assert read(written(tmp_path, text, "captions.CSV")) == Captions(("a dog, asleep", "a cat"), ("b.png", "a.png"))


def test_every_file_that_can_be_drawn_can_be_evaluated(tmp_path: Path):
    assert read(written(tmp_path, '{"prompt": "a dog"}\n{"prompt": "a cat"}\n', "a.jsonl")).texts == ("a dog", "a cat")
    coco = '{"annotations": [{"image_id": 1, "id": 2, "caption": "a dog"}]}'
    assert read(written(tmp_path, coco, "a.json")).texts == ("a dog",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", " \n\n", "captions: expected at least one caption"),
        ("a.txt", "a caf\xe9".encode("latin-1"), "captions: expected text in utf-8, got the byte 0xe9 in line 1"),
        ("a.csv", "picture,text\n1.png,a dog\n", "column"),
        ("a.csv", "file,caption\n1.png,\n", "captions line 2"),
        (
            "a.csv",
            "file,caption\n1.png,a dog\n,a cat\n",
            "expected a file for each caption, .* a line 3 that lacks one",
        ),
        ("a.csv", "file,caption\n1.png,a\n1.png,b\n", "expected each file once, got .* with 1.png twice"),
        ("a.csv", "file,caption\n", "captions: expected at least one caption"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path, name, content, message):
    with pytest.raises(InvalidInput, match=message):
        captions_of(written(tmp_path, content, name))


def test_no_file_and_a_folder_are_refused(tmp_path: Path):
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(InvalidInput, match=r"^captions: expected"):
            captions_of(path)


def test_sentences_are_captions_too():
    assert captions_of(["a  dog", "a cat"]) == Captions(("a dog", "a cat"))
    assert captions_of(None) is None
    for bad in (5, [5], []):
        with pytest.raises(InvalidInput, match=r"^captions: expected"):
            captions_of(bad)  # pyright: ignore[reportArgumentType]
