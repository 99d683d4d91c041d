"""Claim 3: searched starts and over-parameterisation against a single start, class embeddings against Gaussian ones."""

from __future__ import annotations

from typing import Any

from torch import Tensor

import fusedream_sdk as fd
from tests.benchmarks.case_studies import cosines
from tests.benchmarks.claims.frame import (
    DIFFERENCE,
    SHARE,
    SHOWN,
    Asked,
    Values,
    coloured,
    judged,
    paired,
    row_sheet,
    save_rows,
)
from tests.benchmarks.claims.verdict import Claim, Mean, Outcome, Statement, outcome
from tests.benchmarks.judging import load_dual, ranks
from tests.benchmarks.single_objects import METHODS, dream_of

# name -> options of the generator, changes of the settings
WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **{name: METHODS[name] for name in ("fusedream", "no-mix", "one-start")},
    "gaussian": ({"classes": "gaussian"}, {}),
    "gaussian-one-start": ({"classes": "gaussian"}, METHODS["one-start"][1]),
}
LABELS = {
    "fusedream": "searched, five mixed",
    "no-mix": "searched, the best alone",
    "one-start": "one draw",
    "gaussian": "Gaussian classes, searched, mixed",
    "gaussian-one-start": "Gaussian classes, one draw",
}
MEASURES = {"first": "R-precision by the judge, of 100", "judge": "score by the judge", "augclip": "AugCLIP over fresh views"}

CLAIM = Claim(
    3,
    "Searched starts and over-parameterisation beat a single start; class embeddings beat Gaussian ones",
    (
        Statement(
            "search",
            "searched and mixed beats a single start",
            "R-precision by the judge, searched and mixed, less one draw",
            unit="share",
        ),
        Statement("search-score", "and scores more", "AugCLIP over fresh views, searched and mixed, less one draw"),
        Statement(
            "mixture",
            "over-parameterisation adds to the search",
            "score by the judge, five mixed, less the best of the search alone",
        ),
        Statement("mixture-score", "and climbs higher", "AugCLIP over fresh views, five mixed, less the best alone"),
        Statement(
            "classes",
            "class embeddings beat Gaussian ones",
            "score by the judge, searched and mixed: starts of classes, less Gaussian ones",
        ),
        Statement(
            "classes-one",
            "also without a search",
            "score by the judge, from one draw: starts of classes, less Gaussian ones",
        ),
    ),
)


def starts(asked: Asked) -> Outcome:
    """Coloured things by each way to begin."""
    judge, prompts, dreams = load_dual("emoji-judge"), coloured(asked.prompts), dict[str, fd.FuseDream]()

    def draw(way: str, prompts: list[str], seeds: list[int]) -> list[Values]:
        if way not in dreams:
            options, changes = WAYS[way]
            dreams[way] = dream_of(options, {**asked.settings, **changes}, "float32", device=asked.device)
        found = dreams[way].generate(prompts, seeds=seeds, progress=False)
        save_rows(asked, way, found)
        return [{"augclip": float(score)} for score in found.scores["augclip"]]

    def say(pictures: Tensor, prompts: list[str]) -> list[Values]:
        each = zip(ranks(judge, pictures, prompts), cosines(judge, pictures, prompts), strict=True)
        return [{"first": place == 0, "judge": float(like)} for place, like in each]

    rows = judged(asked, paired(asked, prompts, list(WAYS), draw), say)
    effects = {
        "search": rows.apart("fusedream", "one-start", "first", DIFFERENCE),
        "search-score": rows.apart("fusedream", "one-start", "augclip"),
        "mixture": rows.apart("fusedream", "no-mix", "judge"),
        "mixture-score": rows.apart("fusedream", "no-mix", "augclip"),
        "classes": rows.apart("fusedream", "gaussian", "judge"),
        "classes-one": rows.apart("one-start", "gaussian-one-start", "judge"),
    }
    means = [
        Mean(label, title, rows.mean(rows.column(way, name), SHARE if name == "first" else None), name == "first")
        for name, title in MEASURES.items()
        for way, label in LABELS.items()
    ]
    sheets = [row_sheet(asked, "Coloured things by five ways to begin", LABELS, prompts[:SHOWN])]
    return outcome(CLAIM, effects, rows.counts, means=means, sheets=sheets)
