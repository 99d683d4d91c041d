"""JSON of strangers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from fusedream_sdk.runtime.plain import DEEPEST, check_plain, excess, is_text, parse_json, read_json


def test_plain_values_are_read():
    assert parse_json('{"a": [1, 2.5, null, "ü🐶"], "b": {"c": true}}') == {"a": [1, 2.5, None, "ü🐶"], "b": {"c": True}}
    assert math.isnan(parse_json("NaN"))  # of a row that failed
    assert parse_json("[" * DEEPEST + "]" * DEEPEST)


@pytest.mark.parametrize("text", ["", "{", "[" * 30 + "]" * 30, "[" * 200_000, "9" * 5_000, '"\\ud800"', '{"\\udfff": 1}'])
def test_what_cannot_be_is_a_value_error(text: str):
    with pytest.raises(ValueError):  # noqa: PT011 - of several readers
        parse_json(text)


def test_a_file_is_read_whole_or_refused(tmp_path: Path):
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert read_json(tmp_path / "a.json") == {"a": 1}
    (tmp_path / "b.json").write_bytes(b"\xff\xfe")
    for name in ("b.json", "gone.json", "."):
        with pytest.raises(ValueError):  # noqa: PT011 - of several readers
            read_json(tmp_path / name)


def test_values_may_hold_texts_and_numbers_alone():
    check_plain({"a": [{"b": "c"}]})
    assert is_text(None)
    assert is_text("a")
    assert not is_text(1)


def test_sizes_beyond_all_networks_are_told():
    assert excess(1024) == excess([[True, 16, 8]]) == excess("a") == ""
    assert excess(10**9) == excess([[1, 10**9]]) == "a number beyond 1,048,576"
    assert excess(float("nan")) == "a number beyond 1,048,576"
    assert excess([1] * 65) == "a list of 65"
    assert excess(100, most=64) == "a number beyond 64"
