"""Which views are better: ours, or those of the public FuseDream code? By the judge, and by the clock.

    python -m tests.benchmarks.views [--seeds 0,1] [--methods ours,public] [--out FOLDER]

The forty prompts, captions and judge are those of `single_objects`; each method of a table differs from `ours` in one thing:

* public: `PUBLIC_VIEWS` in the run and where its best point is chosen. Search and start are those of `ours`.
* clip-search (only when asked for): the search by plain CLIP, as in the public code; the run as `ours`.

"held out, ours" and "held out, public" score the finished pictures over fresh views of either variant, whichever they were made
with. The emoji generator and scorer both have 64 pixels, so no picture is shrunk there. Behind a share stands its 95 % interval
over prompts.

The second table is the price of a step of the public views, as a multiple of one of ours: steps of two runs in turns, processor
time of one thread. There the pictures are also enlarged to 256 and 512 pixels, as of a larger generator of the same speed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.imaging.pictures import grid
from fusedream_sdk.scoring.augclip import fresh_score
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import Stream
from tests.benchmarks.judging import firsts, load_dual, machine, pair_settings, ranks
from tests.benchmarks.single_objects import PROMPTS

METHODS: dict[str, dict[str, Any]] = {
    "ours": {},
    "public": {"augment": fd.PUBLIC_VIEWS, "search_augment": fd.Views()},
    "clip-search": {"search_augment": fd.NO_VIEWS},
}
FRESH = 200  # views of each variant that score a finished picture; of the public ones four batches of one ratio


class Enlarged:
    """A generator whose pictures are larger."""

    def __init__(self, generator: fd.Generator, side: int) -> None:
        self.generator, self.side = generator, side
        self.space, self.resolution, self.device = generator.space, (side, side), torch.device("cpu")

    def sample(self, n: int, *, rng: torch.Generator) -> fd.Latents:
        return self.generator.sample(n, rng=rng)

    def __call__(self, latents: fd.Latents) -> Tensor:
        images = self.generator(latents)
        return F.interpolate(images, size=(self.side, self.side), mode="bilinear").clamp(0, 1)


def held_out(dream: fd.FuseDream, result: fd.Result, views: fd.Views) -> float:
    """The mean score over fresh views."""
    target = make_target(dream.scorer, result.prompts)
    seen = fresh_score(result.images, target, result.seeds, views=views, count=FRESH, stream=Stream.REPORT)
    return float(seen.mean())


def judged(seeds: list[int], methods: list[str], out: Path | None) -> None:
    """The table of what the pictures are worth."""
    dream, judge = fd.FuseDream("emoji", device="cpu"), load_dual("emoji-judge")
    print("| method | judge R-precision | judge top-5 | judge score | held out, ours | held out, public |")
    print("| --- | --- | --- | --- | --- | --- |")
    for method in methods:
        dream.bank(**METHODS[method], progress=False)
        result = dream.generate(PROMPTS, seeds=seeds, progress=False, **METHODS[method])
        places = ranks(judge, result.images, result.prompts)
        scores = [float(result.scores["judge"].mean()), *(held_out(dream, result, v) for v in (fd.Views(), fd.PUBLIC_VIEWS))]
        print(f"| {method} | {firsts(places, result.prompts)} | {' | '.join(f'{x:.3f}' for x in scores)} |", flush=True)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            grid(result.images[:: len(seeds)], 8).save(out / f"{method}.png")
            lines = zip(result.prompts, result.seeds, places, strict=True)
            (out / f"{method}.txt").write_text("".join(f"{place:3} {prompt} ({seed})\n" for prompt, seed, place in lines))


def timed(side: int, views: int, steps: int) -> float:
    """Processor time of the public views' steps, as a multiple of ours; the steps of both take turns."""
    small = fd.load_generator("emoji")
    generator = small if side == 64 else Enlarged(small, side)
    changes = {"samples": 1, "basis": 1, "steps": steps, "views": views, "check_every": 10 * steps}
    dream = fd.FuseDream(generator=generator, scorer="emoji", device="cpu", settings={**pair_settings("emoji"), **changes})
    runs: list[Iterator[Any]] = [dream.iterate(PROMPTS[0], augment=augment) for augment in (fd.Views(), fd.PUBLIC_VIEWS)]
    for run in runs:
        next(run)  # the first has what is done once
    spent = [0.0, 0.0]
    for _ in range(steps - 1):
        for which, run in enumerate(runs):
            begun = time.process_time()
            next(run)
            spent[which] += time.process_time() - begun
    return spent[1] / spent[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0", help="comma-separated")
    parser.add_argument("--methods", default="ours,public", help="comma-separated; none of them to have the second table alone")
    parser.add_argument("--out", type=Path, help="folder for a sheet of pictures and the ranks of each method")
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")]
    print(f"{len(PROMPTS)} prompts x seeds {seeds}; {machine()}\n")
    if args.methods:
        judged(seeds, args.methods.split(","), args.out)
    print("\n| generator | views | a step of public, in steps of ours |")
    print("| --- | --- | --- |")
    for side, views, steps in ((64, 8, 40), (64, 50, 10), (256, 8, 20), (256, 50, 6), (512, 8, 8)):
        print(f"| {side} px | {views} | {timed(side, views, steps):.2f} |", flush=True)


if __name__ == "__main__":
    main()
