"""Train the one-step diffusion model of the emoji world: from noise and a prompt to a picture, in one evaluation.

    python -m fusedream_emoji.training.turbo --minutes M --seed 0 --out FOLDER [--resume] [--threads N] [--batch B]
    python -m fusedream_emoji.training.turbo_prompt --steps N --seed 0 --out FOLDER

There is no teacher and no adversary: the picture that a noise stands for is known, as `world` draws it, so the student is
fitted to it: at first the UNet to the picture's principal components and the decoder to the picture, each by itself, and at the
end both together, by L1 of the pixels and of their differences to neighbours. It is told which drawing by the code of the
drawing, its principal components; the second command trains the text tower to say that code of a caption. Tint and background
are in the noise, and a caption's words for them are not heeded.

FOLDER receives checkpoint.pt, from which `--resume` goes on after any interruption, student.safetensors, and of the second
command the folder `pipeline`, which the diffusion plugin loads. On a GPU where there is one. Needs the extra `diffusers`.
"""

from __future__ import annotations

import argparse
import copy
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from fusedream_emoji.art import load_sprites
from fusedream_emoji.factors import FACTORS, draw
from fusedream_emoji.training.generator import picture_loss
from fusedream_emoji.training.muon import Muon
from fusedream_emoji.training.pace import fit, follow
from fusedream_emoji.training.turbo_models import CHANNELS, SIDE, Sizes, Sketch, Student, codes_of
from fusedream_sdk.runtime.files import atomic_path

TOLD = FACTORS[5:]  # tint and background: what the noise says; style, place, size and turn are always the same
STYLE = -3.0  # of the factor: Noto's drawings
HELD_OUT = 2**20  # a step that no run gets to
TOGETHER = 0.1  # weight of the taught latents once the decoder reads what the UNet says: it may say more than they
JITTER = 0.05  # of the codes: the text tower will not hit them exactly


@dataclass(frozen=True)
class Plan:
    """What a run does: no longer than `minutes` or `steps` batches; the rate falls to 0 by then."""

    steps: int = 10**9
    minutes: float = math.inf
    seed: int = 0
    batch: int = 48
    rate: float = 0.015
    warmup: int = 30
    apart: float = 0.4  # share of the run in which UNet and decoder are trained apart


@dataclass(frozen=True)
class World:
    """Where pictures come from.

    Args:
        sprites: (styles, N, 4, side, side).
        codes: of the drawings, (N, 128).
    """

    sprites: Tensor
    codes: Tensor

    def sketch(self, plan: Plan, count: int = 1024) -> Sketch:
        """The latents that are taught, from pictures that no step has seen."""
        return Sketch(torch.cat([self.batch(plan, HELD_OUT + 1 + i, 64)[2] for i in range(count // 64)]))

    def batch(self, plan: Plan, step: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Noise, codes and pictures (count, 3, 64, 64) in [0, 1]; the same for the same seed and step."""
        rng = torch.Generator().manual_seed((plan.seed << 32) + step)
        noise = torch.randn(count, CHANNELS, SIDE, SIDE, generator=rng).to(self.codes.device)
        concept = torch.randint(len(self.codes), (count,), generator=rng).to(self.codes.device)
        pooled = self.codes[concept] + JITTER * torch.randn(count, self.codes.shape[1], generator=rng).to(self.codes.device)
        return noise, pooled, world(self.sprites, concept, noise)


def world(sprites: Tensor, concept: Tensor, noise: Tensor) -> Tensor:
    """The picture that a noise stands for: each factor is the mean of a channel, so of unit variance times 8.

    Args:
        sprites: (styles, N, 4, 64, 64). concept: (B,). noise: (B, 16, 8, 8).

    Returns:
        (B, 3, 64, 64) in [0, 1].
    """
    factors = noise.new_zeros(len(noise), len(FACTORS))
    factors[:, 0] = STYLE
    factors[:, -len(TOLD) :] = SIDE * noise[:, : len(TOLD)].mean(dim=(2, 3))
    return draw(sprites, concept, factors, sprites.shape[-1])


@dataclass
class Run:
    """What a checkpoint holds: the student, its moving average, its optimisers."""

    student: Student
    average: Student
    sketch: Sketch
    optimisers: list[torch.optim.Optimizer]
    step: int = 0
    seconds: float = 0.0


def start(plan: Plan, sizes: Sizes, world: World) -> Run:
    """A fresh run."""
    torch.manual_seed(plan.seed)
    student = Student(sizes).to(world.codes.device)
    kernels, others = [], []
    for name, x in student.named_parameters():
        if x.requires_grad:
            (kernels if x.ndim > 1 and "conv_out" not in name and "conv_in" not in name else others).append(x)
    muon = Muon([{"params": kernels, "speed": 1.0}], lr=0.0, dtype=torch.float32)
    adam = torch.optim.AdamW([{"params": others, "speed": 0.3}], lr=0.0, betas=(0.9, 0.99), weight_decay=0.0)
    return Run(student, copy.deepcopy(student).requires_grad_(False).eval(), world.sketch(plan), [muon, adam])


def advance(run: Run, world: World, plan: Plan) -> float:
    """One optimisation step; its loss."""
    progress = min(1.0, max(run.step / plan.steps, run.seconds / 60 / plan.minutes))
    rate = plan.rate * min(1, (run.step + 1) / plan.warmup) * (0.5 + 0.5 * math.cos(math.pi * progress))
    for optimiser in run.optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate * group["speed"]
    noise, pooled, target = world.batch(plan, run.step, plan.batch)
    latent, taught = run.student.denoise(noise, pooled), run.sketch(target)
    apart = progress < plan.apart
    few = plan.batch // 4 if apart else plan.batch // 2  # rows that are decoded
    decoded = run.student.decode((taught if apart else latent)[:few])
    loss = (latent - taught).abs().mean() * (1.0 if apart else TOGETHER) + picture_loss(decoded, target[:few])
    loss.backward()
    for optimiser in run.optimisers:
        optimiser.step()
        optimiser.zero_grad()
    run.step += 1
    follow(run.average, run.student, run.step, most=0.998)
    return float(loss.detach())


@torch.no_grad()
def held_out(student: Student, world: World, plan: Plan, count: int = 256) -> float:
    """Mean absolute error in [0, 1] of pictures of noise that no step has seen."""
    noise, pooled, target = world.batch(plan, HELD_OUT, count)
    parts = zip(noise.split(32), pooled.split(32), target.split(32), strict=True)
    return float(torch.stack([(student(n, p).clamp(0, 1) - t).abs().mean() for n, p, t in parts]).mean())


def save(run: Run, path: Path) -> None:
    """Write a checkpoint, whole or not at all."""
    state = {"student": run.student.state_dict(), "average": run.average.state_dict(), "step": run.step}
    with atomic_path(path) as temporary:
        kept = [optimiser.state_dict() for optimiser in run.optimisers]
        torch.save({**state, "optimisers": kept, "seconds": run.seconds}, temporary)


def restore(run: Run, path: Path) -> None:
    """Continue from a checkpoint."""
    state = torch.load(path, map_location=next(run.student.parameters()).device, weights_only=True)
    run.student.load_state_dict(state["student"])
    run.average.load_state_dict(state["average"])
    for optimiser, values in zip(run.optimisers, state["optimisers"], strict=True):
        optimiser.load_state_dict(values)
    run.step, run.seconds = state["step"], state["seconds"]


def save_average(average: Student, path: Path) -> None:
    """Write the weights that are used in the end, in half precision."""
    with atomic_path(path) as temporary:
        save_file({name: x.half().cpu().contiguous() for name, x in average.state_dict().items()}, temporary)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=Plan.steps)
    parser.add_argument("--minutes", type=float, default=Plan.minutes, help="end after so long; the schedule adapts")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--batch", type=int, default=Plan.batch)
    parser.add_argument("--rate", type=float, default=Plan.rate)
    parser.add_argument("--apart", type=float, default=Plan.apart, help="share of the run that trains UNet and decoder apart")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    options = vars(parser.parse_args())
    folder, resume = options.pop("out"), options.pop("resume")
    torch.set_num_threads(options.pop("threads"))
    plan, sprites = Plan(**options), load_sprites()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    place = World(sprites.to(device), codes_of(sprites).to(device))
    run = start(plan, Sizes(), place)
    folder.mkdir(parents=True, exist_ok=True)
    if resume:
        restore(run, folder / "checkpoint.pt")

    def report(run: Run) -> None:
        save(run, folder / "checkpoint.pt")
        save_average(run.average, folder / "student.safetensors")
        pace = f"{run.step * plan.batch} pictures, {run.seconds / 60:.1f} minutes"
        print(f"step {run.step}: {pace}, held-out L1 {held_out(run.average, place, plan):.4f}", flush=True)

    fit(run, plan, lambda run: advance(run, place, plan), report, every=150.0)


if __name__ == "__main__":
    main()
