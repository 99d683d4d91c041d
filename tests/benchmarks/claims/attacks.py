"""Claims 1 and 2: what can be done to a picture so that it scores more, without becoming what the prompt says."""

from __future__ import annotations

from collections.abc import Callable

import fusedream_sdk as fd
from fusedream_sdk.evaluation.bootstrap import Array
from tests.benchmarks.case_studies import SCORES, Drawn, Readers, canvas, case_1, case_2
from tests.benchmarks.claims.frame import DIFFERENCE, SHARE, Asked, Paired, Values, couples, one_by_one, paired
from tests.benchmarks.claims.verdict import Claim, Mean, Outcome, Statement, outcome
from tests.benchmarks.judging import load_dual

EPSILON = 8 / 255  # the usual bound; the paper gives none
STEPS = 100  # of Adam in the second study
FAR_LESS = 0.5  # "far less" is read as less than half
LOOKS_THE_SAME = 0.1  # the judge may take one picture in ten for the second thing, and the picture still looks unchanged

FIRST = Claim(
    1,
    "A step raises the plain score of a picture that looks the same",
    (
        Statement("plain-rises", "an FGSM step raises plain CLIP", "CLIP after the step by plain CLIP, less CLIP before"),
        Statement(
            "unchanged",
            "the picture looks the same",
            "share of pictures that the judge takes for the second thing after that step, less before",
            bar=LOOKS_THE_SAME,
            below=True,
            unit="share",
        ),
        Statement(
            "augclip-less",
            "the same step raises AugCLIP far less",
            "rise of AugCLIP, less half the rise of CLIP, both by that step",
            below=True,
        ),
        Statement(
            "augclip-resists",
            "AugCLIP is hard to attack",
            "rise of AugCLIP by a step along its own gradient, less half the rise of CLIP by its own",
            below=True,
        ),
    ),
)
SECOND = Claim(
    2,
    "From a dog to a cat: plain CLIP rises and the dog stays, AugCLIP makes a cat",
    (
        Statement("plain-rises", "plain CLIP is maximised", "CLIP after Adam on plain CLIP, less CLIP before"),
        Statement(
            "stays",
            "the dog stays",
            "share of pictures that the judge takes for the second thing after plain CLIP",
            bar=0.5,
            below=True,
            unit="share",
        ),
        Statement(
            "turns",
            "AugCLIP turns it into a cat",
            "share of pictures that the judge takes for the second thing after AugCLIP",
            bar=0.5,
            unit="share",
        ),
        Statement(
            "turns-more",
            "AugCLIP turns more than plain CLIP",
            "that share after AugCLIP, less the share after plain CLIP",
            unit="share",
        ),
    ),
)
BEFORE, PLAIN, AUGCLIP = "before", *SCORES
MEASURES = {
    "clip": "CLIP",
    "augclip": "AugCLIP over fresh views",
    "judge": "score by the judge",
    "turned": "taken for the second thing by the judge",
}


def first(asked: Asked) -> Outcome:
    """Drawings of the first things, and one signed step on their pixels."""
    dream = canvas()
    rows = _rows(asked, lambda readers: case_1(readers, dream, EPSILON))
    rise, of_augclip = (_rise(rows, PLAIN, measure) for measure in ("clip", "augclip"))
    effects = {
        "plain-rises": rows.mean(rise),
        "unchanged": rows.apart(PLAIN, BEFORE, "turned", DIFFERENCE),
        "augclip-less": rows.mean(of_augclip - FAR_LESS * rise),
        "augclip-resists": rows.mean(_rise(rows, AUGCLIP, "augclip") - FAR_LESS * rise),
    }
    notes = [f"The step is {EPSILON:.4f} on the pixels of drawings by the emoji world; the paper does not give its own."]
    return outcome(FIRST, effects, rows.counts, means=_means(rows), notes=notes)


def second(asked: Asked) -> Outcome:
    """What a search finds for the first things, and its latents moved towards the second."""
    dream = fd.FuseDream("emoji", device="cpu", dtype="float32")
    steps = asked.settings.get("steps", STEPS)
    rows = _rows(asked, lambda readers: case_2(readers, dream, steps))
    effects = {
        "plain-rises": rows.mean(_rise(rows, PLAIN, "clip")),
        "stays": rows.mean(rows.column(PLAIN, "turned"), SHARE),
        "turns": rows.mean(rows.column(AUGCLIP, "turned"), SHARE),
        "turns-more": rows.apart(AUGCLIP, PLAIN, "turned", DIFFERENCE),
    }
    return outcome(SECOND, effects, rows.counts, means=_means(rows), notes=[f"{steps} steps of Adam."])


def _rows(asked: Asked, study: Callable[[Readers], tuple[object, Drawn]]) -> Paired:
    """Every pair of things before, after plain CLIP and after AugCLIP, as scorer and judge read it."""
    models = load_dual("emoji"), load_dual("emoji-judge")
    pairs = {f"{one} to {other}": (one, other) for one, other in couples(asked.prompts)}
    begun: dict[tuple[str, int], tuple[Readers, object, Drawn]] = {}

    def make(way: str, name: str, seed: int) -> Values:
        if (name, seed) not in begun:
            begun.clear()  # one pair at a time
            readers = Readers(seed, [pairs[name]], models)
            begun[name, seed] = (readers, *study(readers))
        readers, before, drawn = begun[name, seed]
        read = readers(before if way == BEFORE else drawn(way))  # pyright: ignore[reportArgumentType]
        return {measure: float(getattr(read, measure)[0]) for measure in MEASURES}

    return paired(asked, list(pairs), (BEFORE, *SCORES), one_by_one(make))


def _rise(rows: Paired, way: str, measure: str) -> Array:
    """How much more a way has than before it, row by row."""
    return rows.column(way, measure) - rows.column(BEFORE, measure)


def _means(rows: Paired) -> list[Mean]:
    ways = {BEFORE: "before", PLAIN: "after plain CLIP", AUGCLIP: "after AugCLIP"}
    return [
        Mean(label, title, rows.mean(rows.column(way, name), SHARE if name == "turned" else None), name == "turned")
        for name, title in MEASURES.items()
        for way, label in ways.items()
    ]
