"""Plots of figures with their intervals, and of scores over the work they took, by matplotlib."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fusedream_sdk.evaluation.bootstrap import Interval
from fusedream_sdk.run.plot import COLOURS, INK, LETTERS, SMALL, empty_figure, plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAINT = "#999999"
ROW, HEAD, WIDE = 0.30, 1.05, 7.2  # inches: of a row, of what is around a panel, of a panel
WRAP = 34  # letters of a label's line


@dataclass(frozen=True)
class Row:
    """A figure with a name; hollow where it is to be read with care."""

    label: str
    interval: Interval
    hollow: bool = False


@dataclass(frozen=True)
class Panel:
    """Figures of one kind, a line for each.

    Attributes:
        title, across: above and below.
        rows: from the top. share: whether they are shares, to be shown in per cent.
        mark: where a vertical line is drawn, if at all.
    """

    title: str
    across: str
    rows: Sequence[Row]
    share: bool = False
    mark: float | None = None


@dataclass(frozen=True)
class Curve:
    """A score over the work that it took.

    Attributes:
        label: for the legend. x: pictures drawn and scored. y: the score there, each with its interval, or none.
    """

    label: str
    x: Sequence[float]
    y: Sequence[Interval]


def interval_plot(panels: Sequence[Panel], *, beside: bool = False) -> Figure:
    """Panels one below the other, each with an axis of its own; or beside each other, where their rows have the same names."""
    if beside:
        figure = empty_figure(1.6 + 3.4 * len(panels), HEAD + 0.8 * ROW * max(map(_lines, panels)))
        across: Any = figure.subplots(1, len(panels), squeeze=False, sharey=True)
        for axes, panel in zip(across[0], panels, strict=True):
            _draw_rows(axes, panel)
        return figure
    figure = empty_figure(WIDE, sum(HEAD + ROW * max(_lines(panel), 1) for panel in panels))
    heights = [HEAD / 2 + ROW * max(_lines(panel), 1) for panel in panels]
    grid: Any = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)
    for axes, panel in zip(grid[:, 0], panels, strict=True):
        _draw_rows(axes, panel)
    return figure


def curve_plot(panels: Sequence[tuple[str, Sequence[Curve]]], *, across: str, up: str, columns: int = 3) -> Figure:
    """Panels side by side, each with its title and curves, whose first is the one to compare with; all have one scale."""
    columns = min(columns, len(panels))
    lines = -(-len(panels) // columns)
    figure = empty_figure(4.0 * columns, 3.7 * lines + 0.3)
    grid: Any = figure.subplots(lines, columns, squeeze=False, sharey=True)
    for number, axes in enumerate(grid.flat):
        if number >= len(panels):
            axes.set_axis_off()
            continue
        title, curves = panels[number]
        counts = [count for curve in curves for count in curve.x] or [0]
        for place, curve in enumerate(curves):
            _draw_curve(axes, curve, place, apart=0.02 * (max(counts) - min(counts)))
        axes.set_title(title, loc="left", fontsize=LETTERS + 1)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="upper left", bbox_to_anchor=(-0.04, -0.1), **SMALL)  # below: no course is hidden by it
        plain_axes(axes)
    figure.supxlabel(across, fontsize=LETTERS)
    figure.supylabel(up, fontsize=LETTERS)
    return figure


def _labels(panel: Panel) -> list[str]:
    return ["\n".join(textwrap.wrap(row.label, WRAP)[:3] or [""]) for row in panel.rows]


def _lines(panel: Panel) -> float:
    """How many rows a panel is high: long labels take more."""
    return sum(max(1, 0.6 * (label.count("\n") + 1)) for label in _labels(panel))


def _draw_rows(axes: Axes, panel: Panel) -> None:
    places = range(len(panel.rows), 0, -1)
    scale = 100 if panel.share else 1
    for place, row in zip(places, panel.rows, strict=True):
        one = row.interval
        if one.known:
            axes.plot([scale * one.low, scale * one.high], [place, place], color=COLOURS[0], linewidth=1.6, zorder=2)
        face = "white" if row.hollow else COLOURS[0]
        axes.plot([scale * one.value], [place], "o", color=COLOURS[0], markerfacecolor=face, markersize=5, zorder=3)
    if panel.mark is not None:
        axes.axvline(scale * panel.mark, color=FAINT, linewidth=1, linestyle="--", zorder=1)
    axes.set_yticks(list(places), _labels(panel))
    axes.set_ylim(0.4, len(panel.rows) + 0.6)
    axes.margins(x=0.06)
    if panel.share and panel.mark is None:
        axes.set_xlim(-3, 103)
    axes.set_title(panel.title, loc="left", fontsize=LETTERS + 1)
    axes.set_xlabel(panel.across, fontsize=LETTERS)
    plain_axes(axes)


def _draw_curve(axes: Axes, curve: Curve, place: int, *, apart: float) -> None:
    """A course, with the interval at its end; ends of several stand beside each other, in order."""
    first, colour = place == 0, INK if place == 0 else COLOURS[(place - 1) % len(COLOURS)]
    known = [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if y.value == y.value]
    at, values = [x for x, _ in known], [y.value for _, y in known]
    if first and all(y.known for _, y in known):
        axes.fill_between(at, [y.low for _, y in known], [y.high for _, y in known], color=colour, alpha=0.12, linewidth=0)
    width = 2.0 if first else 1.4
    axes.plot(at, values, color=colour, linewidth=width, label=curve.label, zorder=3 if first else 2)
    if known and known[-1][1].known:
        end = known[-1][1]
        reach = [[end.value - end.low], [end.high - end.value]]
        axes.errorbar([at[-1] + apart * place], [end.value], reach, fmt="o", color=colour, markersize=3.5, capsize=2)
