"""The course of a run, by matplotlib: scores and losses by step. Figures of their own, without the global state of pyplot."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, shown
from fusedream_sdk.models.missing import require
from fusedream_sdk.optim.state import HELD_OUT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito: told apart by all eyes
NEEDS_OF_PLOTS = ("plot: a plot needs", "plots", "matplotlib")
INK = "#222222"
LETTERS, DPI, SHOWN_DPI = 9, 150, 100  # points; dots per inch, of a file and of a notebook
WIDE, TALL = 7.2, 2.4  # inches: of a figure, of a panel
NAMED, LONGEST = 12, 40  # lines with a name in the legend; letters of a name
SCORE = "augclip"  # the loss whose negative is a score

SMALL: dict[str, Any] = {
    "fontsize": LETTERS - 1,
    "frameon": False,
    "ncols": 3,
    "columnspacing": 1.2,
    "labelspacing": 0.25,
    "handlelength": 1.4,
    "borderaxespad": 0.0,
}


def history_plot(history: Mapping[str, Tensor], names: Sequence[str]) -> Figure:
    """A panel for each loss of a history, a line for each row.

    AugCLIP is shown as a score, higher is better, with a dot at each look at held-out views. Penalties and a composition's
    consistency have panels of their own and are losses, lower is better.

    Args:
        history: name of a loss -> (T, B), NaN where there is none.
        names: of the rows, for the legend; only the first 12 are named there.

    Raises:
        InvalidInput: there is no history. PluginImportError: matplotlib is not installed.
    """
    shown_losses = {name: x.detach().float().cpu() for name, x in history.items() if name != HELD_OUT}
    if not shown_losses:
        fix = "Plot a result as generate, compose or invert gave it."
        raise InvalidInput("history", expected="the losses of at least one step", got="none", fix=fix)
    figure = empty_figure(WIDE, TALL * len(shown_losses) + 0.6)
    panels: Any = figure.subplots(len(shown_losses), 1, squeeze=False, sharex=True)
    for axes, (name, losses) in zip(panels[:, 0], shown_losses.items(), strict=True):
        is_score = name == SCORE
        title = f"{name}, {'higher' if is_score else 'lower'} is better"
        _draw_rows(axes, -losses if is_score else losses, names)
        if is_score and HELD_OUT in history:
            _draw_looks(axes, -history[HELD_OUT].detach().float().cpu())
            title += "; dots: on held-out views"
        axes.set_title(title, loc="left", fontsize=LETTERS + 1)
        plain_axes(axes)
    below = panels[-1, 0]
    below.set_xlabel("step", fontsize=LETTERS)
    below.xaxis.get_major_locator().set_params(integer=True)
    below.legend(loc="upper left", bbox_to_anchor=(0.0, -0.25), **{**SMALL, "ncols": 2})
    return figure


def plot_png(plot: Callable[[], Figure]) -> bytes | None:
    """A plot as PNG; None without matplotlib."""
    if importlib.util.find_spec("matplotlib") is None:
        return None
    return figure_png(plot())


def figure_png(figure: Figure) -> bytes:
    """A figure as PNG."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=SHOWN_DPI)
    return buffer.getvalue()


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as what the path's suffix says; the same figure gives the same file."""
    from matplotlib import rc_context

    suffix = path.suffix.lower().removeprefix(".")
    dates = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with rc_context({"svg.hashsalt": "fusedream"}):  # or the names inside an SVG are drawn anew each time
        figure.savefig(path, format=suffix, dpi=DPI, metadata=dates[suffix])  # pyright: ignore[reportArgumentType]


def empty_figure(width: float, height: float) -> Figure:
    """An empty figure, so many inches wide and high, which a notebook shows. Raises PluginImportError without matplotlib."""
    require(*NEEDS_OF_PLOTS)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    class Shown(Figure):  # notebooks know how to show a Figure only where pyplot was imported
        def _repr_png_(self) -> bytes:
            return figure_png(self)

    figure = Shown(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def plain_axes(axes: Axes) -> None:
    """Little besides the data."""
    axes.tick_params(labelsize=LETTERS - 0.5, colors=INK)
    axes.grid(True, color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _draw_rows(axes: Axes, values: Tensor, names: Sequence[str]) -> None:
    """(T, B) as B lines."""
    for row, name in enumerate(names):
        label = " ".join(shown(name, LONGEST).split()).replace("$", r"\$") if row < NAMED else None
        axes.plot(range(len(values)), values[:, row].numpy(), color=_colour(row), linewidth=1.3, label=label)


def _draw_looks(axes: Axes, values: Tensor) -> None:
    """(T, B), NaN where there was no look, as dots that are joined."""
    for row in range(values.shape[1]):
        (steps,) = torch.where(torch.isfinite(values[:, row]))
        seen = values[steps, row].numpy()
        axes.plot(steps.numpy(), seen, "o--", color=_colour(row), markersize=3.5, linewidth=0.8)


def _colour(row: int) -> str:
    return COLOURS[row % len(COLOURS)]
