"""Files of captions of every kind, and those that cannot be used."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from fusedream_sdk.batch import captions
from fusedream_sdk.batch.captions import Caption, read_captions
from fusedream_sdk.errors import InvalidInput

COCO = {
    "info": {},
    "images": [{"id": 9}],
    "annotations": [
        {"image_id": 203564, "id": 37, "caption": "A bicycle replica with a clock as the front wheel."},
        {"image_id": 322141, "id": 49, "caption": "A room with blue walls and a white sink and door. \n"},
    ],
}


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_a_text_has_a_sentence_a_line_and_empty_ones_are_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    found = read_captions(written(tmp_path, "c.txt", "a dog\n\n  a cat \n   \na dog"))
    assert found == [Caption("a dog", line=1), Caption("a cat", line=3), Caption("a dog", line=5)]
    assert "c.txt: 2 empty lines are left out." in caplog.messages


@pytest.mark.parametrize(("name", "between"), [("c.csv", ","), ("c.csv", ";"), ("c.tsv", "\t")])
def test_a_table_has_seeds_names_settings_and_more(tmp_path: Path, name: str, between: str):
    lines = [["Caption", "seed", "name", "steps", "image_id"], ["a dog", "3", "dog", "20", "77"], ["a cat", "", "", "", ""]]
    found = read_captions(written(tmp_path, name, "\n".join(map(between.join, lines)) + "\n"))
    assert found[0] == Caption("a dog", 3, {"steps": 20}, "dog", {"image_id": "77"}, 2)
    assert found[1] == Caption("a cat", line=3)


def test_quotes_hold_commas_and_lines(tmp_path: Path):
    found = read_captions(written(tmp_path, "c.csv", 'prompt,seed\n"a dog, a cat\nand a ""duck""",4\n,\na frog,5\n'))
    assert [(one.prompt, one.seed, one.line) for one in found] == [('a dog, a cat\nand a "duck"', 4, 3), ("a frog", 5, 5)]


def test_lines_of_objects_may_have_other_columns_each(tmp_path: Path):
    lines = [{"prompt": "a dog", "seed": 2, "lr": 0.5}, {"caption": "a cat", "id": 7}]
    found = read_captions(written(tmp_path, "c.jsonl", "\n".join(map(json.dumps, lines)) + "\n\n"))
    assert found == [Caption("a dog", 2, {"lr": 0.5}, line=1), Caption("a cat", more={"id": "7"}, line=2)]


def test_coco_is_read_with_its_numbers(tmp_path: Path):
    found = read_captions(written(tmp_path, "captions_val2014.json", json.dumps(COCO)))
    assert found[1].prompt == "A room with blue walls and a white sink and door."
    assert found[1].more == {"image_id": "322141", "id": "49"}


def test_the_first_ones_can_be_taken_and_another_column(tmp_path: Path):
    path = written(tmp_path, "c.csv", "text,prompt\na dog,x\na cat,y\n")
    assert read_captions(path, column="text", limit=1) == [Caption("a dog", more={"prompt": "x"}, line=2)]


def test_a_million_lines_are_read_and_one_more_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(captions, "MOST_ROWS", 20_000)
    lines = [f"a dog, number {number}" for number in range(20_001)]
    path = written(tmp_path, "c.txt", "\n".join(lines))
    with pytest.raises(InvalidInput, match=r"at most 20,000 captions, got more in .*--limit"):
        read_captions(path)
    assert len(read_captions(path, limit=20_000)) == 20_000


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("c.txt", "", "at least one caption"),
        ("c.txt", "\n \n\n", "at least one caption"),
        ("c.txt", "a dog\na \x00cat", "captions line 2: expected a readable text, got the control character"),
        ("c.txt", "a dog\na cat | | a duck", "captions line 2: expected parts that say something"),
        ("c.txt", "a " * 9000, "captions line 1: expected at most 10,000 letters"),
        ("c.xlsx", "a dog", r"a file that ends in one of \.txt, \.csv"),
        ("c.csv", "", "one column named 'prompt' or 'caption'"),
        ("c.csv", "a dog\na cat\n", "one column named 'prompt' or 'caption'"),
        ("c.csv", "prompt,id\na dog, and a cat,7\n", r"2 cells, as the first line has, got 3 in line 2 .*quotes"),
        ("c.csv", 'prompt,id\n"a dog,7\n', "a table of cells, got line 2"),
        ("c.csv", "prompt,seed\n,7\n", "captions line 2: expected a sentence, got an empty one"),
        ("c.csv", "prompt,seed\na dog,-1\n", "captions line 2: seed: expected an integer from 0"),
        ("c.csv", "prompt,steps\na dog,4\na cat,0\n", "captions line 3: steps: expected an integer .*, got 0"),
        ("c.csv", "prompt,prompt\na dog,4\n", "two named 'prompt'"),
        ("c.jsonl", '{"prompt": "a dog"}\n{"prompt"', r"JSON, got line 2 of .*c\.jsonl"),
        ("c.jsonl", '{"prompt": "a dog", "prompt": "a cat"}', "the name 'prompt' twice"),
        ("c.jsonl", '["a dog"]', "something else in line 1"),
        ("c.jsonl", '{"prompt": 7}', "captions line 1: expected a sentence, got 7"),
        ("c.jsonl", '{"prompt": "a dog", "seed": true}', "captions line 1: seed"),
        ("c.jsonl", "[" * 100_000, "JSON, got line 1"),
        ("c.json", "{", r"JSON, got .*c\.json"),
        ("c.json", '{"annotations": [{"bbox": []}]}', "COCO's layout"),
        ("c.json", '[{"prompt": "a dog"}]', "COCO's layout.*jsonl"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, name: str, content: str, words: str):
    with pytest.raises(InvalidInput, match=words):
        read_captions(written(tmp_path, name, content))


def test_a_column_is_said_only_of_a_table(tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"column: expected nothing, as .* has no columns"):
        read_captions(written(tmp_path, "c.txt", "a dog"), column="text")
