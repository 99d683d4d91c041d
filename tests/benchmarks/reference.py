"""How many times faster a step of ours is than one of FuseDream's public code, models included.

    python -m tests.benchmarks.reference [--models emoji|biggan-128|biggan-256] [--views 50] [--rounds 5] [--device cpu]

The reference is `fusedream_sdk.speed.reference`, with the models as the public code would run them: BigGAN-deep as
pytorch_pretrained_biggan runs it, and CLIP as transformers loads and runs it. Ours has the same weights in our plugins, so
what they make faster counts. `fusedream bench` tells the ratio of the loops alone.

Steps of both take turns, in float32. "with looks" adds to ours its share of the looks at held-out views, of which the public
code has none. Weights of biggan-* and of its CLIP ViT-B/32 are random, of the real shapes.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.nn.functional as F
from pytorch_pretrained_biggan import BigGAN, BigGANConfig
from torch import Tensor
from transformers import CLIPConfig, CLIPModel, CLIPProcessor
from transformers.utils import logging

import fusedream_emoji
import fusedream_sdk as fd
from fusedream_biggan.checkpoint import Checkpoint
from fusedream_biggan.config import Config, Extras
from fusedream_biggan.generator import BigGANGenerator
from fusedream_biggan.network import FoldedBigGAN
from fusedream_clip.scorer import ClipScorer
from fusedream_sdk.latents import map_latents
from fusedream_sdk.models.weights import read_tensors
from fusedream_sdk.run.task import drawn
from fusedream_sdk.runtime.device import resolve_device
from fusedream_sdk.speed.reference import Course, Reference
from fusedream_sdk.speed.steps import PROMPT, our_look, our_step, share_of_looks, task_of
from tests.benchmarks.biggan_speed import BLOCKS, seconds
from tests.benchmarks.judging import load_dual, machine
from tests.plugins.biggan.conftest import folded, make_model
from tests.plugins.clip.conftest import write_clip_files


class PlainClip:
    """CLIP as transformers runs it: its own forward, and the attention that it chose."""

    def __init__(self, model: Any, processor: Any) -> None:
        self.model, self.tokenizer = model.eval().requires_grad_(False), processor.tokenizer
        reader = processor.image_processor
        self.resolution = int(reader.crop_size["height"])
        self.mean, self.std = (torch.tensor(x).view(3, 1, 1) for x in (reader.image_mean, reader.image_std))

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def to(self, device: torch.device) -> PlainClip:
        self.model.to(device)
        self.mean, self.std = self.mean.to(device), self.std.to(device)
        return self

    @torch.no_grad()
    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        tokens = self.tokenizer(list(prompts), padding=True, return_tensors="pt").to(self.device)
        return unit(self.model.get_text_features(**tokens))

    def encode_image(self, images: Tensor) -> Tensor:
        return unit(self.model.get_image_features(pixel_values=(images - self.mean) / self.std))


def unit(features: Any) -> Tensor:
    """Features, as a tensor or in transformers' output, as unit vectors."""
    return F.normalize(getattr(features, "pooler_output", features), dim=-1)


class Unfolded(FoldedBigGAN):
    """The package's model as it is: its spectral norms are worked out in every forward."""

    def __init__(self, model: BigGAN, truncation: float) -> None:
        super().__init__(model.state_dict(), Config(**model.config.to_dict()), truncation)
        self.model, self.truncation = model, truncation

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.model.generator(torch.cat([z, y], dim=1), self.truncation)


@dataclass(frozen=True)
class Pair:
    """A generator and a scorer."""

    generator: BigGANGenerator
    scorer: Any

    def to(self, device: torch.device) -> Pair:
        return Pair(self.generator.to(device), self.scorer.to(device))


def models(name: str) -> tuple[Pair, Pair]:
    """As the public code would run them, and ours of the same weights."""
    logging.disable_progress_bar()
    if name == "emoji":
        folder, read = fusedream_emoji.WEIGHTS / "generator", fusedream_emoji.WEIGHTS / "scorer"
        model = BigGAN(BigGANConfig.from_json_file(folder / "config.json")).eval()
        model.load_state_dict(read_tensors(folder / "model.safetensors"))
        plain, scorer = PlainClip(CLIPModel.from_pretrained(read), CLIPProcessor.from_pretrained(read)), load_dual("emoji")
    else:
        side = int(name.removeprefix("biggan-"))
        model = make_model({"output_dim": side, "layers": BLOCKS[side]})
        plain, scorer = random_clips()
    model.requires_grad_(False)
    theirs, ours = (BigGANGenerator(Checkpoint(partial(kind, model), Extras(), name)) for kind in (Unfolded, folded))
    return Pair(theirs, plain), Pair(ours, scorer)


def random_clips() -> tuple[PlainClip, ClipScorer]:
    """A CLIP ViT-B/32 of random weights, which reads letters: as transformers runs it, and in our plugin."""
    with TemporaryDirectory() as folder:
        write_clip_files(Path(folder), 224, vocabulary=49408)
        processor = CLIPProcessor.from_pretrained(folder)
    model = CLIPModel(CLIPConfig()).eval().requires_grad_(False)
    return PlainClip(copy.deepcopy(model), processor), ClipScorer(model, processor)


def timed(name: str, views: int, rounds: int, device: torch.device) -> tuple[list[list[float]], float]:
    """Seconds of each round: a step of the reference, one of ours, a look of ours; and the looks of each step.

    The basis of both is drawn from one seed.
    """
    theirs, ours = (pair.to(device) for pair in models(name))
    changes = {"views": views, "mix": "random", "lr": 5e-3, "noise": 0.01, "steps": 10**6}
    dream = fd.FuseDream(generator=ours.generator, scorer=ours.scorer, dtype="float32", settings=changes)
    task = task_of(dream.engine, dream.settings, 1)
    start, rng = map_latents(lambda x: x[0], drawn(task, k=dream.settings.basis)), torch.Generator().manual_seed(0)
    reference = Reference(theirs.generator, theirs.scorer, PROMPT)
    course = Course(theirs.generator.space, start, rng)

    def settled(run: Any) -> None:
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    parts = (lambda: reference.step(course, course.numbers(views, rng)), our_step(task), our_look(task))
    times = [[seconds(settled, part) for part in parts] for _ in range(rounds + 1)]
    return times[1:], share_of_looks(task)  # the first has what is done once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", choices=("emoji", "biggan-128", "biggan-256"), default="emoji")
    parser.add_argument("--views", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    times, share = timed(args.models, args.views, args.rounds, resolve_device(args.device))
    theirs, ours, look = (1000 * median(column) for column in zip(*times, strict=True))
    ratio, looking = median(a / b for a, b, _ in times), median(a / (b + share * c) for a, b, c in times)
    print(f"{args.models} on {args.device}, {args.views} views, median of {args.rounds} rounds; {machine()}\n")
    print("| reference, ms per step | ours, ms per step | ratio | a look of ours, ms | ratio with looks |")
    print("| --- | --- | --- | --- | --- |")
    print(f"| {theirs:.0f} | {ours:.0f} | {ratio:.2f} | {look:.0f} | {looking:.2f} |")


if __name__ == "__main__":
    main()
