"""FuseDream as its public code runs it, restated: what our speeds are measured against.

    python -m tests.benchmarks.reference [--models emoji|biggan-128|biggan-256] [--views 50] [--rounds 5] [--device cpu]

Facts of github.com/gnobitab/FuseDream at commit 1b7c7c5: search, loop and report of `fusedream_utils.py`, the views of
`DiffAugment_pytorch.py`, the numbers of `fusedream_generator.py`. One picture at a time; no weight of a model has a gradient.
It differs in three things: the generator is a BigGAN-deep as pytorch_pretrained_biggan runs it, all is in float32 (there CLIP
is in float16 on CUDA), and the text has no padding (there it is padded to CLIP's 77 tokens).

Steps of both take turns. They have the same weights of the generator, ours folded, and share the scorer, so what our plugin
makes faster in CLIP counts for both. "with looks" adds to ours its share of the looks at held-out views, of which the public
code has none. Weights of biggan-* and of its CLIP ViT-B/32 are random, of the real shapes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.nn.functional as F
from pytorch_pretrained_biggan import BigGAN
from torch import Tensor
from transformers import CLIPConfig, CLIPModel, CLIPProcessor

import fusedream_emoji
import fusedream_sdk as fd
from fusedream_biggan.checkpoint import Checkpoint, fill
from fusedream_biggan.config import Extras, read_config
from fusedream_biggan.generator import BigGANGenerator
from fusedream_biggan.network import FoldedBigGAN
from fusedream_clip.scorer import ClipScorer
from fusedream_sdk.latents import Latents, concatenate, map_latents, select
from fusedream_sdk.methods.fusedream import fusedream
from fusedream_sdk.models.weights import read_tensors
from fusedream_sdk.protocols import Generator, Scorer
from fusedream_sdk.run.rows import each_with_each
from fusedream_sdk.run.task import Task, drawn, held_out
from fusedream_sdk.runtime.device import resolve_device
from tests.benchmarks.biggan_speed import BLOCKS, seconds
from tests.benchmarks.judging import load_dual, machine
from tests.plugins.biggan.conftest import make_model
from tests.plugins.clip.conftest import write_clip_files

PROMPT = "a photo of a cat"
LR, NOISE, EDGE = 5e-3, 0.01, 2.0  # Adam's step, the noise on mixed latents, the bound of z
Numbers = tuple[Tensor, Latents]  # of the views, (V, 8) in [0, 1), and of the noise, (1, d) of a normal distribution each


@dataclass(frozen=True)
class Asked:
    """A prompt and the models. One of the latents is "z", as of every BigGAN."""

    generator: Generator
    scorer: Scorer
    prompt: str

    def picture(self, latents: Latents) -> Tensor:
        """(B, 3, R, R) in [-1, 1]."""
        return 2 * self.generator(latents) - 1

    def scores(self, seen: Tensor) -> Tensor:
        """Cosines of what is in [-1, 1]: to [0, 1], bilinear to the scorer's side; the text is encoded again each time."""
        side = self.scorer.resolution
        small = F.interpolate((seen + 1) / 2, size=(side, side), mode="bilinear", align_corners=False)
        return self.scorer.encode_image(small) @ self.scorer.encode_text([self.prompt])[0]

    def loss(self, latents: Latents, u: Tensor) -> Tensor:
        """Minus the mean cosine over the views of one picture."""
        return -self.scores(views(self.picture(latents), u)).mean()


def views(picture: Tensor, u: Tensor) -> Tensor:
    """Copies of (1, 3, R, R) in [-1, 1] at full resolution, each changed in the code's order: (V, 3, R, R).

    The numbers of each are of brightness + U(-.5, .5), saturation x U(0, 2), contrast x U(.5, 1.5), the moves right and down,
    the ratio (the first view's is that of all), column and row of the cut square.
    """
    x, ratio, u = picture.repeat(len(u), 1, 1, 1), float(u[0, 5]), u.to(picture.device)
    brightness, saturation, contrast = (u[:, i, None, None, None] for i in range(3))
    x = x + (brightness - 0.5)
    grey = x.mean(dim=1, keepdim=True)
    x = (x - grey) * (2 * saturation) + grey
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - mean) * (contrast + 0.5) + mean
    return cut_out(resize(translate(x, u[:, 3:5]), ratio), u[:, 6:8])


def translate(x: Tensor, u: Tensor) -> Tensor:
    """By whole pixels, up to an eighth of the side; 0 where nothing comes from inside."""
    side = x.shape[-1]
    most = int(side / 8 + 0.5)
    moved = (u.double() * (2 * most + 1)).long() - most
    source = (torch.arange(side, device=x.device) - moved[..., None] + 1).clamp(0, side + 1)  # (V, 2, R), in the padded
    view, column, row = torch.arange(len(x), device=x.device)[:, None, None], source[:, 0, None, :], source[:, 1, :, None]
    return F.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1).contiguous()[view, row, column].permute(0, 3, 1, 2).contiguous()


def resize(x: Tensor, u: float) -> Tensor:
    """All by one ratio of U(.8, 1.2), bilinear, then padded with 0 or cropped to the old side."""
    side = x.shape[-1]
    new = int(side * (0.8 + 0.4 * u))
    scaled = F.interpolate(x, size=(new, new), mode="bilinear", align_corners=False)
    before = abs(side - new) // 2
    if new < side:
        return F.pad(scaled, (before, side - new - before, before, side - new - before))
    return scaled[:, :, before : before + side, before : before + side]


def cut_out(x: Tensor, u: Tensor) -> Tensor:
    """A square of half the side is 0, clipped at the border."""
    side = x.shape[-1]
    size = int(side / 2 + 0.5)
    first = (u.double() * (side + 1 - size % 2)).long() - size // 2
    past = torch.arange(side, device=x.device) - first[..., None]  # (V, 2, R)
    inside = (past >= 0) & (past < size)
    return x * ~(inside[:, 1, :, None] & inside[:, 0, None, :])[:, None]


def normal(like: Latents, rng: torch.Generator) -> Latents:
    return map_latents(lambda x: torch.randn(x.shape, generator=rng).to(x.device), like)


class Course:
    """What Adam moves, without decay or schedule: k basis latents and their weights, (k, d) each. It changes in every step."""

    def __init__(self, start: Latents, rng: torch.Generator) -> None:
        self.basis = map_latents(lambda x: x.detach().clone().requires_grad_(), start)
        self.weights = map_latents(lambda x: x.requires_grad_(), normal(start, rng))
        self.optimiser = torch.optim.Adam([*self.weights.values(), *self.basis.values()], lr=LR)

    def point(self) -> Latents:
        """The mixture, (1, d) each: a softmax over the basis, for each coordinate by itself."""
        return {name: (self.weights[name].softmax(dim=0) * x).sum(dim=0, keepdim=True) for name, x in self.basis.items()}


def numbers(course: Course, views: int, rng: torch.Generator) -> Numbers:
    """What is random in a step."""
    return torch.rand(views, 8, generator=rng), normal(course.point(), rng)


def search(asked: Asked, rng: torch.Generator, *, batches: int = 1000, size: int = 10, k: int = 5) -> Latents:
    """The k best of batches x size draws by the cosine of the picture itself, sorted again after every batch."""
    kept: list[tuple[Latents, Tensor]] = []
    with torch.no_grad():
        for _ in range(batches):
            latents = asked.generator.sample(size, rng=rng)
            kept.append((latents, asked.scores(asked.picture(latents))))
            every, scores = concatenate([known for known, _ in kept]), torch.cat([known for _, known in kept])
            order = scores.argsort(descending=True)[:k]
            kept = [(select(every, order), scores[order])]
    return kept[0][0]


def step(asked: Asked, course: Course, random: Numbers) -> Latents:
    """One step: of the mixture with noise the gradient, Adam, z put back. Returns the mixture before it, without noise."""
    course.optimiser.zero_grad()
    point, (u, noise) = course.point(), random
    asked.loss({name: x + NOISE * noise[name] for name, x in point.items()}, u).backward()
    course.optimiser.step()
    with torch.no_grad():
        course.basis["z"].clamp_(-EDGE, EDGE)
    return map_latents(Tensor.detach, point)


def optimise(asked: Asked, start: Latents, rng: torch.Generator, *, steps: int = 1000, views: int = 50) -> Latents:
    """So many steps from k latents. What is returned is the point before the last update; no other is kept."""
    course = Course(start, rng)
    return [step(asked, course, numbers(course, views, rng)) for _ in range(steps)][-1]


def report(asked: Asked, latents: Latents, rng: torch.Generator, *, rounds: int = 20, views: int = 50) -> float:
    """AugCLIP over rounds x views by the scorer that was optimised; the picture is drawn again in every round."""
    with torch.no_grad():
        return -sum(float(asked.loss(latents, torch.rand(views, 8, generator=rng))) for _ in range(rounds)) / rounds


# What is timed


class Unfolded(FoldedBigGAN):
    """The package's model as it is: its spectral norms are worked out in every forward."""

    def __init__(self, model: BigGAN, truncation: float) -> None:
        super().__init__(model, truncation)
        self.model, self.truncation = model, truncation

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.model.generator(torch.cat([z, y], dim=1), self.truncation)


def models(name: str) -> tuple[BigGANGenerator, BigGANGenerator, Any]:
    """The package's generator, ours of the same weights, and a scorer."""
    if name == "emoji":
        folder, scorer = fusedream_emoji.WEIGHTS / "generator", load_dual("emoji")
        file = folder / "model.safetensors"
        model = fill(read_config(folder / "config.json")[0], read_tensors(file), file)
    else:
        side = int(name.removeprefix("biggan-"))
        model, scorer = make_model({"output_dim": side, "layers": BLOCKS[side]}), random_clip()
    model.requires_grad_(False)
    theirs, ours = (BigGANGenerator(Checkpoint(partial(kind, model), Extras(), name)) for kind in (Unfolded, FoldedBigGAN))
    return theirs, ours, scorer


def random_clip() -> ClipScorer:
    """A CLIP ViT-B/32 of random weights, which reads letters."""
    with TemporaryDirectory() as folder:
        write_clip_files(Path(folder), 224, vocabulary=49408)
        processor = CLIPProcessor.from_pretrained(folder)
    return ClipScorer(CLIPModel(CLIPConfig()).eval().requires_grad_(False), processor)


def timed(name: str, views: int, rounds: int, device: torch.device) -> list[list[float]]:
    """Seconds of each round: a step of the reference, one of ours, a look of ours. The basis of both is drawn from one seed."""
    theirs, ours, scorer = models(name)
    theirs, ours, scorer = theirs.to(device), ours.to(device), scorer.to(device)
    changes = {"views": views, "mix": "random", "lr": LR, "noise": NOISE, "check_every": 10**6, "steps": 10**6}
    dream = fd.FuseDream(generator=ours, scorer=scorer, dtype="float32", settings=changes)
    task = Task(dream.engine, dream.engine.rows(each_with_each(PROMPT, 0)), dream.settings)
    starts, rng = drawn(task, k=dream.settings.basis), torch.Generator().manual_seed(0)
    asked, course = Asked(theirs, scorer, PROMPT), Course(map_latents(lambda x: x[0], starts), rng)
    states, judge = fusedream().course(task, starts), held_out(task).holdout
    assert judge is not None

    def look() -> None:
        with torch.no_grad():
            judge(map_latents(lambda x: x[:, 0], starts), step=0)

    def settled(run: Callable[[], object]) -> None:
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    parts = (lambda: step(asked, course, numbers(course, views, rng)), lambda: next(states), look)
    return [[seconds(settled, part) for part in parts] for _ in range(rounds + 1)][1:]  # the first has what is done once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", choices=("emoji", "biggan-128", "biggan-256"), default="emoji")
    parser.add_argument("--views", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    times = timed(args.models, args.views, args.rounds, resolve_device(args.device))
    every = fd.Settings().check_every
    theirs, ours, look = (1000 * median(column) for column in zip(*times, strict=True))
    ratio, looking = median(a / b for a, b, _ in times), median(a / (b + c / every) for a, b, c in times)
    print(f"{args.models} on {args.device}, {args.views} views, median of {args.rounds} rounds; {machine()}\n")
    print("| reference, ms per step | ours, ms per step | ratio | a look of ours, ms | ratio with looks |")
    print("| --- | --- | --- | --- | --- |")
    print(f"| {theirs:.0f} | {ours:.0f} | {ratio:.2f} | {look:.0f} | {looking:.2f} |")


if __name__ == "__main__":
    main()
