"""Tables and plots of what each technique is worth."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from fusedream_sdk.dream.ablation import Ablation, Trial
from fusedream_sdk.dream.techniques import DEFAULT, Variant
from fusedream_sdk.evaluation.bootstrap import Bootstrap

PROMPTS = [f"prompt {i // 2}" for i in range(20)]
BOOTSTRAP = Bootstrap(resamples=200)


def trial(name: str, judge: list[float], *, technique: str = "", rows: range = range(20), **given: Any) -> Trial:
    hits = [float(x > 0.5) for x in judge]
    courses = [[(4, x - 0.2), (10, x)] for x in judge]
    return Trial(
        Variant(name, technique, f"about {name}"), {"r-precision": hits, "judge": judge}, rows, courses, 10, 0.5, **given
    )


OWN = [0.4 + 0.02 * (i // 2) for i in range(20)]  # prompts differ more than anything that is done to them
TRIALS = (
    trial(DEFAULT, OWN),
    trial("no-this", [x - 0.01 for x in OWN], technique="this"),
    trial("no-that", [x + 0.3 * (-1) ** i for i, x in enumerate(OWN)], technique="that"),
    Trial(Variant("no-more", "more", "about | no-more"), told="Not begun."),
)
ABLATION = Ablation(tuple(PROMPTS), (0, 1) * 10, TRIALS, "a-judge", 10, BOOTSTRAP, ("A note.",))


def test_a_small_difference_of_the_same_prompts_is_told_though_their_intervals_overlap():
    apart = ABLATION.difference("no-this", "judge")
    assert (apart.value, apart.low, apart.high) == pytest.approx((-0.01, -0.01, -0.01))
    assert apart.excludes(0)
    assert ABLATION.interval("no-this", "judge").high > ABLATION.interval(DEFAULT, "judge").low
    assert not ABLATION.difference("no-that", "judge").excludes(0)


def test_a_table_has_every_variant_and_bold_differences_and_what_could_not_be_drawn():
    lines = ABLATION.to_markdown().splitlines()
    assert lines[0].startswith(
        "| variant | what is changed | R-precision by a-judge, of 10 (95 %) | difference | score by a-judge (95 %)"
    )
    assert lines[2].startswith("| default | about default | 40.0 % (")
    assert "| **−0.010** (−0.010 to −0.010) | 10 | 0.5 |" in lines[3]
    assert "| +0.000 (−" in lines[4]
    assert lines[5] == "| no-more | about \\| no-more | Not begun. |  |  |  |  |  |"
    assert len({line.replace("\\|", "").count("|") for line in lines[:6]}) == 1
    assert lines[-1] == "- A note."
    assert "- 10 prompts, 2 seeds;" in lines[7]
    assert "Of 2 differences that are none, about 0.1 are bold by chance" in lines[8]


def test_a_share_that_never_differs_is_no_certainty():
    same = ABLATION.difference(DEFAULT, "r-precision")
    assert same.value == 0
    assert same.low < 0 < same.high


def test_rows_that_are_missing_are_left_out_of_both():
    few = trial("few", [x + 0.1 for x in OWN[:6]], rows=range(6))
    found = Ablation(ABLATION.prompts, ABLATION.seeds, (TRIALS[0], few), "a-judge", 10, BOOTSTRAP)
    assert found.difference("few", "judge").value == pytest.approx(0.1)


def test_files_have_every_figure(tmp_path: Path):
    rows = list(csv.DictReader(StringIO(ABLATION.to_csv())))
    assert [row["variant"] for row in rows] == [one.variant.name for one in TRIALS]
    assert float(rows[1]["judge-difference"]) == pytest.approx(-0.01)
    assert (rows[3]["judge"], rows[3]["note"]) == ("", "Not begun.")
    ABLATION.save(tmp_path / "a.json")
    told = json.loads((tmp_path / "a.json").read_text())
    assert told["variants"][0]["courses"][0] == [[4, pytest.approx(0.2)], [10, pytest.approx(0.4)]]
    assert told["variants"][1]["figures"]["judge"]["judge-difference-low"] == pytest.approx(-0.01)


def test_courses_are_plotted_in_a_panel_for_each_technique_beside_the_default():
    figure = ABLATION.plot()
    titles = [axes.get_title("left") for axes in figure.axes if axes.get_title("left")]
    assert titles == ["this", "that"]
    line = figure.axes[0].lines[0]
    assert list(line.get_xdata()) == [4, 10]  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert line.get_ydata()[-1] == pytest.approx(sum(OWN) / 20)  # pyright: ignore[reportIndexIssue]


def test_a_row_that_stopped_early_stays_where_it_was():
    short = trial("short", OWN[:4], technique="this", rows=range(4))
    courses = [[(4, 0.0), (10, 1.0)], [(4, 0.5)], [(4, 0.0), (10, 1.0)], [(4, 0.5)]]
    made = Trial(short.variant, short.values, short.rows, courses, 10)
    figure = Ablation(ABLATION.prompts, ABLATION.seeds, (TRIALS[0], made), "a-judge", 10, BOOTSTRAP).plot()
    lines = {str(line.get_label()): list(line.get_ydata()) for line in figure.axes[0].lines}  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert lines["short"] == [0.25, 0.75]


def test_differences_are_plotted_around_none(tmp_path: Path):
    figure = ABLATION.plot_differences()
    first, second = figure.axes
    assert [label.get_text() for label in first.get_yticklabels()] == ["no-this", "no-that"]
    assert second.get_xlabel() == "score more than\nthe default, which has 0.490"
    ABLATION.save_differences(tmp_path / "d.png")
    assert (tmp_path / "d.png").stat().st_size > 5000


def test_a_notebook_shows_the_table_with_bold_differences_and_the_plot():
    html = ABLATION._repr_html_()
    assert html.count("<tr>") == 1 + len(TRIALS)
    assert html.count("<b>") == ABLATION.to_markdown().count("**") / 2
    assert "Not begun." in html
    pytest.importorskip("matplotlib")
    assert (ABLATION._repr_png_() or b"").startswith(b"\x89PNG")
