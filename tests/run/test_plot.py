"""Plots of a run's course: each line where its numbers are, and no state but their own."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import torch

from fusedream_sdk.errors import InvalidInput, PluginImportError
from fusedream_sdk.run import plot
from fusedream_sdk.run.plot import NAMED, history_plot, plot_png

pytest.importorskip("matplotlib")

NAN = float("nan")
COURSE = {
    "augclip": torch.tensor([[-0.1, -0.2], [-0.3, -0.2], [-0.4, NAN]]),
    "consistency": torch.tensor([[0.5, 0.6], [0.4, 0.5], [0.3, NAN]]),
    "held_out": torch.tensor([[-0.1, -0.1], [NAN, NAN], [-0.3, NAN]]),
}


def lines(axes) -> list[tuple[list[float], list[float]]]:
    return [(list(map(float, line.get_xdata())), list(map(float, line.get_ydata()))) for line in axes.lines]


def test_a_score_is_a_line_for_each_row_with_a_dot_for_each_look_and_a_penalty_has_a_panel():
    score, consistency = history_plot(COURSE, ["a dog (seed 0)", "a $cat"]).axes
    drawn = lines(score)
    assert drawn[0] == ([0, 1, 2], pytest.approx([0.1, 0.3, 0.4]))
    assert np.isnan(drawn[1][1][2])  # a row that had stopped
    assert drawn[2] == ([0, 2], pytest.approx([0.1, 0.3]))
    assert drawn[3] == ([0], pytest.approx([0.1]))
    assert lines(consistency)[0][1] == pytest.approx([0.5, 0.4, 0.3])
    assert "higher" in score.get_title(loc="left")
    assert "lower" in consistency.get_title(loc="left")


def test_only_the_first_rows_are_named():
    many = {"augclip": torch.zeros(2, 40)}
    legend = history_plot(many, [f"row {i}" for i in range(40)]).axes[0].get_legend()
    assert legend is not None
    assert len(legend.get_texts()) == NAMED


def test_a_name_is_not_read_as_a_formula():
    history_plot({"augclip": torch.zeros(2, 1)}, [r"it costs $5 or \frac$"]).draw_without_rendering()


def test_the_global_state_of_matplotlib_is_not_touched():
    before = "matplotlib.pyplot" in sys.modules
    assert (plot_png(lambda: history_plot(COURSE, ["a", "b"])) or b"").startswith(b"\x89PNG")
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_a_notebook_shows_the_figure_by_itself():
    figure: Any = history_plot(COURSE, ["a", "b"])
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_no_history_is_told():
    with pytest.raises(InvalidInput, match="history: expected the losses of at least one step"):
        history_plot({}, [])


def test_without_matplotlib_a_sentence_says_what_to_install_and_a_notebook_does_without(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plot, "NEEDS_OF_PLOTS", ("plot: a plot needs", "plots", "a_module_that_is_not_there"))
    with pytest.raises(PluginImportError, match=r'plot: a plot needs .*pip install "fusedream-sdk\[plots\]"'):
        history_plot(COURSE, ["a", "b"])
    monkeypatch.setattr(plot.importlib.util, "find_spec", lambda name: None)
    assert plot_png(lambda: history_plot(COURSE, ["a", "b"])) is None
