"""How often successive halving keeps the winner of the brute force, and what it saves.

    python -m tests.benchmarks.halving [--prompts 12] [--steps 50] [--factors 2,3,4] [--every 5,10]

All candidates of the first prompts of `two_objects.txt` are run to the end once. A survivor of halving has the run that it
has there, so what halving would have chosen follows from the held-out scores at the ends of its stages.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import fusedream_sdk as fd
from fusedream_sdk.optim.halving import stages
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.rows import each_with_each
from fusedream_sdk.scenes.compose import compose, cost
from fusedream_sdk.scenes.layer import Layer
from fusedream_sdk.scenes.placement import placements
from fusedream_sdk.scenes.request import Request
from fusedream_sdk.scenes.settings import SceneSettings
from tests.benchmarks.judging import machine
from tests.benchmarks.two_objects import PROMPTS


@dataclass
class Course:
    """The best held-out loss of every candidate so far, at every judged step."""

    every: int
    losses: dict[int, dict[int, float]] = field(default_factory=dict)

    def __call__(self, rows: list[int], state: State) -> None:
        if state.step % self.every == 0:
            noted = self.losses.setdefault(state.step, {})
            noted |= dict(zip(rows, state.best.loss.tolist(), strict=True))


def halved(course: Course, group: Sequence[int], plan: Sequence[tuple[int, int]]) -> int:
    """The row of a group that wins under a plan of `stages`."""
    alive = list(group)
    for end, survivors in plan:
        alive = sorted(alive, key=lambda row: course.losses[end][row])[:survivors]
    return alive[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=12)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--factors", default="2,3,4", help="comma-separated")
    parser.add_argument("--every", default="5,10", help="steps between two looks, at which stages end; multiples of the first")
    args = parser.parse_args()
    looks = [int(every) for every in args.every.split(",")]
    dream = fd.FuseDream("emoji", device="cpu", settings={"steps": args.steps, "check_every": looks[0]})
    prompts, where = PROMPTS[: args.prompts], placements("all", 0.5)
    scene, settings = SceneSettings.split({}, dream.settings)
    request = Request(each_with_each(prompts, 0), where, (Layer(), Layer()), settings, scene)
    course = Course(dream.settings.check_every)
    composed = compose(dream.engine, request, watch=course)
    score = composed.held_out
    print(f"{len(prompts)} prompts, {len(where)} places, {args.steps} steps, seed 0; {machine()}\n")
    print("| halving | look every | evaluations | the brute force's winner | AugCLIP lost, mean | AugCLIP lost, most |")
    print("| --- | --- | --- | --- | --- | --- |")
    whole = cost(stages(len(where), args.steps, None), len(where))
    for every, factor in product(looks, map(int, args.factors.split(","))):
        plan = stages(len(where), args.steps, factor, every)
        found = [halved(course, group, plan) for group in composed.groups]
        same = sum(a == b for a, b in zip(found, composed.winner, strict=True)) / len(found)
        lost = [float(score[best] - score[row]) for best, row in zip(composed.winner, found, strict=True)]
        saved = f"{cost(plan, len(where)) / whole:.0%}"
        print(f"| {factor} | {every} | {saved} | {same:.0%} | {sum(lost) / len(lost):.4f} | {max(lost):.4f} |")


if __name__ == "__main__":
    main()
