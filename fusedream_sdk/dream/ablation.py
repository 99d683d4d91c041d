"""What each technique is worth: tables and plots of runs that differ from the default in one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusedream_sdk.dream.course import Points
from fusedream_sdk.dream.techniques import DEFAULT, Variant
from fusedream_sdk.evaluation.bootstrap import NAN, Bootstrap, Interval
from fusedream_sdk.evaluation.evidence import (
    csv_text,
    finite,
    markdown_table,
    save_as,
    shown_interval,
    shown_number,
)
from fusedream_sdk.evaluation.plots import Curve, Panel, Row, curve_plot, interval_plot
from fusedream_sdk.imaging.cards import html_table
from fusedream_sdk.run.plot import plot_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RANKED, JUDGED, AUGCLIP = "r-precision", "judge", "augclip"
TITLES = {RANKED: "R-precision", JUDGED: "judge", AUGCLIP: "AugCLIP"}
BOUNDS = {RANKED: (-1.0, 1.0)}  # of a difference


@dataclass(frozen=True)
class Trial:
    """What came of one variant.

    Attributes:
        variant: it.
        values: measure -> its value for each row that is there.
        rows: their numbers among those that were asked for.
        courses: of each of them the judge's score at every look.
        evaluations: pictures that a row's run draws and scores. seconds: for each picture; None where none was drawn.
        told: why there is nothing, in a sentence; empty where there is.
    """

    variant: Variant
    values: Mapping[str, Sequence[float]] = field(default_factory=dict)
    rows: Sequence[int] = ()
    courses: Sequence[Points] = ()
    evaluations: int = 0
    seconds: float | None = None
    told: str = ""

    def value_of(self, measure: str) -> dict[int, float]:
        """Row -> value."""
        return dict(zip(self.rows, self.values.get(measure, ()), strict=False))


@dataclass(frozen=True)
class Ablation:
    """What `ablate` returns.

    Attributes:
        prompts, seeds: of each row. trials: the default's first.
        judge: the name of the model that judges. candidates: among how many captions it ranks; 0 where it does not.
        bootstrap: of the intervals.
        notes: sentences to read the table with.
        stopped: whether Ctrl-C ended it early.
    """

    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    trials: tuple[Trial, ...]
    judge: str
    candidates: int = 0
    bootstrap: Bootstrap = field(default_factory=Bootstrap)
    notes: tuple[str, ...] = ()
    stopped: bool = False

    def __getitem__(self, name: str) -> Trial:
        """What came of a variant, by its name. Raises KeyError for another."""
        return {trial.variant.name: trial for trial in self.trials}[name]

    @property
    def measures(self) -> list[str]:
        """Those that the default has."""
        return list(self[DEFAULT].values)

    def interval(self, name: str, measure: str) -> Interval:
        """The mean of a measure over the pictures of a variant, by resampling prompts, each with all its seeds."""
        values = self[name].value_of(measure)
        bounds = (0.0, 1.0) if measure == RANKED else None
        return self.bootstrap.mean(list(values.values()), [self.prompts[row] for row in values], bounds)

    def difference(self, name: str, measure: str) -> Interval:
        """How much more a variant has than the default, picture by picture of the same prompt and seed."""
        own, other = self[name].value_of(measure), self[DEFAULT].value_of(measure)
        both = [row for row in own if row in other]
        apart = [own[row] - other[row] for row in both]
        return self.bootstrap.mean(apart, [self.prompts[row] for row in both], BOUNDS.get(measure))

    def to_markdown(self) -> str:
        """A line for each variant: every measure with its interval, and its difference to the default, bold where it is one."""
        table = markdown_table([self._head(), *map(self._line, self.trials)])
        return "\n".join([table, "", *(f"- {sentence}" for sentence in self._below())])

    def _repr_html_(self) -> str:
        return html_table(self._head(), [*map(self._line, self.trials)], notes=self._below(), bold=True)

    def _repr_png_(self) -> bytes | None:
        return plot_png(self.plot)

    def __str__(self) -> str:
        return self.to_markdown()

    def to_json(self) -> dict[str, Any]:
        """Everything but the pictures, as JSON has it."""
        asked = {"prompts": list(self.prompts), "seeds": list(self.seeds), "judge": self.judge, "candidates": self.candidates}
        how = {"level": self.bootstrap.level, "notes": list(self.notes), "stopped": self.stopped}
        return {**asked, **how, "variants": [self._plain(trial) for trial in self.trials]}

    def to_csv(self) -> str:
        """A line for each variant, every figure with the ends of its interval."""
        rows = []
        for trial in self.trials:
            told = {"variant": trial.variant.name, "technique": trial.variant.technique, "changed": trial.variant.about}
            figures = {key: value for measure in self.measures for key, value in self._flat(trial, measure).items()}
            counts = {"pictures": len(trial.rows), "evaluations": trial.evaluations or None, "seconds": trial.seconds}
            rows.append({**told, **figures, **counts, "note": trial.told})
        return csv_text(rows)

    def plot(self) -> Figure:
        """The judge's score over the pictures drawn and scored, a panel for each technique. Needs the extra `evaluation`."""
        names = dict.fromkeys(trial.variant.technique for trial in self.trials if trial.variant.technique and trial.rows)
        default = self._curve(self[DEFAULT])
        panels = [
            (name, [default, *(self._curve(t) for t in self.trials if t.variant.technique == name and t.rows)])
            for name in names
        ]
        across = "pictures drawn and scored for one (the search not counted)"
        return curve_plot(panels or [(DEFAULT, [default])], across=across, up=f"score by {self.judge}")

    def plot_differences(self) -> Figure:
        """The difference of each variant to the default with its interval, a panel for each measure."""
        others = [trial for trial in self.trials if trial.variant.name != DEFAULT and trial.rows]
        panels = []
        for measure in self.measures:
            rows = [Row(trial.variant.name, self.difference(trial.variant.name, measure)) for trial in others]
            share = measure == RANKED
            own = self[DEFAULT].value_of(measure)
            mean = shown_number(sum(own.values()) / max(1, len(own)), share=share)
            across = f"{'percentage points' if share else 'score'} more than\nthe default, which has {mean}"
            panels.append(Panel(self._title(measure), across, rows, share, mark=0.0))
        return interval_plot(panels, beside=True)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write a table (.md, .csv, .json) or `plot` (.png, .svg, .pdf). Raises OutputError; InvalidInput: another suffix."""
        return save_as(path, self.to_markdown, self.to_csv, self.to_json, self.plot, overwrite=overwrite)

    def save_differences(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """The same, with `plot_differences` for the plot."""
        return save_as(path, self.to_markdown, self.to_csv, self.to_json, self.plot_differences, overwrite=overwrite)

    def _title(self, measure: str) -> str:
        if measure == RANKED:
            return f"R-precision by {self.judge}, of {self.candidates}"
        return f"score by {self.judge}" if measure == JUDGED else TITLES[measure]

    def _head(self) -> list[str]:
        percent = f"{100 * self.bootstrap.level:g} %"
        head = ["variant", "what is changed"]
        for measure in self.measures:
            head += [f"{self._title(measure)} ({percent})", "difference"]
        return [*head, "evaluations", "s per picture"]

    def _line(self, trial: Trial) -> list[str]:
        cells = [trial.variant.name, trial.variant.about]
        if not trial.rows:
            return [*cells, trial.told, *[""] * (2 * len(self.measures) + 1)]
        for measure in self.measures:
            share, interval = measure == RANKED, self.interval(trial.variant.name, measure)
            mean = shown_number(interval.value, share=share)
            ends = shown_interval(interval, lambda x, share=share: shown_number(x, share=share))
            cells += [f"{mean} ({ends})", self._apart(trial, measure)]
        return [*cells, f"{trial.evaluations:,}", "" if trial.seconds is None else f"{trial.seconds:.3g}"]

    def _apart(self, trial: Trial, measure: str) -> str:
        """The difference to the default, bold where its interval leaves out 0."""
        if trial.variant.name == DEFAULT:
            return ""
        apart, share = self.difference(trial.variant.name, measure), measure == RANKED
        value = shown_number(apart.value, share=share, signed=True)
        ends = shown_interval(apart, lambda x: shown_number(x, share=share, signed=True))
        return f"**{value}** ({ends})" if apart.excludes(0.0) else f"{value} ({ends})"

    def _below(self) -> list[str]:
        """What to know of the table."""
        prompts, seeds, compared = len(set(self.prompts)), len(set(self.seeds)), sum(bool(t.rows) for t in self.trials[1:])
        chance = (1 - self.bootstrap.level) * compared
        return [
            f"{prompts} {_count('prompt', prompts)}, {seeds} {_count('seed', seeds)}; intervals by resampling prompts, "
            f"differences by pairs of one prompt and seed, bold where 0 is outside.",
            f"Of {compared} differences that are none, about {chance:.1f} are bold by chance in each column.",
            *self.notes,
        ]

    def _flat(self, trial: Trial, measure: str) -> dict[str, float | None]:
        found: dict[str, float | None] = {}
        for kind, one in (
            ("", self.interval(trial.variant.name, measure)),
            ("-difference", self.difference(trial.variant.name, measure)),
        ):
            low, high = (one.low, one.high) if one.known else (NAN, NAN)
            found |= {f"{measure}{kind}{end}": finite(x) for end, x in (("", one.value), ("-low", low), ("-high", high))}
        return found

    def _plain(self, trial: Trial) -> dict[str, Any]:
        own = {"variant": trial.variant.name, "technique": trial.variant.technique, "changed": trial.variant.about}
        figures = {measure: self._flat(trial, measure) for measure in self.measures}
        counts = {"evaluations": trial.evaluations, "seconds": trial.seconds, "told": trial.told or None}
        rows = {"rows": list(trial.rows), "values": {name: list(x) for name, x in trial.values.items()}}
        return {**own, "figures": figures, **counts, **rows, "courses": [list(points) for points in trial.courses]}

    def _curve(self, trial: Trial) -> Curve:
        """The mean course of a variant; a row that has stopped stays where it is."""
        known = [(row, points) for row, points in zip(trial.rows, trial.courses, strict=True) if points]
        at = sorted({count for _, points in known for count, _ in points})
        captions = [self.prompts[row] for row, _ in known]
        means = [self.bootstrap.mean([_at(points, count) for _, points in known], captions) for count in at]
        return Curve(trial.variant.name, at, means)


def _at(points: Points, count: int) -> float:
    """The score after so much work: that of the last look until then."""
    return next((score for seen, score in reversed(points) if seen <= count), points[0][1])


def _count(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
