"""The table beside the pictures of a batch."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from PIL import Image

from fusedream_sdk.batch.captions import Caption
from fusedream_sdk.batch.plan import wanted_rows
from fusedream_sdk.batch.table import Batch, Record
from fusedream_sdk.optim.status import Status
from tests.batch.toys import jobs, painted

ROWS = wanted_rows([Caption("a dog", more={"image_id": "7"}), Caption("a, b"), Caption("a cat")], 0)


def record(score: float) -> Record:
    return Record({"augclip": score}, 3, Status.DONE)


def test_a_record_is_what_a_result_says_of_its_row():
    assert Record.of(painted(jobs("a", "b")[1:])) == Record({"augclip": 0.1}, 3, Status.DONE)


def test_the_table_has_a_line_for_each_row_whatever_became_of_it(tmp_path: Path):
    batch = Batch(tmp_path, ROWS, {1: record(0.25)}, {0: "its worker died 3 times"})
    batch.write(tmp_path / "rows.csv")
    lines = list(csv.DictReader((tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()))
    assert [line["status"] for line in lines] == ["lost", "done", ""]
    assert (lines[0]["image_id"], lines[0]["why"]) == ("7", "its worker died 3 times")
    assert (lines[1]["prompt"], lines[1]["augclip"], lines[1]["picture"]) == ("a, b", "0.25", "01-a-b-seed0.png")
    assert not batch.done
    assert len(batch) == 1
    assert batch.pictures == [tmp_path / "01-a-b-seed0.png"]


def test_what_a_column_of_the_file_was_called_does_not_hide_what_the_table_says(tmp_path: Path):
    rows = wanted_rows([Caption("a dog", more={"status": "mine", "picture": "theirs"})], 0)
    assert Batch(tmp_path, rows, {0: record(0.5)}, {}).row_of(0)["status"] == "done"


def test_means_leave_out_what_is_not_finite(tmp_path: Path):
    assert Batch(tmp_path, ROWS, {0: record(0.25), 1: record(math.nan), 2: record(0.75)}, {}).means() == {"augclip": 0.5}
    assert math.isnan(Batch(tmp_path, ROWS, {1: record(math.nan)}, {}).means()["augclip"])
    assert Batch(tmp_path, ROWS, {}, {}).means() == {}


def test_it_has_no_pictures_of_its_own_to_be_saved_again(tmp_path: Path):
    batch = Batch(tmp_path, ROWS, {}, {})
    assert (batch.pil, batch.stems(), list(batch.beside())) == ([], [], ["rows.csv"])
    with pytest.raises(IndexError):
        batch.row_json(0)


def test_a_notebook_shows_the_pictures_that_are_there_and_says_which_are_not(tmp_path: Path):
    batch = Batch(tmp_path, ROWS, {1: record(0.25), 2: record(0.5)}, {0: "its worker died 3 times"})
    assert batch._repr_png_() is None
    Image.new("RGB", (8, 8), "red").save(batch.pictures[0])
    html = batch._repr_html_()
    assert html.count("data:image/png") == 1
    assert "a, b<br>seed 0<br>augclip 0.250" in html
    assert "not there any more" in html
    assert "row 0 is not there: its worker died 3 times" in html
    assert (batch._repr_png_() or b"").startswith(b"\x89PNG")
