"""Claim 7: a smooth walk between two results, what each augmentation is worth, and seeds that differ."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.dream.ablation import AUGCLIP, JUDGED, Ablation
from fusedream_sdk.dream.techniques import DEFAULT, FAMILIES
from fusedream_sdk.evaluation.bootstrap import NAN, Array, Interval
from fusedream_sdk.imaging.pictures import grid
from fusedream_sdk.protocols import Perceptual
from fusedream_sdk.run.recipe import DEFAULT_METHOD
from fusedream_sdk.run.saving import slug
from tests.benchmarks.claims.frame import Asked, Paired, coloured
from tests.benchmarks.claims.verdict import Claim, Mean, Outcome, Sheet, Statement, outcome
from tests.benchmarks.judging import CANDIDATES, pair_settings

FRAMES = 25
LARGEST = 0.25  # of the way between the two ends: six times a step of an even walk in 24 steps; a cut has 1
APART = 0.5  # of the distance of random draws, at which seeds still count as diverse
RANDOM = 64  # draws
ABLATION = "ablation"
EACH = 2  # frames of a walk that are shown
WALKED = "A line for each walk, of the first seed: every second frame of it."

CLAIM = Claim(
    7,
    "A smooth interpolation, augmentations that each count, and diverse seeds",
    (
        Statement(
            "smooth",
            "an interpolation is a smooth sequence",
            f"largest perceptual step of a walk in {FRAMES - 1} steps, as a share of the way between its ends; of a cut 100 %",
            bar=LARGEST,
            below=True,
            unit="share",
        ),
        *(
            Statement(
                f"no-{family}",
                f"without {family} the picture is worse",
                f"score by the judge: views without {family}, less all views",
                below=True,
            )
            for family in FAMILIES
        ),
        Statement(
            "diverse",
            "seeds give diverse pictures",
            "mean perceptual distance of two seeds of a prompt, as a share of that of two random draws of the generator",
            bar=APART,
            unit="share",
        ),
    ),
)


def smoothness(asked: Asked) -> Outcome:
    """Coloured things with all views and without each family; walks and distances are of those with all."""
    settings = {**pair_settings("emoji"), **asked.settings}
    dream, prompts = fd.FuseDream("emoji", device=asked.device, dtype="float32", settings=settings), coloured(asked.prompts)
    into = fd.Folder(asked.folder / ABLATION, resume=True)
    others = coloured(max(CANDIDATES, len(prompts)))
    found = fd.ablate(prompts, models=dream, seeds=list(asked.seeds), techniques=["views"], into=into, others=others)
    if found.stopped:
        raise KeyboardInterrupt
    result, distance = fd.Result.load(asked.folder / ABLATION / DEFAULT / slug(DEFAULT_METHOD)), fd.load_perceptual("emoji")
    steps, shown = walks(dream, result, distance)
    sheets = [Sheet("walks", "Walks between results", WALKED, grid(torch.cat(shown), len(shown[0]), gap=0))] if shown else []
    spread = spreads(result, distance) / random_spread(dream, distance)
    walked = Paired(list(dict.fromkeys(result.prompts))[::2][: len(steps)], {}, asked.bootstrap)
    each = Paired(list(dict.fromkeys(result.prompts)), {}, asked.bootstrap)
    effects = {"smooth": walked.mean(steps), "diverse": each.mean(spread)}
    effects |= {f"no-{family}": _apart(found, f"no-{family}") for family in FAMILIES}
    names = [trial.variant.name for trial in found.trials if trial.rows]
    means = [
        Mean("all views" if name == DEFAULT else name, title, found.interval(name, measure))
        for measure, title in ((JUDGED, "score by the judge"), (AUGCLIP, "AugCLIP over fresh views, all families"))
        for name in names
    ]
    notes = [
        f"{len(steps)} walks, between prompts that no other walk has; distances are roots of the emoji world's perceptual one.",
    ]
    return outcome(
        CLAIM,
        effects,
        (len(prompts), len(result)),
        own={"smooth": (len(steps), len(steps) * len(asked.seeds))},
        means=means,
        notes=notes,
        sheets=sheets,
    )


def _apart(found: Ablation, name: str) -> Interval:
    """The difference to the default; none where the variant is not there."""
    there = any(trial.variant.name == name and trial.rows for trial in found.trials)
    return found.difference(name, JUDGED) if there else Interval(NAN)


def far(distance: Perceptual, a: Tensor, b: Tensor) -> Tensor:
    """(B,): the root of a distance that is a sum of squares, so that an even walk has even steps."""
    with torch.no_grad():
        return distance(a, b).clamp(min=0).sqrt()


def walks(dream: fd.FuseDream, result: fd.Result, distance: Perceptual) -> tuple[Array, list[Tensor]]:
    """Of each pair of neighbouring prompts, no prompt in two of them.

    Returns:
        The mean over seeds of the largest step, (pairs,), and what is shown of that from the first seed, (F, 3, H, W) each.
    """
    prompts, seeds = list(dict.fromkeys(result.prompts)), list(dict.fromkeys(result.seeds))
    row = {pair: place for place, pair in enumerate(zip(result.prompts, result.seeds, strict=True))}
    found, shown = [], []
    for one, other in zip(prompts[::2], prompts[1::2], strict=False):
        films = []
        for seed in seeds:
            begin, end = (result[row[prompt, seed]] for prompt in (one, other))
            films.append(fd.interpolate(begin, end, FRAMES, generator=dream.generator).images)
        found.append(np.mean([largest_step(frames, distance) for frames in films]))
        shown.append(films[0][::EACH])
    return np.array(found), shown


def largest_step(frames: Tensor, distance: Perceptual) -> float:
    """The largest step between neighbours of (F, 3, H, W), as a share of the distance of the ends."""
    ends = float(far(distance, frames[:1], frames[-1:]))
    return float(far(distance, frames[:-1], frames[1:]).max()) / ends if ends else NAN


def spreads(result: fd.Result, distance: Perceptual) -> Array:
    """For each prompt the mean distance of two of its seeds, (prompts,); NaN of a single seed."""
    found = []
    for prompt in dict.fromkeys(result.prompts):
        rows = [place for place, other in enumerate(result.prompts) if other == prompt]
        found.append(spread(result.images[rows], distance))
    return np.array(found)


def spread(images: Tensor, distance: Perceptual) -> float:
    """The mean distance of two different ones of (B, 3, H, W); NaN of a single one."""
    pairs = list(combinations(range(len(images)), 2))
    found = [far(distance, images[[a]], images[[b]]) for a, b in pairs]
    return float(torch.cat(found).mean()) if found else NAN


def random_spread(dream: fd.FuseDream, distance: Perceptual) -> float:
    """The same of random draws of the generator."""
    latents = dream.generator.sample(RANDOM, rng=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return spread(dream.generator(latents).cpu(), distance)
