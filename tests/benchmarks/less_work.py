"""Less work for an equal picture: views, their spread and schedule, steps and rate, early stop, basis, dropping of seeds.

    python -m tests.benchmarks.less_work [--prompts 40] [--seed 0] [--changes views-8,views-4] [--out FILE.json]

The prompts, captions and judge are those of `single_objects`, in the emoji world. Every change is drawn for a prompt before the
next prompt is, so that what else the machine does falls on all alike. Columns:

* work: processor time of the run, in times of the pair's own settings for the same prompt; median over prompts.
* held out: the score of the finished pictures over 200 fresh views; judge: the score of the judge, which is never optimised.
* R-precision: how often the judge ranks the prompt first of 100 captions. One picture of forty is 2.5 points; chance alone
  makes about 6.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.fusedream import fusedream
from fusedream_sdk.protocols import Evaluation
from fusedream_sdk.run.task import Task, augclip
from fusedream_sdk.scoring.augclip import AugCLIP, fresh_score
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import Stream, Views, uniforms
from tests.benchmarks.judging import load_dual, machine, r_precision, ranks
from tests.benchmarks.single_objects import PROMPTS

FRESH = 200  # views that score a finished picture


class Antithetic(Views):
    """Every second view has the opposite numbers of the one before it."""

    def numbers(self, seeds: Sequence[int], *, step: int, count: int, stream: Stream) -> Tensor:
        u = uniforms(seeds, step=step, count=count, stream=stream)
        if stream == Stream.OPTIMISE:
            u[:, 1::2] = (1 - u[:, 0 : count - count % 2 : 2]).clamp(0, 1 - 1e-7)
        return u


class Stratified(Views):
    """Of n views every number has one in each n-th of its range (a Latin hypercube)."""

    def numbers(self, seeds: Sequence[int], *, step: int, count: int, stream: Stream) -> Tensor:
        u = uniforms(seeds, step=step, count=count, stream=stream)
        if stream == Stream.OPTIMISE:
            order = uniforms(seeds, step=step + (1 << 40), count=count, stream=stream).argsort(dim=1)
            u = ((order + u) / count).clamp(0, 1 - 1e-7)
        return u


@dataclass(frozen=True)
class Scheduled:
    """AugCLIP whose number of views goes evenly from one to another."""

    objective: AugCLIP
    first: int
    last: int
    steps: int

    def __call__(self, latents: fd.Latents, *, step: int) -> Evaluation:
        count = round(self.first + (self.last - self.first) * step / self.steps)
        return replace(self.objective, count=count)(latents, step=step)


def scheduled(first: int, last: int) -> Method:
    """FuseDream with such a schedule."""

    def objective(task: Task) -> Scheduled:
        return Scheduled(augclip(task), first, last, task.settings.steps)

    return replace(fusedream(), objective=objective, name=None)


Draw = Callable[[fd.FuseDream, str, int], Tensor]


def with_settings(method: Method | None = None, **changes: Any) -> Draw:
    """One picture by changed settings."""
    return lambda dream, prompt, seed: (
        dream.generate(prompt, seeds=seed, method=method or fusedream(), judge=False, progress=False, **changes).images
    )


def dropping(seeds: int, steps: int, factor: int) -> Draw:
    """Several seeds, of which the better part by the held-out score goes on from time to time, until one is run to the end."""

    def draw(dream: fd.FuseDream, prompt: str, seed: int) -> Tensor:
        runs = [dream.iterate(prompt, seeds=seed + 1000 * i, steps=steps) for i in range(seeds)]
        step, states = 0, [next(run) for run in runs]
        while step < steps:
            stop = steps if len(runs) == 1 else step + steps // (2 * len(runs))
            for _ in range(stop - step):
                states = [next(run) for run in runs]
            step = stop
            order = sorted(range(len(runs)), key=lambda i: float(states[i].best.loss))[: max(1, len(runs) // factor)]
            runs, states = [runs[i] for i in order], [states[i] for i in order]
        with torch.no_grad():
            return dream.generator(states[0].best.latents).float()

    return draw


CHANGES: dict[str, Draw] = {
    "views-8": with_settings(),
    "views-1": with_settings(views=1),
    "views-2": with_settings(views=2),
    "views-4": with_settings(views=4),
    "views-16": with_settings(views=16),
    "views-50": with_settings(views=50),
    "antithetic-4": with_settings(views=4, augment=Antithetic(), search_augment=Views()),
    "antithetic-8": with_settings(augment=Antithetic(), search_augment=Views()),
    "stratified-4": with_settings(views=4, augment=Stratified(), search_augment=Views()),
    "stratified-8": with_settings(augment=Stratified(), search_augment=Views()),
    "schedule-1-to-8": with_settings(scheduled(1, 8)),
    "schedule-2-to-14": with_settings(scheduled(2, 14)),
    "steps-20": with_settings(steps=20),
    "steps-40": with_settings(steps=40),
    "steps-160": with_settings(steps=160),
    "steps-40-lr-0.04": with_settings(steps=40, lr=0.04),
    "steps-40-lr-0.04-views-4": with_settings(steps=40, lr=0.04, views=4),
    "steps-160-views-4": with_settings(steps=160, views=4),
    "early-stop-1": with_settings(patience=1),
    "early-stop-2": with_settings(patience=2),
    "basis-1": with_settings(basis=1),
    "basis-3": with_settings(basis=3),
    "basis-10": with_settings(basis=10),
    "looks-every-20": with_settings(check_every=20),
    "looks-8-views": with_settings(check_views=8),
    "four-seeds-dropped": dropping(4, 80, 2),
}


def measured(name: str, dream: fd.FuseDream, prompt: str, seed: int) -> tuple[float, Tensor]:
    """Processor seconds of one picture by a change, and the picture."""
    begun = time.process_time()
    image = CHANGES[name](dream, prompt, seed)
    return time.process_time() - begun, image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=len(PROMPTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--changes", default=",".join(CHANGES), help="comma-separated; the first is what work is counted in")
    parser.add_argument("--out", type=Path, help="file for every single figure")
    args = parser.parse_args()
    torch.set_num_threads(1)
    dream, judge = fd.FuseDream("emoji", device="cpu"), load_dual("emoji-judge")
    dream.bank(progress=False)
    names, prompts = args.changes.split(","), PROMPTS[: args.prompts]
    found: dict[str, list[list[float]]] = {name: [] for name in names}
    for prompt in prompts:
        target, wanted = make_target(dream.scorer, [prompt]), judge.encode_text([prompt])[0]
        for name in names:
            seconds, image = measured(name, dream, prompt, args.seed)
            seen = float(fresh_score(image, target, [args.seed], views=Views(), count=FRESH, stream=Stream.REPORT))
            with torch.no_grad():
                score = float(judge.encode_image(image)[0] @ wanted)
            found[name].append([seconds, seen, score, ranks(judge, image, [prompt])[0]])
        if args.out is not None:
            args.out.write_text(json.dumps({"prompts": prompts[: len(found[names[0]])], "found": found}))
    print(f"{len(prompts)} prompts, seed {args.seed}; {machine()}\n")
    print("| change | work | held out | judge | judge R-precision |\n| --- | --- | --- | --- | --- |")
    base = np.array([row[0] for row in found[names[0]]])
    for name, rows in found.items():
        work = median([row[0] for row in rows] / base)
        means = [mean(row[i] for row in rows) for i in (1, 2)]
        print(f"| {name} | {work:.2f} | {means[0]:.3f} | {means[1]:.3f} | {r_precision([int(row[3]) for row in rows]):.1%} |")


if __name__ == "__main__":
    main()
