"""Thirty prompts of two things: a single picture against composed ones, and three ways to weigh the two losses.

    python -m tests.benchmarks.two_objects [--methods single,bi-level,...] [--halving 3] [--out FOLDER]
    python -m tests.benchmarks.two_objects --again FOLDER [--methods single,bi-level,...]

The second judges the pictures that the first has left, which another judge makes necessary: drawing them takes an hour or
two. It also says how far each method is from the first, prompt by prompt. The prompts are in `two_objects.txt`. For each
picture the judge orders 100 captions: the prompt, 80 that keep one of its two things and exchange the other, the two things
alone, and 17 of two other things. Columns:

* judge R-precision: the share of pictures whose own prompt comes first.
* both seen: both things are among the five that the judge finds likeliest of all 376.
* seam: mean absolute step of the colour across the pasted border, in [0, 1].
* consistency: the perceptual distance of the border, as every method is measured by the same.

Behind a share stands its 95 % interval over prompts.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_emoji.art import names
from fusedream_emoji.training.captions import article
from fusedream_sdk.evaluation.ranking import place_of_own
from fusedream_sdk.imaging.pasting import grid_boxes, seam
from fusedream_sdk.imaging.pictures import grid
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.protocols import Perceptual, Scorer
from fusedream_sdk.scenes.result import Composed
from tests.benchmarks.judging import CANDIDATES, apart, cells, firsts, load_dual, machine, share

PROMPTS = Path(__file__).with_suffix(".txt").read_text().splitlines()
COLUMNS = 10  # of the sheets
LINKS = (" near ", " and ", " next to ")

# name -> changes of a composition; None: one picture, not composed. The last five change the bi-level one in one part.
METHODS: dict[str, dict[str, Any] | None] = {
    "single": None,
    "bi-level": {"direction": "bi-level"},
    "linear-1": {"direction": "linear", "coefficient": 1.0},
    "linear-10": {"direction": "linear", "coefficient": 10.0},
    "linear-100": {"direction": "linear", "coefficient": 100.0},
    "inverse": {"direction": "inverse"},
    "augclip": {"direction": "augclip"},
    "parts": {"reading": "parts"},
    "fused": {"reading": "fused"},
    "plain": {"update": "plain", "lr": 30.0},
    "mixed-start": {"mix": "paper"},
    "same-start": {"pairs": False},
}


@dataclass(frozen=True)
class Verdict:
    """What the judge and the ruler say of one method."""

    images: Tensor
    places: list[int]
    both: list[bool]
    seam: float
    consistency: float
    augclip: float
    seconds: float

    def row(self) -> str:
        """As a line of a Markdown table, without the method's name."""
        shares = shown(self.places, self.both)
        rulers = " | ".join("" if x != x else f"{x:.3f}" for x in (self.seam, self.consistency))
        return f"{shares} | {self.augclip:.3f} | {rulers} | {self.seconds:.1f}"


def shown(places: list[int], both: list[bool]) -> str:
    """What the judge says of all prompts, as three columns."""
    return f"{firsts(places, PROMPTS)} | {share(both, PROMPTS)}"


def things(prompt: str) -> tuple[str, str, str]:
    """The first thing, the link and the second thing of a prompt: "a dog near a boat" is a dog, near, a boat."""
    link = next(link for link in LINKS if link in prompt)
    first, second = prompt.split(link)
    return first, link, second


def candidates(prompt: str, seed: int) -> list[str]:
    """100 captions, the prompt first."""
    first, link, second = things(prompt)
    rng = random.Random(f"{seed} {prompt}")
    others = [name for name in map(article, names()) if name not in (first, second)]
    pool = rng.sample(others, 80)
    swapped = [f"{first}{link}{other}" for other in pool[:40]] + [f"{other}{link}{second}" for other in pool[40:]]
    listed = [prompt, *swapped, first, second]
    while len(listed) < CANDIDATES:
        a, b = rng.sample(others, 2)
        listed.append(f"{a}{link}{b}")
    return listed


def judged(judge: Scorer, images: Tensor, prompts: Sequence[str] = PROMPTS) -> tuple[list[int], list[bool]]:
    """The place of each prompt among its captions, from 0, and whether the judge sees both things."""
    every = [article(name) for name in names()]
    places, both = [], []
    with torch.no_grad():
        seen = judge.encode_image(shrink(images, judge.resolution))
        known = judge.encode_text(every)
        for row, prompt in zip(seen, prompts, strict=True):
            places.append(place_of_own(judge.encode_text(candidates(prompt, 0)) @ row))
            likeliest = {every[i] for i in (known @ row).topk(5).indices.tolist()}
            first, _, second = things(prompt)
            both.append({first, second} <= likeliest)
    return places, both


def run(
    name: str, dream: fd.FuseDream, judge: Scorer, options: dict[str, Any], *, seed: int
) -> tuple[Verdict, Composed | None]:
    """All prompts by one method."""
    changes = METHODS[name]
    dream.bank()
    begun = time.perf_counter()
    if changes is None:
        composed, result = None, dream.generate(PROMPTS, seeds=seed)
    else:
        composed = dream.compose(PROMPTS, seeds=seed, **{**options, **changes})
        result = composed.result
    seconds = (time.perf_counter() - begun) / len(PROMPTS)
    places, both = judged(judge, (result.images * 255).round() / 255)  # as they are saved, so that `--again` agrees
    rulers = (float("nan"), float("nan")) if composed is None else measure(composed)
    return Verdict(result.images, places, both, *rulers, float(result.scores["augclip"].mean()), seconds), composed


def judge_again(folder: Path, methods: list[str], judge: Scorer) -> None:
    """Print the judge's columns for the pictures in a folder, and how far each method is from the first; write the ranks."""
    less = f"R-precision, less {methods[0]} | both seen, less {methods[0]}"
    print(f"| method | judge R-precision | judge top-5 | both seen | {less} |")
    print("| --- | --- | --- | --- | --- | --- |")
    first: list[list[bool]] = []
    for name in methods:
        places, both = judged(judge, cells(folder / f"{name}.png", len(PROMPTS), COLUMNS))
        seen = [[place == 0 for place in places], both]
        first = first or seen
        less = "" if seen is first else " | ".join(apart(one, other, PROMPTS) for one, other in zip(seen, first, strict=True))
        print(f"| {name} | {shown(places, both)} | {less or ' | '} |")
        write_ranks(folder / f"{name}.txt", places, both)


def write_ranks(path: Path, places: list[int], both: list[bool]) -> None:
    """A line for each prompt: its rank, and whether both things are seen."""
    lines = zip(PROMPTS, places, both, strict=True)
    path.write_text("".join(f"{p:3} {'both' if b else '    '} {t}\n" for t, p, b in lines))


def measure(composed: Composed) -> tuple[float, float]:
    """The mean seam and the mean perceptual distance at the border of the winners."""
    result, scene = composed.result, composed.scene
    size, own = scene.resolution, scene.foreground.resolution
    boxes = grid_boxes(size, own, result.latents["position"], result.latents["scale"])
    distance = fd.load_perceptual("emoji")
    if not isinstance(distance, Perceptual):
        raise SystemExit("the emoji world has no perceptual distance")
    with torch.no_grad():
        layers = scene.layers(result.latents)
        found = [distance(a, b).mean() for a, b in scene.rims(layers, result.latents)]
    return float(seam(result.images, boxes).mean()), float(torch.stack(found).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default=",".join(METHODS), help="comma-separated")
    parser.add_argument("--halving", type=int, default=3, help="1 runs every candidate to the end")
    parser.add_argument("--steps", type=int, help="of every method")
    parser.add_argument("--every", type=int, help="steps between two looks, at which the stages of halving end")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the pictures and the ranks of each method")
    parser.add_argument("--again", type=Path, help="folder that --out has filled: judge its pictures, and draw none")
    args = parser.parse_args()
    judge = load_dual("emoji-judge")
    if args.again is not None:
        judge_again(args.again, args.methods.split(","), judge)
        return
    asked = {"steps": args.steps, "check_every": args.every}
    changes = {name: value for name, value in asked.items() if value is not None}
    dream = fd.FuseDream("emoji", device="cpu", settings=changes)
    options = {"halving": None if args.halving == 1 else args.halving}
    print(f"{len(PROMPTS)} prompts, seed {args.seed}, {options}, {dream.settings.steps} steps; {machine()}\n")
    print("| method | judge R-precision | judge top-5 | both seen | scorer AugCLIP | seam | consistency | s per picture |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in args.methods.split(","):
        verdict, composed = run(name, dream, judge, options, seed=args.seed)
        print(f"| {name} | {verdict.row()} |", flush=True)
        if args.out is not None:
            args.out.mkdir(parents=True, exist_ok=True)
            grid(verdict.images, COLUMNS).save(args.out / f"{name}.png")
            write_ranks(args.out / f"{name}.txt", verdict.places, verdict.both)
            if composed is not None:
                composed.sheet().save(args.out / f"{name}-candidates.png")


if __name__ == "__main__":
    main()
