"""What the dynamic barrier does to the conflict of the two losses, in real compositions of the emoji world.

    python -m tests.benchmarks.barrier [--steps 40] [--rate 30] [--out FILE.png]

For four prompts at one place, by several directions and updates, it prints over the steps:

* conflict: the share of rows and steps in which the direction would raise the primary loss: <grad g, v> < 0;
* least and median of <grad g, v> / |grad g|^2, which the barrier keeps at alpha = 1 or above;
* rises: the share of steps in which AugCLIP's loss rose, on the same views in every step;
* both losses at the end.

With `--out` it draws the least ratio and the primary loss over the steps, which takes matplotlib.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.latents import Latents, map_latents
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.optim.directions import gradient, inner, pick
from fusedream_sdk.optim.loop import iterate
from fusedream_sdk.optim.optimisers import adam, sgd
from fusedream_sdk.protocols import Direction, Evaluation, Params, Perceptual, Scorer
from fusedream_sdk.run.plot import COLOURS, INK, LETTERS, SMALL, WIDE, empty_figure, plain_axes, save_figure
from fusedream_sdk.run.rows import Rows, each_with_each
from fusedream_sdk.run.task import Task, augclip, mixed
from fusedream_sdk.scenes.consistency import Composition, make_direction
from fusedream_sdk.scenes.placement import Placement
from fusedream_sdk.scenes.scene import Scene, join, placed
from fusedream_sdk.search.pairs import best_pairs
from tests.benchmarks.judging import machine

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PROMPTS = ["a fox near a tent", "a panda and a balloon", "a shark and a ship", "a tiger next to a donut"]
PLACE = Placement.at("bottom-right", 0.5)
RUNS = {  # name -> problem, coefficient, update
    "bi-level, plain": ("bi-level", 1.0, "plain"),
    "bi-level, Adam": ("bi-level", 1.0, "adam"),
    "f + g, plain": ("linear", 1.0, "plain"),
    "f + g, Adam": ("linear", 1.0, "adam"),
}


@dataclass
class Watched:
    """A direction that notes how far it descends the primary loss, as a share of what that loss's own gradient would."""

    direction: Direction
    ratios: list[Tensor] = field(default_factory=list)

    def __call__(self, losses: Mapping[str, Tensor], params: Params) -> Params:
        grad_g = gradient(pick(losses, "augclip"), params, again=True)
        v = self.direction(losses, params)
        self.ratios.append(inner(grad_g, v) / inner(grad_g, grad_g))
        return v


@dataclass(frozen=True)
class SameViews:
    """An objective whose views do not change from step to step, so that a rise is the step's doing."""

    objective: Composition

    def __call__(self, latents: Latents, *, step: int) -> Evaluation:
        return self.objective(latents, step=0)


def prepare(dream: fd.FuseDream) -> tuple[Task, Latents, SameViews]:
    """The rows of a scene, their starts and their objective."""
    settings = dream.settings.replace(noise=0.0)
    scene = Scene(dream.generator, dream.generator, [PLACE])
    bank, scorer, distance = dream.bank(), dream.scorer, fd.load_perceptual("emoji")
    if not isinstance(scorer, Scorer) or not isinstance(distance, Perceptual):
        raise SystemExit("the emoji world is not whole")
    with torch.no_grad():
        chosen = best_pairs(scorer.encode_text(PROMPTS), bank.embeddings, bank.embeddings, k=settings.basis)
    back, front = (bank.latents(dream.generator, index) for index in chosen)
    place = map_latents(lambda x: x[:, None].expand(-1, settings.basis, -1), placed([PLACE] * len(PROMPTS)))
    engine = dream.engine.drawing_with(Loaded(scene, None))
    task = Task(engine, Rows.of(scorer, each_with_each(PROMPTS, 0)), settings)
    return task, join(back, front, place), SameViews(Composition(scene, augclip(task), distance, reading="border"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rate", type=float, default=30.0, help="learning rate of plain descent")
    parser.add_argument("--out", type=Path, help="a plot, as .png, .svg or .pdf")
    args = parser.parse_args()
    dream = fd.FuseDream("emoji", device="cpu", dtype="float32")
    task, starts, objective = prepare(dream)
    ratios, primary = {}, {}
    print(f"{len(PROMPTS)} prompts, seed 0, {args.steps} steps, plain rate {args.rate}; {machine()}\n")
    print("| direction and update | conflict | least ratio | median ratio | rises | g at the end | f at the end |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, (problem, coefficient, update) in RUNS.items():
        watched = Watched(make_direction(problem, coefficient=coefficient))  # pyright: ignore[reportArgumentType]
        begun = mixed(task, starts)
        make = adam(dream.settings.lr) if update == "adam" else sgd(args.rate)
        states = iterate(objective, begun, begun.params, steps=args.steps, direction=watched, make_optimiser=make)
        losses = [dict(state.evaluation.losses) for state in states]
        g, f = (torch.stack([loss[part] for loss in losses]) for part in ("augclip", "consistency"))
        ratio = torch.stack(watched.ratios)
        ratios[name], primary[name] = ratio.min(dim=1).values.tolist(), g.mean(dim=1).tolist()
        figures = f"{(ratio < 0).float().mean():.1%} | {ratio.min():.2f} | {ratio.median():.2f} | "
        figures += f"{(g.diff(dim=0) > 0).float().mean():.1%} | {g[-1].mean():.3f} | {f[-1].mean():.3f}"
        print(f"| {name} | {figures} |", flush=True)
    if args.out is not None:
        save_figure(courses(ratios, primary), args.out)


def courses(ratios: Mapping[str, Sequence[float]], primary: Mapping[str, Sequence[float]]) -> Figure:
    """The least ratio and the primary loss over the steps, a line for each run."""
    figure = empty_figure(WIDE, 3.2)
    left, right = figure.subplots(1, 2)
    for axes, lines in ((left, ratios), (right, primary)):
        plain_axes(axes)
        axes.set_xlabel("step", fontsize=LETTERS)
        for colour, values in zip(COLOURS, lines.values(), strict=False):
            axes.plot(values, color=colour, linewidth=1.3)
    left.axhline(1, color=INK, linestyle="--", linewidth=0.8)  # what the barrier keeps
    left.set_ylim(-4, 4)
    left.set_title("<grad g, v> / |grad g|², least row", loc="left", fontsize=LETTERS + 1)
    right.set_title("primary loss g, minus AugCLIP, mean", loc="left", fontsize=LETTERS + 1)
    figure.legend(right.lines, list(primary), loc="outside lower center", **{**SMALL, "ncols": len(primary)})
    return figure


if __name__ == "__main__":
    main()
