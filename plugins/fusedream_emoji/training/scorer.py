"""Train the emoji world's scorer, or its judge, on scenes that are drawn on the fly.

    python -m fusedream_emoji.training.scorer --model scorer --steps 5600 --seed 0 --out FOLDER [--resume]

    python -m fusedream_emoji.training.scorer --model judge --steps 4000 --seed 1 --out FOLDER [--resume]

FOLDER becomes an ordinary transformers model folder (moving average of the weights), rewritten every few minutes with
`training.pt` beside it, from which `--resume` goes on; every step draws from (seed, step), so a resumed run is the run.
The loss is CLIP's (Radford et al., 2021) with more columns in each picture's row, its false captions (hard negatives as
in NegCLIP: Yuksekgonul et al., 2023), and the naming of the things among all concepts. For most of the steps the scorer's
ViT reads 32 of the 64 patches (FLIP: Li et al., 2023).

On a GPU where there is one; there `--workers` draw the scenes, which takes a core 0.2 s a batch. What they came to is in
their cards (`weights/*/README.md`). Muon reached in 325 steps the loss for which AdamW alone, at 1e-3, took 475.
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import pickle
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from transformers import AutoModel, CLIPTokenizer

from fusedream_emoji.art import concepts, load_sprites
from fusedream_emoji.scenes import SceneSampler
from fusedream_emoji.training.batches import make_batch
from fusedream_emoji.training.captions import article
from fusedream_emoji.training.contrast import Lesson, contrast, on
from fusedream_emoji.training.models import PROJECTIONS, DualEncoder, Kind, build, fresh_projections, halve, save
from fusedream_emoji.training.muon import Muon
from fusedream_emoji.training.pace import fit, follow
from fusedream_emoji.training.tokenizer import train_tokenizer

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Plan:
    """Everything that a run depends on: it is no longer than `steps` or `minutes`, and its schedule ends with it."""

    model: Kind
    steps: int
    seed: int = 0
    batch: int = 256
    groups: int = 1  # such batches in a step
    rate: float = 2e-3
    warmup: int = 150
    decay: float = 0.05
    average: float = 0.998
    dropped: float = 0.88
    kept: int = 32
    doubles: tuple[float, float] = (0.25, 0.6)  # share of double scenes, at the start and at the end
    pasted: float = 0.3  # share of the double scenes in which one thing is pasted over the other
    twins: float = 0.4
    foils: int = 3
    minutes: float = math.inf
    bf16: bool = False
    start: str | None = None  # folder of a finished model of the same kind, to train on from
    settle: int = 0  # steps in which its projections, begun afresh, are trained alone
    tiny: bool = False


class Lessons(Dataset[Lesson]):
    """The lesson of each step of a plan: the same wherever it is drawn."""

    def __init__(self, plan: Plan, sprites: Tensor, tokenizer: CLIPTokenizer) -> None:
        """`sprites`: (3, N, 4, 64, 64) from `load_sprites`."""
        self.plan, self.tokenizer = plan, tokenizer
        self.sampler = SceneSampler(sprites, plan.seed, pasted=plan.pasted)

    def __getitem__(self, step: int) -> Lesson:
        plan, rng = self.plan, self.sampler.rng
        self.sampler.reseed(f"{plan.seed}/{step}")
        first, last = plan.doubles
        share = first + (last - first) * min(1.0, max(0.0, 2.5 * step / plan.steps - 0.5))
        batch = make_batch(self.sampler, plan.batch, doubles=share, twins=plan.twins, foils=plan.foils, groups=plan.groups)
        names = [article(rng.choice(concept["names"])) for concept in concepts()]
        return Lesson.of(batch, names, self.tokenizer, plan.groups)

    def ahead(self, step: int, workers: int) -> Iterator[Lesson | None]:
        """The lessons from a step on, drawn ahead by so many processes; by none, they are left to be drawn in their step."""
        if not workers:
            return repeat(None)
        loader = DataLoader(Packed(self), batch_size=None, sampler=range(step, self.plan.steps), num_workers=workers)
        return map(pickle.loads, loader)


@dataclass(frozen=True)
class Packed(Dataset[bytes]):
    """Lessons as bytes: each of their many small tensors would be a file that two processes share."""

    lessons: Lessons

    def __getitem__(self, step: int) -> bytes:
        return pickle.dumps(self.lessons[step])


class Trainer:
    """A model, its moving average and its optimiser, advanced one step at a time."""

    def __init__(self, plan: Plan, sprites: Tensor) -> None:
        """Start afresh; `sprites`: (3, N, 4, 64, 64) from `load_sprites`."""
        torch.manual_seed(plan.seed)
        self.plan, self.sprites, self.step, self.seconds = plan, sprites.to(DEVICE), 0, 0.0
        self.tokenizer = load_tokenizer(Path(plan.start)) if plan.start else train_tokenizer()
        self.model = build(plan.model, self.tokenizer, tiny=plan.tiny)
        if plan.start:
            start_from(self.model, Path(plan.start))
        if plan.settle:
            fresh_projections(self.model)
        nn.Module.to(self.model, DEVICE)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.lessons = Lessons(plan, sprites, self.tokenizer)
        self.optimisers = make_optimisers(self.model, plan)

    @property
    def done(self) -> float:
        """The share of the run that lies behind, in [0, 1]."""
        return min(1.0, max(self.step / self.plan.steps, self.seconds / 60 / self.plan.minutes))

    def advance(self, lesson: Lesson | None = None) -> tuple[Tensor, Tensor]:
        """Do one step, with its own lesson; the loss, and the share of the pictures whose own caption beat all false ones."""
        plan = self.plan
        lesson = on(lesson or self.lessons[self.step], DEVICE)
        for name, weight in self.model.named_parameters():
            weight.requires_grad_(self.step >= plan.settle or name.startswith(PROJECTIONS))
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self._rate()
        kept = plan.kept if plan.model == "scorer" and self.done < plan.dropped else None
        torch.manual_seed((plan.seed << 32) + self.step)  # of the patches that are kept
        loss, right = contrast(self.model, lesson, self.sprites, kept=kept, bf16=plan.bf16)
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1
        with torch.no_grad():
            self.model.logit_scale.clamp_(max=math.log(100))
        follow(self.average, self.model, self.step, most=plan.average)
        return loss.detach(), right

    def _rate(self) -> float:
        begun = self.plan.settle if self.step >= self.plan.settle else 0
        rise = min(1.0, (self.step - begun + 1) / self.plan.warmup)
        return self.plan.rate * rise * (0.01 + 0.99 * (1 + math.cos(math.pi * self.done)) / 2)

    def parts(self) -> tuple[DualEncoder | torch.optim.Optimizer, ...]:
        """Everything that a run changes, beside the step."""
        return (self.model, self.average, *self.optimisers)

    def write(self, folder: Path) -> None:
        """Write the averaged model, and all that `read` needs, into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        save(self.average, self.tokenizer, folder)
        parts = [part.state_dict() for part in self.parts()]
        state = {"plan": asdict(self.plan), "step": self.step, "seconds": self.seconds, "parts": parts}
        torch.save(state, folder / "training.part")
        os.replace(folder / "training.part", folder / "training.pt")

    def read(self, folder: Path) -> None:
        """Go on from what `write` left."""
        self.tokenizer = load_tokenizer(folder)
        state = torch.load(folder / "training.pt", map_location=DEVICE, weights_only=True)
        for part, saved in zip(self.parts(), state["parts"], strict=True):
            part.load_state_dict(saved)
        self.step, self.seconds = state["step"], state["seconds"]


def load_tokenizer(folder: Path) -> CLIPTokenizer:
    """The tokenizer of a model folder: embeddings mean nothing with another's numbering."""
    return CLIPTokenizer.from_pretrained(folder, local_files_only=True)


def start_from(model: DualEncoder, folder: Path) -> None:
    """Start from the weights of a finished folder of the same kind, without its optimiser's state."""
    model.load_state_dict(AutoModel.from_pretrained(folder, local_files_only=True).state_dict())


def make_optimisers(model: DualEncoder, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al., 2024) for the matrices inside the towers' layers, AdamW for all the rest."""
    inner = [p for name, p in model.named_parameters() if p.ndim == 2 and ".layer" in name]
    chosen = {id(p) for p in inner}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    matrices, others = [p for p in rest if p.ndim > 1], [p for p in rest if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": plan.decay}, {"params": others, "weight_decay": 0.0}]
    dtype = torch.bfloat16 if plan.bf16 or DEVICE.type == "cuda" else torch.float32
    return [
        Muon(inner, lr=plan.rate, weight_decay=plan.decay, like_adam=True, dtype=dtype),
        torch.optim.AdamW(groups, lr=plan.rate, betas=(0.9, 0.98), fused=True),
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=("scorer", "judge"), required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--minutes", type=float, default=Plan.minutes, help="end after so long; the schedule adapts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--every", type=float, default=4.0, help="minutes between two writings of the folder")
    parser.add_argument("--batch", type=int, default=Plan.batch)
    parser.add_argument("--groups", type=int, default=Plan.groups, help="batches in a step: a GPU takes several as fast as one")
    parser.add_argument("--rate", type=float, default=Plan.rate)
    parser.add_argument("--start", help="folder of a finished model of the same kind, to train on from")
    parser.add_argument("--settle", type=int, default=Plan.settle, help="steps in which fresh projections are trained alone")
    parser.add_argument("--doubles", type=float, nargs=2, default=Plan.doubles, help="share of scenes of two, first and last")
    parser.add_argument("--pasted", type=float, default=Plan.pasted, help="share of scenes of two that are pasted")
    parser.add_argument("--foils", type=int, default=Plan.foils, help="false captions of each picture")
    parser.add_argument("--half", action="store_true", help="store the weights in half precision")
    parser.add_argument("--bf16", action="store_true", help="autocast: 5 times faster on processors with avx512_bf16")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--workers", type=int, default=0, help="processes that draw the scenes ahead")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_float32_matmul_precision("high")  # TF32, where there is a GPU
    shared = ("minutes", "batch", "groups", "rate", "bf16", "start", "settle", "pasted", "foils")
    chosen: dict[str, Any] = {name: getattr(options, name) for name in shared} | {"doubles": tuple(options.doubles)}
    plan = Plan(options.model, options.steps, options.seed, **chosen)
    trainer = Trainer(plan, load_sprites())
    if options.resume:
        trainer.read(options.out)
    lessons, kept = trainer.lessons.ahead(trainer.step, options.workers), Kept()
    fit(
        trainer,
        plan,
        lambda run: kept.add(run.advance(next(lessons))),
        lambda run: report(run, options, kept),
        every=60 * options.every,
    )


class Kept:
    """Running means of what the steps answered."""

    def __init__(self) -> None:
        self.mean: Tensor | None = None

    def add(self, answered: tuple[Tensor, Tensor]) -> None:
        """One step's loss and share."""
        now = torch.stack(answered)
        self.mean = now if self.mean is None else self.mean.lerp(now, 0.02)


def report(trainer: Trainer, options: argparse.Namespace, kept: Kept) -> None:
    """Write the run, and print how it stands."""
    trainer.write(options.out)
    if options.half:
        halve(options.out)
    loss, right = (math.nan, math.nan) if kept.mean is None else kept.mean.tolist()
    print(f"step {trainer.step}: loss {loss:.3f}, right {right:.3f}, {trainer.seconds / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
