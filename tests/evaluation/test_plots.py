"""Plots: every point where it belongs, nothing cut off, and no state but their own."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest

from fusedream_sdk.errors import PluginImportError
from fusedream_sdk.evaluation.bootstrap import Interval
from fusedream_sdk.evaluation.plots import Curve, Panel, Row, curve_plot, interval_plot
from fusedream_sdk.run import plot
from fusedream_sdk.run.plot import save_figure

LONG = "a name so long that it takes several lines beside its axes, and would be cut off in one of them"
ROWS = [Row("short", Interval(0.5, 0.4, 0.7)), Row(LONG, Interval(0.2, 0.1, 0.3), hollow=True), Row("none", Interval(0.1))]


def test_points_and_intervals_are_drawn_in_per_cent_where_they_are_shares():
    axes = interval_plot([Panel("title", "across", ROWS, share=True, mark=0.25)]).axes[0]
    drawn = [[float(x) for x in line.get_xdata()] for line in axes.lines]  # pyright: ignore[reportGeneralTypeIssues, reportArgumentType]
    assert drawn[:3] == [[pytest.approx(40), pytest.approx(70)], [50.0], [pytest.approx(10), pytest.approx(30)]]
    assert drawn[-2:] == [[10.0], [25.0, 25.0]]


def test_long_names_are_wrapped_and_every_letter_lies_inside_the_picture():
    figure = interval_plot([Panel("title", "across", ROWS)] * 2)
    figure.draw_without_rendering()
    whole = figure.bbox
    for axes in figure.axes:
        boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
        assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 for box in boxes)
        assert all(upper.y0 >= lower.y1 for upper, lower in pairwise(boxes))  # none over another


def test_curves_share_their_axes_and_the_first_is_the_one_to_compare_with():
    curves = [
        Curve(name, [1, 10, 20], [Interval(x, x - 0.1, x + 0.1) for x in (0.1, 0.2, top)])
        for name, top in (("all", 0.5), ("no", 0.3))
    ]
    figure = curve_plot([("one", curves), ("two", curves[:1])], across="pictures", up="score")
    first, second = figure.axes[:2]
    assert first.get_ylim() == second.get_ylim()
    legend = first.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["all", "no"]
    assert list(first.lines[0].get_ydata()) == [0.1, 0.2, 0.5]  # pyright: ignore[reportArgumentType, reportCallIssue]


def test_a_curve_leaves_out_what_is_no_number():
    curve = Curve("a", [1, 2, 3], [Interval(float("nan")), Interval(0.2), Interval(0.3)])
    axes = curve_plot([("one", [curve])], across="x", up="y").axes[0]
    assert list(axes.lines[0].get_xdata()) == [2, 3]  # pyright: ignore[reportArgumentType, reportCallIssue]


def test_the_global_state_of_matplotlib_is_not_touched(tmp_path: Path):
    before = "matplotlib.pyplot" in sys.modules
    save_figure(interval_plot([Panel("title", "across", ROWS)]), tmp_path / "a.png")
    assert ("matplotlib.pyplot" in sys.modules) == before


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_same_figure_gives_the_same_file(tmp_path: Path, suffix: str):
    files = [tmp_path / f"{number}.{suffix}" for number in range(2)]
    for file in files:
        save_figure(interval_plot([Panel("title", "across", ROWS)]), file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_without_matplotlib_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plot, "NEEDS_OF_PLOTS", ("plot: a plot needs", "plots", "a_module_that_is_not_there"))
    with pytest.raises(PluginImportError, match=r'plot: a plot needs .*pip install "fusedream-sdk\[plots\]"'):
        interval_plot([])
