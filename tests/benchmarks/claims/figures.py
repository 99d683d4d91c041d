"""Claim 6: IS, FID and R-precision of FuseDream against BigSleep, on captions of scenes that a painter draws."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_emoji.art import load_sprites
from fusedream_emoji.painting import paint
from fusedream_emoji.scenes import SceneSampler
from fusedream_emoji.training.captions import sentence, truth
from fusedream_sdk.evaluation.bootstrap import Bootstrap, Interval
from fusedream_sdk.evaluation.captions import Captions
from fusedream_sdk.evaluation.distances import FrechetResamples, frechet, inception_resamples, inception_score
from fusedream_sdk.evaluation.features import Embeddings
from fusedream_sdk.evaluation.ranking import Ranking, encoded, place_of_own, see
from fusedream_sdk.imaging.pictures import read_picture, to_pil
from fusedream_sdk.methods.big_sleep import NUMBERS
from fusedream_sdk.protocols import Scorer
from fusedream_sdk.runtime.files import atomic_path
from tests.benchmarks.claims.frame import DIFFERENCE, SHOWN, Asked, Values, paired, sheet
from tests.benchmarks.claims.verdict import Claim, Mean, Outcome, Statement, outcome
from tests.benchmarks.judging import load_dual, pair_settings
from tests.benchmarks.single_objects import dream_of

SCORER, JUDGE = "emoji", "emoji-judge"
# BigSleep has its own rate and takes longer, as the published one does (1,050 steps of 128 views); and the plain generator:
# a latent and shares of classes for each layer begin half as far out again as any class of it, where all is one flat colour.
WAYS = {"fusedream": "fusedream", "big-sleep": "big-sleep?published=false"}
LONGER, RATE = 4, NUMBERS["lr"]
WITHOUT_SEARCH = {"samples": 1, "basis": 1}  # and so without its bank
PAINTER, SCENES = "painter", 2000  # of the reference, the captions' own among them: more than the judge has features
LABELS = {"fusedream": "FuseDream", "big-sleep": "BigSleep", PAINTER: "the painter"}
FEW = 200  # resamples of FID, whose every one takes the eigenvalues of a large matrix
NAMED = frozenset({"colour", "back"})  # what a caption says where it is plain

CLAIM = Claim(
    6,
    "IS, FID and R-precision against BigSleep",
    (
        Statement(
            "coco",
            "COCO, 30,000 captions: IS 34.26, FID 21.16, CLIP R-precision 96.43 %; BigSleep 13.32, 66.46, 91.89 %",
            "",
            untold="needs COCO, BigGAN-256, CLIP and Inception, which are not part of this project",
        ),
        Statement("is", "a higher IS than BigSleep", f"IS by {JUDGE}, captions as classes: FuseDream, less BigSleep"),
        Statement(
            "fid",
            "a lower FID than BigSleep",
            f"FID by {JUDGE} features to the painter's scenes: FuseDream, less BigSleep",
            below=True,
        ),
        Statement(
            "clip-r-precision",
            "a higher CLIP R-precision",
            "R-precision by the scorer that both optimise, of 100: FuseDream, less BigSleep",
            unit="share",
        ),
        Statement(
            "r-precision",
            "a higher R-precision",
            "R-precision by the judge, which neither optimises, of 100: FuseDream, less BigSleep",
            unit="share",
        ),
    ),
)


@dataclass(frozen=True)
class Seen:
    """The pictures of one way as a model reads them, (rows, D), in the order of the rows."""

    embeddings: Mapping[str, Tensor]


def figures(asked: Asked) -> Outcome:
    """Captions by FuseDream and by BigSleep, both with the same generator, scorer and views, BigSleep for longer."""
    reference = painted(asked.folder / PAINTER, max(SCENES, asked.prompts))
    scenes = dict(islice(reference.items(), asked.prompts))
    number = {caption: place for place, caption in enumerate(scenes)}
    dreams: dict[str, fd.FuseDream] = {}

    def file(way: str, caption: str, seed: int) -> Path:
        return asked.folder / way / f"{number[caption]:05d}-{seed}.png"

    def shown(way: str, caption: str) -> Path:
        return asked.folder / PAINTER / reference[caption] if way == PAINTER else file(way, caption, asked.seeds[0])

    def draw(way: str, some: list[str], seeds: list[int]) -> list[Values]:
        if way not in dreams:
            dreams[way] = dream_of({}, settings_of(way, asked), "float32", device=asked.device)
        found = dreams[way].generate(some, seeds=seeds, method=WAYS[way], progress=False)
        (asked.folder / way).mkdir(exist_ok=True)
        for place, pair in enumerate((caption, seed) for caption in some for seed in seeds):
            found[place].save(file(way, *pair), overwrite=True)
        return [{"augclip": float(score)} for score in found.scores["augclip"]]

    rows = paired(asked, list(scenes), list(WAYS), draw)
    pairs = [(caption, seed) for caption in scenes for seed in asked.seeds]
    names = [file("fusedream", *pair).name for pair in pairs]  # the same for both
    captions = Captions(tuple(caption for caption, _ in pairs), tuple(names))
    models = {name: load_dual(name) for name in (SCORER, JUDGE)}
    seen = [looked_at(models, [asked.folder / way / name for name in names]) for way in WAYS]
    painter = looked_at(models, [asked.folder / PAINTER / name for name in reference.values()])
    effects = differences(models[JUDGE], seen, painter, captions.texts, asked.bootstrap)
    for key, by in (("clip-r-precision", SCORER), ("r-precision", JUDGE)):
        ours, theirs = (np.array(firsts(models[by], one.embeddings[by], captions.texts), dtype=np.float64) for one in seen)
        effects[key] = rows.mean(ours - theirs, DIFFERENCE)
    notes = _enough(effects, seen[0].embeddings[JUDGE])
    notes += [
        f"R-precision is of {Ranking().of(list(scenes))} captions, drawn from those of this run.",
        f"BigSleep takes {LONGER} times as many steps as FuseDream, at its own rate of {RATE}, and as many views, in place of"
        f" {NUMBERS['steps']:,} steps of {NUMBERS['views']} cutouts.",
        "These figures compare with nothing but each other: features, captions and pictures are of the emoji world.",
    ]
    sheets = [sheet("Captions by FuseDream, by BigSleep and by the painter", LABELS, list(scenes)[:SHOWN], shown)]
    return outcome(CLAIM, effects, rows.counts, means=_means(asked, captions, scenes), notes=notes, sheets=sheets)


def settings_of(way: str, asked: Asked) -> dict[str, Any]:
    """What a way changes of what the pair recommends."""
    if way == "fusedream":
        return dict(asked.settings)
    steps = asked.settings.get("steps", pair_settings(SCORER)["steps"])
    return {**asked.settings, **WITHOUT_SEARCH, "steps": LONGER * steps, "lr": RATE}


def _enough(effects: dict[str, Interval], seen: Tensor) -> list[str]:
    """Leave the FID out where it would be of fewer pictures than features, and say so."""
    pictures, features = seen.shape
    if pictures > features:
        return []
    del effects["fid"]
    return [f"FID of {pictures:,} pictures by {features:,} features is mostly a matter of their number: it takes more of them."]


def painted(folder: Path, count: int) -> dict[str, str]:
    """Captions that differ, each of a scene that is drawn into the folder -> the name of its picture."""
    sprites = load_sprites()
    sampler, found = SceneSampler(sprites, 0), dict[str, str]()
    folder.mkdir(exist_ok=True)
    attempt = 0
    while len(found) < count:
        rng, attempt = random.Random(f"claim 6: {attempt}"), attempt + 1
        sampler.reseed(f"claim 6: {attempt}")
        scene = sampler.single(rng.randrange(sampler.count))
        caption, path = sentence(truth(scene, rng, named=NAMED), rng), folder / f"{len(found):05d}.png"
        if caption in found:
            continue
        found[caption] = path.name
        if not path.exists():
            picture = paint([scene], sprites, torch.Generator().manual_seed(attempt))[0]
            with atomic_path(path) as temporary:
                to_pil(picture).save(temporary, "PNG")
    return found


def looked_at(models: Mapping[str, Scorer], paths: Sequence[Path]) -> Seen:
    """What each model makes of each picture."""
    found: dict[str, list[Tensor]] = {name: [] for name in models}
    for path in paths:
        picture = read_picture("pictures", path)[None]
        for name, model in models.items():
            found[name].append(see(model, picture)[0])
    return Seen({name: torch.stack(rows) for name, rows in found.items()})


def firsts(judge: Scorer, seen: Tensor, captions: Sequence[str]) -> list[bool]:
    """Whether each picture's own caption comes first of a hundred of them."""
    pool = list(dict.fromkeys(captions))
    known, own = encoded(judge, pool), {caption: place for place, caption in enumerate(pool)}
    others = Ranking(repeats=1).others(captions, pool)
    places = [[own[caption], *rest[0].tolist()] for caption, rest in zip(captions, others, strict=True)]
    return [place_of_own(known[index] @ row) == 0 for index, row in zip(places, seen, strict=True)]


def differences(
    judge: Scorer, seen: Sequence[Seen], reference: Seen, captions: Sequence[str], bootstrap: Bootstrap
) -> dict[str, Interval]:
    """IS and FID of the first less those of the second; both have the same captions in every resample."""
    by, pool = Embeddings(JUDGE, judge), list(dict.fromkeys(captions))
    own, count = np.array([pool.index(caption) for caption in captions]), len(pool)
    features, other = [one.embeddings[JUDGE] for one in seen], reference.embeddings[JUDGE]
    logits = [by.logits(one, pool) for one in features]
    blocks = [block[:, own] for block in bootstrap.counts(count)]
    one, two = (inception_resamples(x, iter(blocks)) for x in logits)
    value = inception_score(logits[0], bootstrap.seed)[0] - inception_score(logits[1], bootstrap.seed)[0]
    found = {"is": bootstrap.around(value, one - two, count)}
    first, second = (FrechetResamples(x, other) for x in features)
    draws = [weights for block in bootstrap.counts(count, min(FEW, bootstrap.resamples)) for weights in block[:, own]]
    apart = np.array([first(weights) - second(weights) for weights in draws if (weights > 0).sum() > 1])
    found["fid"] = bootstrap.around(frechet(features[0], other) - frechet(features[1], other), apart, count)
    return found


def _means(asked: Asked, captions: Captions, scenes: Mapping[str, str]) -> list[Mean]:
    """The figures of both, and those of the painter's own scenes, by `evaluate`."""
    metrics = [f"is@{JUDGE}", f"r-precision@{SCORER}", f"r-precision@{JUDGE}"]
    how = {"resamples": asked.bootstrap.resamples, "seed": asked.bootstrap.seed, "device": "cpu", "progress": False}
    reference = asked.folder / PAINTER
    ours = fd.evaluate(
        [asked.folder / way for way in WAYS], captions, metrics=[*metrics, f"fid@{JUDGE}"], reference=reference, **how
    )
    files = tuple(scenes.values())
    theirs = fd.evaluate(reference, Captions(tuple(scenes), files), metrics=metrics, **how)
    figures = [*ours.figures, *theirs.figures]
    found = [Mean(one.system, one.title, one.interval, one.metric == "r-precision") for one in figures]
    return sorted(found, key=lambda one: [figure.title for figure in figures].index(one.measure))
