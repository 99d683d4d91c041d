"""Tables, files and plots of figures."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from PIL import Image

from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.evaluation.bootstrap import Interval
from fusedream_sdk.evaluation.evidence import (
    Evidence,
    Measured,
    check_outputs,
    csv_text,
    finite,
    markdown_table,
    shown_interval,
    shown_number,
)

SHARE = Measured("mine", "r-precision", "R-precision by a judge, of 100", Interval(0.775, 0.625, 0.9), 40, 80)
FID = Measured("mine", "fid", "FID by toy features", Interval(3.14159), 0, 12, "only 12; see |docs|")
EVIDENCE = Evidence((SHARE, FID), 0.95, ("mine: 1 of 3 pictures is missing.",))


def test_a_table_has_every_figure_with_its_interval_and_the_notes_below():
    assert EVIDENCE.to_markdown().splitlines() == [
        "| pictures of | metric | value | 95 % interval | captions | pictures | note |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| mine | R-precision by a judge, of 100 | 77.5 % | 62.5 % to 90.0 % | 40 | 80 |  |",
        "| mine | FID by toy features | 3.14 | none |  | 12 | only 12; see \\|docs\\| |",
        "",
        "- mine: 1 of 3 pictures is missing.",
    ]
    assert str(EVIDENCE) == EVIDENCE.to_markdown()


def test_a_figure_is_found_by_its_metric_or_title():
    assert EVIDENCE["fid"] is EVIDENCE["FID by toy features"] is FID
    with pytest.raises(KeyError):
        EVIDENCE["is"]


def test_files_hold_every_digit(tmp_path: Path):
    for suffix in ("csv", "json", "md"):
        EVIDENCE.save(tmp_path / f"a.{suffix}")
    rows = list(csv.DictReader(StringIO((tmp_path / "a.csv").read_text())))
    assert rows[0]["value"] == "0.775"
    assert (rows[1]["value"], rows[1]["low"], rows[1]["note"]) == ("3.14159", "", FID.note)
    assert json.loads((tmp_path / "a.json").read_text()) == EVIDENCE.to_json()
    assert (tmp_path / "a.md").read_text() == EVIDENCE.to_markdown() + "\n"


def test_a_plot_is_a_picture_and_the_same_one_every_time(tmp_path: Path):
    for name in ("a.png", "b.png", "a.svg", "a.pdf"):
        EVIDENCE.save(tmp_path / name)
    with Image.open(tmp_path / "a.png") as picture:
        assert min(picture.size) > 300
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_each_metric_has_a_panel_and_every_system_a_line_in_it():
    figure = Evidence((SHARE, Measured("theirs", *(SHARE.metric, SHARE.title, Interval(0.5, 0.4, 0.6), 40, 80)), FID)).plot()
    first, second = figure.axes
    assert [label.get_text() for label in first.get_yticklabels()] == ["mine", "theirs"]
    assert (first.get_title("left"), second.get_title("left")) == (SHARE.title, FID.title)
    assert second.get_xlabel() == "lower is better; 95 % intervals; hollow: see the note"


def test_what_exists_is_not_replaced_unless_that_is_said(tmp_path: Path):
    EVIDENCE.save(tmp_path / "a.csv")
    with pytest.raises(OutputError, match="exists"):
        EVIDENCE.save(tmp_path / "a.csv")
    EVIDENCE.save(tmp_path / "a.csv", overwrite=True)


def test_places_are_checked_before_the_work(tmp_path: Path):
    assert check_outputs("out", [tmp_path / "a.md", str(tmp_path / "b.PNG")], overwrite=False)
    for paths, message in (
        ([tmp_path / "a.doc"], "a file that ends in one of"),
        ([tmp_path / "a.md"] * 2, "files that differ"),
    ):
        with pytest.raises(InvalidInput, match=f"^out: expected {message}"):
            check_outputs("out", paths, overwrite=False)


def test_numbers_as_tables_have_them():
    assert shown_number(0.775, share=True) == "77.5 %"
    assert shown_number(-0.05, share=True, signed=True) == "−5.0 %"
    assert shown_number(0.05, signed=True, digits=2) == "+0.05"
    assert shown_number(float("nan")) == ""
    assert shown_interval(Interval(1.0), str) == "none"
    assert (finite(1.5), finite(float("nan")), finite(float("inf"))) == (1.5, None, None)
    assert markdown_table([("a", "b"), ("1|2", "3\n4")]).splitlines()[-1] == "| 1\\|2 | 3 4 |"
    assert csv_text([{"a": 1, "b": None}]) == "a,b\n1,\n"


def test_a_notebook_shows_the_table_the_notes_and_the_plot():
    html = EVIDENCE._repr_html_()
    assert html.count("<tr>") == 3
    assert "62.5 % to 90.0 %" in html
    assert "only 12; see |docs|" in html
    assert EVIDENCE.notes[0] in html
    pytest.importorskip("matplotlib")
    assert (EVIDENCE._repr_png_() or b"").startswith(b"\x89PNG")
