"""The same ten prompts with every generator of the emoji world, and without any: what is a prior worth?

    python -m tests.benchmarks.generators [--generators emoji,emoji-vqgan,pixels,fourier] [--steps N] [--out FOLDER]

The prompts are every fourth of `single_objects.txt`; every generator runs with the settings that it recommends, and the emoji
scorer steers all of them. Columns:

* judge R-precision, top-5: how often the judge, which was never optimised, ranks the prompt first, or among the first
  five, of 100 captions: the prompt, the same object in ten other colours, and 89 random coloured objects; and the 95 %
  interval over prompts.
* scorer AugCLIP: of the optimised scorer, over fresh views.
* drawn, scored: pictures that the generator drew and views that the scorer read, for each picture that is kept.
* bank: pictures drawn before, once for all prompts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.imaging.pictures import grid
from fusedream_sdk.protocols import Scorer
from tests.benchmarks.judging import firsts, load_dual, machine, pair_settings, ranks

PROMPTS = Path(__file__).with_name("single_objects.txt").read_text().splitlines()[::4]
GENERATORS = ("emoji", "emoji-vqgan", "pixels", "fourier")
PAIRS = ("emoji", "emoji-vqgan")  # those that have settings as a pair with the emoji scorer


class CountedGenerator:
    """A generator that counts the pictures it draws."""

    def __init__(self, generator: fd.Generator) -> None:
        self.inner, self.drawn = generator, 0
        self.space, self.resolution, self.sample = generator.space, generator.resolution, generator.sample
        self.fingerprint: str = getattr(generator, "fingerprint", "")
        self.recommended: Mapping[str, Any] = getattr(generator, "recommended", {})

    def __call__(self, latents: fd.Latents) -> Tensor:
        images = self.inner(latents)
        self.drawn += len(images)
        return images


class CountedScorer:
    """A scorer that counts the views it reads."""

    def __init__(self, scorer: Scorer) -> None:
        self.inner, self.scored = scorer, 0
        self.resolution, self.encode_text = scorer.resolution, scorer.encode_text
        self.fingerprint: str = getattr(scorer, "fingerprint", "")

    def encode_image(self, images: Tensor) -> Tensor:
        self.scored += len(images)
        return self.inner.encode_image(images)


@dataclass(frozen=True)
class Row:
    """What came of one generator."""

    images: Tensor
    places: list[int]
    augclip: float
    drawn: float
    scored: float
    bank: int
    seconds: float

    def line(self) -> str:
        """As a line of a Markdown table, without the generator's name."""
        bank = f"{self.bank:,}" if self.bank else ""
        judged = f"{firsts(self.places, PROMPTS)} | {self.augclip:.3f}"
        return f"{judged} | {self.drawn:,.0f} | {self.scored:,.0f} | {bank} | {self.seconds:.1f}"


def run(name: str, judge: Scorer, changes: dict[str, Any]) -> Row:
    """All prompts with one generator."""
    generator, counted = CountedGenerator(fd.load_generator(name)), CountedScorer(load_dual("emoji"))
    recommended = pair_settings(name) if name in PAIRS else {**pair_settings("emoji"), **generator.recommended}
    settings = {**recommended, **changes}
    dream = fd.FuseDream(generator=generator, scorer=counted, device="cpu", settings=settings)
    bank = len(dream.bank().embeddings) if dream.settings.searches else 0
    generator.drawn = counted.scored = 0
    begun = time.perf_counter()
    result = dream.generate(PROMPTS)
    seconds = (time.perf_counter() - begun) / len(PROMPTS)
    drawn, scored = generator.drawn / len(PROMPTS), counted.scored / len(PROMPTS)
    places, augclip = ranks(judge, result.images, PROMPTS), float(result.scores["augclip"].mean())
    return Row(result.images, places, augclip, drawn, scored, bank, seconds)


def contact_sheet(rows: Sequence[Tensor]) -> Image.Image:
    """A line of pictures for each generator, in the order of the prompts."""
    return grid(torch.cat([torch.nn.functional.interpolate(images, 128) for images in rows]), len(PROMPTS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generators", default=",".join(GENERATORS), help="comma-separated")
    parser.add_argument("--steps", type=int, help="of every generator")
    parser.add_argument("--out", type=Path, help="folder for the contact sheet and the ranks")
    args = parser.parse_args()
    judge = load_dual("emoji-judge")
    changes = {} if args.steps is None else {"steps": args.steps}
    print(f"{len(PROMPTS)} prompts, seed 0; {machine()}\n")
    print("| generator | judge R-precision | judge top-5 | scorer AugCLIP | drawn | scored | bank | s per picture |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    rows = {}
    for name in args.generators.split(","):
        rows[name] = run(name, judge, changes)
        print(f"| {name} | {rows[name].line()} |", flush=True)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        contact_sheet([row.images for row in rows.values()]).save(args.out / "generators.png")
        for name, row in rows.items():
            lines = zip(PROMPTS, row.places, strict=True)
            (args.out / f"{name}.txt").write_text("".join(f"{place:3} {prompt}\n" for prompt, place in lines))


if __name__ == "__main__":
    main()
