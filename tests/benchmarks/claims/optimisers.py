"""Claim 4: how many times less work Adam takes than BasinCMA, at equal score."""

from __future__ import annotations

from argparse import Namespace

import numpy as np

import fusedream_sdk as fd
from fusedream_sdk.evaluation.bootstrap import Array, Interval
from tests.benchmarks.adam_or_cma import PAIRS, Ruler, kept_course
from tests.benchmarks.claims.frame import ROWS, Asked, Paired, Values, coloured, one_by_one, paired
from tests.benchmarks.claims.verdict import Claim, Mean, Outcome, Statement, outcome
from tests.benchmarks.judging import load_dual, pair_settings

MAIN = "FuseDream, BasinCMA"
TIMES = 20.0  # section 3.2
COMPARED = {name: PAIRS[name] for name in (MAIN, "one latent, one draw")}
UNITS = {"pictures": "pictures drawn and scored", "seconds": "processor time"}

CLAIM = Claim(
    4,
    "Adam is about 20 times faster than BasinCMA at equal score",
    (
        Statement(
            "faster",
            "Adam is faster",
            "pictures that BasinCMA draws until the equal score over those of Adam; geometric mean",
            bar=1.0,
            unit="times",
        ),
        Statement("twenty", "about 20 times", "the same, in pictures", number=TIMES, unit="times"),
        Statement(
            "faster-seconds",
            "Adam is faster by the clock",
            "processor time of BasinCMA until the equal score over that of Adam; geometric mean",
            bar=1.0,
            unit="times",
        ),
        Statement("twenty-seconds", "about 20 times by the clock", "the same, in time", number=TIMES, unit="times"),
    ),
)


def optimisers(asked: Asked) -> Outcome:
    """Coloured things by Adam and by BasinCMA around the same start; the equal score is the lower of their two ends."""
    dream = fd.FuseDream("emoji", device="cpu", dtype="float32", settings={**pair_settings("emoji"), **asked.settings})
    dream.bank(progress=False)
    next(dream.iterate("a red apple"))  # whatever is done once
    ruler = Ruler(dream, load_dual("emoji-judge"))
    how = Namespace(cache=asked.folder / ROWS / "courses", generations=asked.options["generations"], lr=asked.options["lr"])

    def make(pair: str, prompt: str, seed: int) -> Values:
        one, other = (kept_course(name, dream, ruler, (prompt, seed), how) for name in COMPARED[pair])
        equal = min(one.end, other.end)
        (pictures, seconds), (others, longer) = one.until(equal), other.until(equal)
        scores = {"adam": one.end, "basin": other.end, "reached": max(x[2] for x in other.points) >= one.end}
        return {"pictures": others / pictures, "seconds": longer / seconds, **scores}

    rows = paired(asked, coloured(asked.prompts), list(COMPARED), one_by_one(make))
    found = {name: geometric(rows, rows.column(MAIN, name)) for name in UNITS}
    effects = {"faster": found["pictures"], "twenty": found["pictures"]}
    effects |= {"faster-seconds": found["seconds"], "twenty-seconds": found["seconds"]}
    means = [
        Mean(pair, f"times the {title}", geometric(rows, rows.column(pair, name)))
        for name, title in UNITS.items()
        for pair in COMPARED
    ]
    ends = {"adam": "Adam", "basin": "BasinCMA"}
    means += [
        Mean(f"{label} ({pair})", "AugCLIP at the end, over fresh views", rows.mean(rows.column(pair, name)))
        for pair in COMPARED
        for name, label in ends.items()
    ]
    reached = int(rows.column(MAIN, "reached").sum())
    notes = [
        f"BasinCMA as published, but {how.generations} generations in all in place of 31, at a rate of {how.lr:g}.",
        f"BasinCMA came to the end of Adam in {reached} of {len(rows.prompts)} runs; the equal score is the lower of the ends.",
    ]
    return outcome(CLAIM, effects, rows.counts, means=means, notes=notes)


def geometric(rows: Paired, ratios: Array) -> Interval:
    """The geometric mean of ratios, and its interval."""
    found = rows.mean(np.log(ratios))
    return Interval(*(float(np.exp(x)) for x in (found.value, found.low, found.high)))
