"""Claim 5: two things composed against a single picture, and three ways to weigh the two losses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.evaluation.bootstrap import Array, Interval
from fusedream_sdk.imaging.pasting import grid_boxes, seam
from fusedream_sdk.scenes.placement import PLACES
from tests.benchmarks.case_studies import cosines
from tests.benchmarks.claims.frame import (
    DIFFERENCE,
    SHARE,
    SHOWN,
    Asked,
    Paired,
    Values,
    judged,
    paired,
    row_sheet,
    save_rows,
    two_things,
)
from tests.benchmarks.claims.verdict import Claim, Mean, Outcome, Statement, outcome
from tests.benchmarks.judging import load_dual
from tests.benchmarks.two_objects import METHODS
from tests.benchmarks.two_objects import judged as verdict

SUMS = ("linear-1", "linear-10", "linear-100")
BOTH = {"single": "a single picture", "bi-level": "composed"}
TWO = tuple(BOTH)
WEIGHED = (*SUMS, "inverse")  # the other ways to weigh the two losses
WAYS = (*TWO, *WEIGHED)
HALVING = 3
AS_GOOD = -0.02  # by so much of the judge's score bi-level may be behind a tuned sum and still "needs no tuning"
SHARES = {"first": "R-precision by the judge, of 100", "both": "both things seen by the judge"}
SCORES = {
    "judge": "score by the judge",
    "augclip": "AugCLIP over fresh views",
    "seam": "step of the colour across the plainest border of the nine places",
}

CLAIM = Claim(
    5,
    "Composition renders two things; bi-level needs no tuning, the sum does, the inverse is worse",
    (
        Statement(
            "two",
            "two things where one picture merges or drops one",
            "R-precision by the judge among captions that change one of the things: bi-level, less a single picture",
            unit="share",
        ),
        Statement(
            "both",
            "and both can be seen",
            "share of pictures in which the judge sees both things: bi-level, less a single picture",
            unit="share",
        ),
        Statement(
            "untuned",
            "bi-level needs no tuning",
            "score by the judge: bi-level, less the sum whose c of 1, 10, 100 is best on the other prompts",
            bar=AS_GOOD,
        ),
        Statement(
            "tuned",
            "the sum needs tuning case by case",
            "score by the judge: the c that is best for this prompt by its other seeds, less the c that is best on the others",
        ),
        Statement(
            "inverse-score",
            "the inverse has poor AugCLIP",
            "AugCLIP over fresh views: bi-level, less the inverse",
        ),
        Statement("inverse", "the inverse is worse", "score by the judge: bi-level, less the inverse"),
    ),
)


def composition(asked: Asked) -> Outcome:
    """Sentences of two things, the first of them by every way, the others by two; nine places, halved by three."""
    dream = fd.FuseDream("emoji", device=asked.device, dtype="float32", settings=dict(asked.settings))
    dream.bank()
    judge = load_dual("emoji-judge")

    def draw(way: str, prompts: list[str], seeds: list[int]) -> list[Values]:
        changes = METHODS[way]
        if changes is None:
            found = dream.generate(prompts, seeds=seeds, progress=False)
        else:
            found = dream.compose(prompts, seeds=seeds, halving=HALVING, progress=False, **changes).result
        save_rows(asked, way, found)
        return [{"augclip": float(score)} for score in found.scores["augclip"]]

    def say(pictures: Tensor, prompts: list[str]) -> list[Values]:
        likes, borders = cosines(judge, pictures, prompts), plainest(pictures).tolist()
        each = zip(*verdict(judge, pictures, prompts), likes, borders, strict=True)
        return [{"first": place == 0, "both": both, "judge": float(x), "seam": border} for place, both, x, border in each]

    def rows_of(ways: tuple[str, ...], prompts: int) -> Paired:
        return judged(asked, paired(asked, two_things(prompts), ways, draw), say)

    few = min(asked.weighed or asked.prompts, asked.prompts)  # the first of the same prompts
    rows, others = rows_of(TWO, asked.prompts), rows_of(WEIGHED, few)
    weighed = replace(others, ways={**{way: rows.ways[way][: len(others.prompts)] for way in TWO}, **others.ways})
    best = tuned(weighed, "judge")
    of_two = {
        "two": rows.apart("bi-level", "single", "first", DIFFERENCE),
        "both": rows.apart("bi-level", "single", "both", DIFFERENCE),
    }
    effects: dict[str, Interval] = {
        "untuned": weighed.mean(weighed.column("bi-level", "judge") - best["others"]),
        "tuned": weighed.mean(best["own"] - best["others"]),
        "inverse-score": weighed.apart("bi-level", "inverse", "augclip"),
        "inverse": weighed.apart("bi-level", "inverse", "judge"),
    }
    shown = {way: (rows, way) for way in TWO}
    if few < asked.prompts:  # beside the sums, what they compare with
        shown |= {f"{way}, {few} prompts": (weighed, way) for way in WAYS}
    else:
        shown |= {way: (weighed, way) for way in WEIGHED}
    means = [
        Mean(label, title, some.mean(some.column(way, name), SHARE if name in SHARES else None), name in SHARES)
        for name, title in {**SHARES, **SCORES}.items()
        for label, (some, way) in shown.items()
    ]
    notes = [] if len(asked.seeds) > 1 else ["Whether the sum needs tuning takes at least two seeds."]
    own = dict.fromkeys(effects, weighed.counts)
    sheets = [
        row_sheet(asked, "Two things by six ways", {way: way for way in WAYS}, two_things(few)[:SHOWN]),
        replace(row_sheet(asked, "Two things in one picture, and composed", BOTH, two_things(asked.prompts)), name="composed"),
    ]
    return outcome(CLAIM, {**of_two, **effects}, rows.counts, own=own, means=means, notes=notes, sheets=sheets)


def plainest(pictures: Tensor) -> Tensor:
    """(B, 3, H, W) to (B,): the seam of the place at half the canvas that shows most, pasted into or not.

    A finished picture does not say where its foreground lies, and a single one has none: this asks the same of both.
    """
    size, spots = (pictures.shape[-2], pictures.shape[-1]), torch.tensor(list(PLACES.values()))
    boxes = grid_boxes(size, size, spots, torch.full((len(spots),), 0.5))
    return torch.stack([seam(pictures, [box] * len(pictures)) for box in boxes]).amax(dim=0)


def tuned(rows: Paired, measure: str) -> dict[str, Array]:
    """What a sum scores whose coefficient was chosen without the row itself: (rows,) each, NaN where there is nothing else.

    Choosing on the row would favour whichever of three noisy scores is the largest.

    Returns:
        "others": by the c with the best mean on the other prompts. "own": by the c that is best on the prompt's other seeds.
    """
    scores = np.stack([rows.column(way, measure) for way in SUMS])  # (3, rows)
    prompts = np.array(rows.prompts)
    found = {name: np.full(len(prompts), np.nan) for name in ("others", "own")}
    for row, prompt in enumerate(prompts):
        same = prompts == prompt
        for name, known in (("others", ~same), ("own", same & (np.arange(len(prompts)) != row))):
            if known.any():
                found[name][row] = scores[scores[:, known].mean(axis=1).argmax(), row]
    return found
