"""How much sooner Adam is as good as BasinCMA, by held-out views: "Adam is about 20 times faster" (section 3.2 of the paper).

    python -m tests.benchmarks.adam_or_cma [--prompts 20] [--seeds 0] [--generations 4] [--lr 0.05] [--cache FOLDER]

The emoji world, the first prompts of `single_objects.txt`, every method on the same objective. Three pairs: FuseDream and
BasinCMA around the same search; Adam on one latent, the best of the search, and BasinCMA around that; AugCLIP by Adam from one
draw, and BasinCMA around that draw. BasinCMA has 18 members and 30 steps of Adam for each, as published, but --generations in
all (published: 31, the last of them with 300 steps), at --lr.

After each look (BasinCMA: after each generation) the kept point is scored over 64 fresh views. The equal score of a pair is
the lower of their two ends; "times" is the work of BasinCMA until then over that of Adam until then, so that neither is asked
for more than it reaches. "Reached" is how often BasinCMA comes to Adam's end at all. Work is pictures drawn and scored
(`Method.evaluations`; in both nearly all with a gradient), and processor time. A search costs nothing here: the bank ships with
the models.

With --cache a course that is there is read and not run again, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median, quantiles
from typing import Any

import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.methods.basin_cma import UPDATES, basin_cma
from fusedream_sdk.methods.fusedream import fusedream
from fusedream_sdk.scoring.augclip import fresh_score
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import Stream
from tests.benchmarks.equal_score import differ
from tests.benchmarks.judging import load_dual, machine, pair_settings, r_precision, ranks
from tests.benchmarks.single_objects import PROMPTS

FRESH = 64
PAIRS = {
    "FuseDream, BasinCMA": ("fusedream", "basin"),
    "one latent, the best of the search": ("one-latent", "basin"),
    "one latent, one draw": ("one-draw", "basin-one-draw"),
}
CHANGES: dict[str, dict[str, Any]] = {
    "fusedream": {},
    "one-latent": {"basis": 1},
    "one-draw": {"basis": 1, "samples": 1},
    "basin": {},
    "basin-one-draw": {"samples": 1},
}


@dataclass(frozen=True)
class Course:
    """One picture's.

    Attributes:
        points: (pictures scored so far, processor seconds so far, score over fresh views) of each look.
        judge: the judge's plain score of the end. place: of its caption among 100, from 0.
    """

    points: Sequence[tuple[int, float, float]]
    judge: float
    place: int

    @property
    def end(self) -> float:
        """The score of the end."""
        return self.points[-1][2]

    def until(self, score: float) -> tuple[int, float]:
        """Pictures and seconds until it was as good, which it has to be at some point."""
        return next((count, seconds) for count, seconds, found in self.points if found >= score)


@dataclass(frozen=True)
class Ruler:
    """Scores pictures of anybody alike."""

    dream: fd.FuseDream
    judge: Any

    def fresh(self, picture: Tensor, prompt: str, seed: int) -> float:
        """AugCLIP over views that nobody has seen."""
        how: Mapping[str, Any] = {"views": self.dream.settings.augment, "count": FRESH, "stream": Stream.REPORT}
        return float(fresh_score(picture, make_target(self.dream.scorer, [prompt]), [seed], **how))

    @torch.no_grad()
    def judged(self, picture: Tensor, prompt: str) -> float:
        """The judge's plain score."""
        seen = self.judge.encode_image(shrink(picture, self.judge.resolution))
        return float(seen @ self.judge.encode_text([prompt])[0])


def course(name: str, dream: fd.FuseDream, ruler: Ruler, asked: tuple[str, int], options: argparse.Namespace) -> Course:
    """Run a method to its end, and score what is kept after each look."""
    prompt, seed = asked
    basin = name.startswith("basin")
    method = basin_cma(last=UPDATES) if basin else fusedream()
    changes = {**CHANGES[name], **({"steps": options.generations - 1, "lr": options.lr} if basin else {})}
    settings = method.settings_for(dream.settings, changes)
    each = method.members * (1 if method.refine is None else method.refine.updates + 1)
    points: list[tuple[int, float, float]] = []
    kept, picture, spent, looks = None, torch.zeros(0), 0.0, 0
    begun = time.process_time()
    for state in dream.iterate(prompt, seeds=seed, method=method, **changes):
        spent += time.process_time() - begun
        if state.step % settings.check_every == 0 or state.step == settings.steps:
            looks += 1
            if kept is None or differ(kept, state.best.latents):
                kept = state.best.latents
                with torch.no_grad():
                    picture = dream.generator(kept)
            points.append(((state.step + 1) * each + looks, spent, ruler.fresh(picture, prompt, seed)))
        begun = time.process_time()
    assert points[-1][0] == method.evaluations(settings)
    return Course(points, ruler.judged(picture, prompt), ranks(ruler.judge, picture, [prompt])[0])


def kept_course(name: str, dream: fd.FuseDream, ruler: Ruler, asked: tuple[str, int], options: argparse.Namespace) -> Course:
    """The same, from the cache where it is there."""
    basin = f"-{options.generations}-{options.lr}" if name.startswith("basin") else ""
    path = options.cache and options.cache / f"{asked[0].replace(' ', '-')}-{asked[1]}-{name}{basin}.json"
    if path and path.exists():
        return Course(**json.loads(path.read_text()))
    found = course(name, dream, ruler, asked, options)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(found)))
        part.replace(path)
    return found


def times(values: Sequence[float]) -> str:
    """The median, and between which half of them are."""
    if len(values) < 2:
        return f"{median(values):.1f}"
    low, _, high = quantiles(values, n=4, method="inclusive")
    return f"{median(values):.1f} ({low:.1f} to {high:.1f})"


def line(pair: str, adam: Sequence[Course], basin: Sequence[Course]) -> str:
    """A pair's row of the table."""
    ratios = [
        [b / a for a, b in zip(one.until(equal), other.until(equal), strict=True)]
        for one, other in zip(adam, basin, strict=True)
        for equal in [min(one.end, other.end)]
    ]
    pictures, seconds = zip(*ratios, strict=True)
    reached = sum(max(p[2] for p in other.points) >= one.end for one, other in zip(adam, basin, strict=True))
    both = (adam, basin)
    cells = [
        *(pair, times(pictures), times(seconds), f"{reached} of {len(adam)}"),
        " / ".join(f"{fmean(one.points[-1][0] for one in side):,.0f}" for side in both),
        " / ".join(f"{fmean(one.end for one in side):.3f}" for side in both),
        " / ".join(f"{fmean(one.judge for one in side):.3f}" for side in both),
        " / ".join(f"{r_precision([one.place for one in side]):.0%}" for side in both),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=20)
    parser.add_argument("--seeds", default="0", help="comma-separated")
    parser.add_argument("--generations", type=int, default=4, help="of BasinCMA, at least 2")
    parser.add_argument("--lr", type=float, default=0.05, help="of Adam inside BasinCMA")
    parser.add_argument("--cache", type=Path, help="folder where finished courses are kept")
    options = parser.parse_args()
    asked = [(prompt, int(seed)) for prompt in PROMPTS[: options.prompts] for seed in options.seeds.split(",")]
    dream = fd.FuseDream("emoji", device="cpu", dtype="float32", settings=pair_settings("emoji"))
    dream.bank(progress=False)
    next(dream.iterate("a red apple"))  # whatever is done once
    ruler = Ruler(dream, load_dual("emoji-judge"))
    found = {one: {name: kept_course(name, dream, ruler, one, options) for name in CHANGES} for one in asked}
    print(f"emoji, {len(asked)} pictures each; {options.generations} generations at {options.lr}; {machine()}\n")
    print("| pair | times the pictures | times the processor time | reached | pictures | AugCLIP | judge | R-precision |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for pair, (adam, basin) in PAIRS.items():
        print(line(pair, *([found[one][name] for one in asked] for name in (adam, basin))))


if __name__ == "__main__":
    main()
