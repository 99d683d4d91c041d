"""When a claim holds: statements with their rules, fixed before anything is measured, and what was measured of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from fusedream_sdk.evaluation.bootstrap import NAN, Interval
from fusedream_sdk.evaluation.evidence import finite, markdown_table, shown_interval, shown_number
from fusedream_sdk.evaluation.plots import Panel, Row, interval_plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image

HOLDS, FAILS, UNKNOWN, UNRUN = "holds", "does not hold", "cannot be told here", "not run yet"
FEWEST = 10  # prompts, with fewer of which nothing is told: a resampling of so few knows too little of how they differ
ABOUT = 2.0  # a number of the paper is met by an interval that has it inside and lies within half and twice of it
Unit = Literal["score", "share", "times"]
HEAD = ("in the paper", "measured here", "holds where the interval is", "value", "95 % interval", "of", "verdict")


@dataclass(frozen=True)
class Statement:
    """A part of a claim, with the rule by which it is judged.

    Attributes:
        key: a short name. says: what the paper says, in few words.
        effect: what is measured.
        bar: what the effect has to be above; or `below` it.
        number: the figure that the paper gives, in place of a bar.
        unit: a score, a share of 1 (shown in per cent), or how many times.
        untold: why it cannot be measured here, in a sentence; empty where it can.
    """

    key: str
    says: str
    effect: str
    bar: float = 0.0
    below: bool = False
    number: float | None = None
    unit: Unit = "score"
    untold: str = ""

    @property
    def rule(self) -> str:
        """Where the interval has to lie, in words."""
        if self.untold:
            return ""
        if self.number is not None:
            low, high = (self._plain(self.number * x) for x in (1 / ABOUT, ABOUT))
            return f"within {low} and {high}, with {self._plain(self.number)} inside"
        return f"{'below' if self.below else 'above'} {self._plain(self.bar)}"

    def verdict(self, interval: Interval) -> str:
        """What an interval says: on the claimed side as a whole, on the other side as a whole, or neither."""
        if not interval.known:
            return UNKNOWN
        low, high = interval.low, interval.high
        if self.number is not None:
            near = self.number / ABOUT <= low and high <= self.number * ABOUT
            return FAILS if interval.excludes(self.number) else HOLDS if near else UNKNOWN
        above, below = low > self.bar, high < self.bar
        claimed, other = (below, above) if self.below else (above, below)
        return HOLDS if claimed else FAILS if other else UNKNOWN

    def shown(self, value: float) -> str:
        """A value of the effect as a table has it."""
        if self.unit == "times":
            return shown_number(value, digits=1)
        return _number(value, self.unit == "share")

    def _plain(self, value: float) -> str:
        """A number of the rule: no more digits than it has."""
        text = f"{100 * value:g} %" if self.unit == "share" else f"{value:g}"
        return text.replace("-", "−")


@dataclass(frozen=True)
class Found:
    """What was measured of one statement: the effect with its interval, over how many prompts and rows."""

    statement: Statement
    interval: Interval
    prompts: int
    rows: int

    @property
    def verdict(self) -> str:
        """Of this statement; of too few prompts it cannot be told."""
        return UNKNOWN if self.prompts < FEWEST else self.statement.verdict(self.interval)


@dataclass(frozen=True)
class Mean:
    """A figure behind the statements: the mean of a measure over the pictures of one way of drawing."""

    way: str
    measure: str
    interval: Interval
    share: bool = False

    @property
    def shown(self) -> str:
        """The mean and its interval, as a table has them."""
        value = _number(self.interval.value, self.share)
        ends = shown_interval(self.interval, lambda end: _number(end, self.share))
        return f"{value} ({ends})" if self.interval.known else value


@dataclass(frozen=True)
class Sheet:
    """Pictures behind the figures, for the eye.

    Attributes:
        name: of its file. title: what it is, in few words. says: what stands where, in a sentence.
    """

    name: str
    title: str
    says: str
    picture: Image.Image


@dataclass(frozen=True)
class Claim:
    """One of the seven.

    Attributes:
        number: of it, from 1. title: in few words.
        statements: its parts. All of them have to hold for it to hold.
    """

    number: int
    title: str
    statements: tuple[Statement, ...]

    def table(self, found: Sequence[Found] = ()) -> str:
        """A line for each statement; "not run yet" where nothing was measured."""
        known = {one.statement.key: one for one in found}
        return markdown_table([HEAD, *(_line(one, known.get(one.key)) for one in self.statements)])

    def unrun(self) -> str:
        """What the page has for a claim before its command has run."""
        return f"**Verdict: {UNRUN}.**\n\n{self.table()}\n\nPlot: {UNRUN}."


@dataclass(frozen=True)
class Outcome:
    """What a command found of a claim.

    Attributes:
        claim: it. found: of each statement. means: the figures behind them.
        notes: sentences to read the table with. sheets: pictures to look at.
    """

    claim: Claim
    found: tuple[Found, ...]
    means: tuple[Mean, ...] = ()
    notes: tuple[str, ...] = field(default=())
    sheets: tuple[Sheet, ...] = field(default=())

    @property
    def verdict(self) -> str:
        """Of the whole claim, which says all of its statements at once."""
        return together([one.verdict for one in self.found])

    def to_markdown(self) -> str:
        """The verdict, the table, the figures behind it, and the notes."""
        counts = [sum(one.verdict == v for one in self.found) for v in (HOLDS, FAILS, UNKNOWN)]
        parts = "; ".join(f"{v}: {n}" for n, v in zip(counts, (HOLDS, FAILS, UNKNOWN), strict=True) if n)
        head = f"**Verdict: {self.verdict}.** Its {len(self.found)} statements: {parts}."
        behind = ["", "The figures behind it, each with its 95 % interval:", "", self._behind()] if self.means else []
        notes = ["", *(f"- {note}" for note in self.notes)] if self.notes else []
        return "\n".join([head, "", self.claim.table(self.found), *behind, *notes])

    def plot(self) -> Figure:
        """The effects, those of one rule in one panel, with a line where the rule has it; below them the figures behind."""
        panels = []
        known = [one for one in self.found if one.interval.value == one.interval.value]
        for rule in dict.fromkeys(_kind(one.statement) for one in known):
            own = [one for one in known if _kind(one.statement) == rule]
            first = own[0].statement
            share, mark = first.unit == "share", first.bar if first.number is None else first.number
            unit = {"share": "%; ", "times": "times; ", "score": ""}[first.unit]
            across = f"{unit}effect and 95 % interval" + ("; hollow: cannot be told" if _untold(own) else "")
            rows = [Row(f"{one.statement.says}: {one.verdict}", one.interval, bool(_untold([one]))) for one in own]
            panels.append(Panel(f"Holds where the interval is {first.rule}", across, rows, share, mark))
        for measure in dict.fromkeys(one.measure for one in self.means):
            own = [one for one in self.means if one.measure == measure]
            across = f"{'% of pictures; ' if own[0].share else ''}mean and 95 % interval"
            panels.append(Panel(f"Behind it: {measure}", across, [Row(one.way, one.interval) for one in own], own[0].share))
        return interval_plot(panels)

    def _behind(self) -> str:
        """A line for each way of drawing, a column for each measure; an empty cell where a way lacks it."""
        ways = list(dict.fromkeys(one.way for one in self.means))
        measures = list(dict.fromkeys(one.measure for one in self.means))
        cells = {(one.way, one.measure): one.shown for one in self.means}
        return markdown_table([("", *measures), *((way, *(cells.get((way, name), "") for name in measures)) for way in ways)])

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        found = [
            {"statement": one.statement.key, "verdict": one.verdict, "rule": one.statement.rule, **_plain(one.interval)}
            | {"prompts": one.prompts, "rows": one.rows}
            for one in self.found
        ]
        means = [{"way": one.way, "measure": one.measure, **_plain(one.interval)} for one in self.means]
        return {"claim": self.claim.number, "verdict": self.verdict, "found": found, "means": means, "notes": list(self.notes)}


def together(verdicts: Sequence[str]) -> str:
    """The verdict of a claim whose statements have these: one that fails is enough for it to fail."""
    if FAILS in verdicts:
        return FAILS
    return HOLDS if verdicts and set(verdicts) == {HOLDS} else UNKNOWN


def outcome(
    claim: Claim,
    effects: Mapping[str, Interval],
    counts: tuple[int, int],
    *,
    own: Mapping[str, tuple[int, int]] | None = None,
    means: Sequence[Mean] = (),
    notes: Sequence[str] = (),
    sheets: Sequence[Sheet] = (),
) -> Outcome:
    """What was found of every statement of a claim; one without an effect cannot be told.

    Args:
        effects: by the keys of the statements. counts: prompts and rows; `own` of statements that have others.
    """
    strange = set(effects) - {one.key for one in claim.statements}
    if strange:
        raise ValueError(f"expected statements of claim {claim.number}, got {', '.join(sorted(strange))}")
    every = {**dict.fromkeys(effects, counts), **(own or {})}
    found = [Found(one, effects.get(one.key, Interval(NAN)), *every.get(one.key, (0, 0))) for one in claim.statements]
    return Outcome(claim, tuple(found), tuple(means), tuple(notes), tuple(sheets))


def _line(one: Statement, found: Found | None) -> list[str]:
    """A line of the table. What cannot be measured here says why, run or not."""
    cells = [one.says, one.effect, one.rule]
    if one.untold:
        return [one.says, one.untold, "", "", "", "", UNKNOWN]
    if found is None:
        return [*cells, UNRUN, UNRUN, UNRUN, UNRUN]
    of = f"{found.prompts:,} prompts, {found.rows:,} rows" if found.prompts else ""
    ends = shown_interval(found.interval, one.shown)
    return [*cells, one.shown(found.interval.value), ends, of, found.verdict]


def _number(value: float, share: bool) -> str:
    return shown_number(value, share=share, signed=value < 0)  # with the sign of a minus


def _untold(found: Sequence[Found]) -> list[Found]:
    return [one for one in found if one.verdict == UNKNOWN]


def _kind(one: Statement) -> tuple[Any, ...]:
    return one.unit, one.rule


def _plain(interval: Interval) -> dict[str, float | None]:
    return {"value": finite(interval.value), "low": finite(interval.low), "high": finite(interval.high)}
