"""Fit the generator of the emoji world: a narrow BigGAN-deep that draws what `fusedream_emoji.factors.draw` draws.

    python -m fusedream_emoji.training.generator --samples N --seed 0 --out FOLDER [--resume] [--minutes M]

There is no adversary: the world is a function, so the generator is fitted to it, on pictures drawn as they are needed.
FOLDER receives config.json and model.safetensors (a moving average of the weights, in BigGAN's own format), and
checkpoint.pt, from which `--resume` goes on after any interruption. On a GPU where there is one. `--compile` is worth
its minute; `--bf16` is worth it where the processor multiplies bf16 (avx512_bf16, amx) or a GPU does.

Measured with `--samples 1000000 --minutes 66 --compile --bf16` on one shared core of a server processor (AVX512-BF16):
359,712 pictures; held-out L1 in [0, 1] 0.071 after 31,000 pictures, 0.044 after 126,000, 0.025 at the end (0.022 after
the repair that weights/generator/README.md tells of).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fusedream_emoji.art import load_sprites
from fusedream_emoji.factors import FACTORS, draw
from fusedream_emoji.training.export import export
from fusedream_emoji.training.pace import fit, follow
from fusedream_emoji.training.run import Run, restore, save, start
from fusedream_emoji.training.twin import Twin


@dataclass(frozen=True)
class Plan:
    """What a run does: `samples` pictures in all, of which the first `sketch_share` train mostly the trunk."""

    samples: int
    seed: int = 0
    batch: int = 48
    rate: float = 0.009
    warmup: int = 150
    sketch_share: float = 0.5
    minutes: float = math.inf
    bf16: bool = False

    @property
    def steps(self) -> int:
        """That the samples take."""
        return math.ceil(self.samples / self.batch)


def picture_loss(picture: Tensor, target: Tensor) -> Tensor:
    """L1 of the pixels and of their differences to the right and downwards, so that edges count: a scalar."""
    error = picture - target
    return error.abs().mean() + error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()


def rehearse(sprites: Tensor, count: int, seed: int, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """Random concepts, factors and their pictures in [-1, 1]; the same for the same seed and step."""
    rng = torch.Generator().manual_seed((seed << 32) + step)
    concept = torch.randint(sprites.shape[1], (count,), generator=rng).to(sprites.device)
    factors = torch.randn(count, len(FACTORS), generator=rng).to(sprites.device)
    return concept, factors, draw(sprites, concept, factors, sprites.shape[-1]) * 2 - 1


def advance(run: Run, sprites: Tensor, plan: Plan, forward: Callable[..., tuple[Tensor, Tensor]]) -> None:
    """One optimisation step; `forward` is the twin, compiled or not."""
    progress = max(run.step * plan.batch / plan.samples, run.seconds / 60 / plan.minutes)
    rate = plan.rate * min(1, (run.step + 1) / plan.warmup) * (0.5 + 0.5 * math.cos(math.pi * min(progress, 1)))
    for optimiser in run.optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate * group["speed"]
    sketching = progress < plan.sketch_share
    tail = max(plan.batch // 8, 1) if sketching else plan.batch
    concept, factors, target = rehearse(sprites, plan.batch, plan.seed, run.step)
    with torch.autocast(sprites.device.type, torch.bfloat16, enabled=plan.bf16):
        sketch, picture = forward(concept, factors, tail)
    loss = picture_loss(sketch, target) * (1.0 if sketching else 0.3)
    loss = loss + picture_loss(picture, target[:tail]) * (tail / plan.batch)
    loss.backward()
    for optimiser in run.optimisers:
        optimiser.step()
        optimiser.zero_grad()
    run.step += 1
    follow(run.average, run.twin, run.step, most=0.999)


@torch.no_grad()
def held_out_error(twin: Twin, sprites: Tensor, count: int = 256) -> tuple[float, float]:
    """Mean absolute error of sketches and pictures in [0, 1], on concepts and factors that no step has seen."""
    concept, factors, target = rehearse(sprites, count, 2**20, 0)
    errors = []
    for c, f, t in zip(concept.split(64), factors.split(64), target.split(64), strict=True):
        errors.append(torch.stack([(x - t).abs().mean() / 2 for x in twin(c, f)]))
    sketch, picture = torch.stack(errors).mean(0).tolist()
    return sketch, picture


def report(run: Run, sprites: Tensor, plan: Plan, folder: Path) -> None:
    """Save the run, export its average, and print how it stands."""
    save(run, folder / "checkpoint.pt")
    export(run.average, folder)
    sketch, picture = held_out_error(run.average, sprites)
    figures = f"held-out L1: sketch {sketch:.4f}, picture {picture:.4f}"
    print(f"{run.step * plan.batch} samples, {run.seconds / 60:.1f} minutes, {figures}", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, required=True, help="pictures to train on, in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights and of the checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after so long; the schedule adapts")
    parser.add_argument("--batch", type=int, default=Plan.batch, help="pictures of a step")
    parser.add_argument(
        "--sketch-share", type=float, default=Plan.sketch_share, help="of the run, that trains mostly the trunk"
    )
    parser.add_argument("--bf16", action="store_true", help="multiply in bfloat16")
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    args = parser.parse_args()
    shared = ("samples", "seed", "minutes", "bf16", "batch", "sketch_share")
    plan = Plan(**{name: getattr(args, name) for name in shared})
    sprites = load_sprites().to("cuda" if torch.cuda.is_available() else "cpu")
    run = start(sprites, args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    if args.resume:
        restore(run, args.out / "checkpoint.pt")
    forward = torch.compile(run.twin, dynamic=False) if args.compile else run.twin
    fit(run, plan, lambda run: advance(run, sprites, plan, forward), lambda run: report(run, sprites, plan, args.out))


if __name__ == "__main__":
    main()
