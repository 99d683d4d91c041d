"""The paper's two case studies (section 2.1): a picture that looks the same and scores more, and a dog that stays a dog.

    python -m tests.benchmarks.case_studies --out FOLDER [--case 1] [--seed 0] [--steps 100] [--epsilon 0.03137]

Ten pairs of things of the emoji world, such as a dog and a cat. Case 1: a drawing of the first on a plain ground, and one step
of the fast gradient sign method on its pixels towards a prompt for the second (`fgsm`). Case 2: the picture that a search finds
for the first, and its latents moved towards the second by Adam (`attack`). Each by plain CLIP and by AugCLIP.

Printed are means over the pairs: the scorer's plain CLIP and its AugCLIP over views that nothing has seen, for the prompt that
is asked for, before and after; the score of a judge that was never optimised; how often it prefers the prompt for the second
thing to that for the first; and the mean change of a colour, of 255. FOLDER takes `case-1.png` and `case-2.png`, a row each of:
before, after plain CLIP, the difference (in case 1 ten times enlarged), after AugCLIP, its difference; and a line for every
picture in `case-1.txt` and `case-2.txt`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_emoji.art import load_sprites, names
from fusedream_emoji.factors import FACTORS, draw
from fusedream_sdk.imaging.pictures import grid
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.protocols import Scorer
from fusedream_sdk.scoring.augclip import fresh_score
from fusedream_sdk.scoring.prompt import check_prompts
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import NO_VIEWS, Stream, Views
from tests.benchmarks.judging import load_dual, machine, pair_settings, with_article

PAIRS = (
    ("dog", "cat"),
    ("cat", "dog"),
    ("horse", "elephant"),
    ("apple", "banana"),
    ("car", "bus"),
    ("fish", "shark"),
    ("tree", "cactus"),
    ("duck", "owl"),
    ("pizza", "burger"),
    ("airplane", "helicopter"),
)
SCORES = ("plain", "augclip")
VIEWS = 200  # of the AugCLIP that is reported
ENLARGED = {"case-1": 10, "case-2": 1}  # differences on the sheets
SIDE = 64

Drawn = Callable[[str], Tensor]
"""A score to the pictures (10, 3, H, W) that a method makes by it."""


@dataclass(frozen=True)
class Reading:
    """What a prompt's pictures score: (B,) each."""

    clip: Tensor
    augclip: Tensor
    judge: Tensor
    turned: Tensor  # whether the judge prefers the second thing


class Readers:
    """The scorer and the judge, and what they make of pictures of the pairs.

    Args:
        seed: of the views. pairs: of things. models: the scorer and the judge, where they are loaded already.
    """

    def __init__(
        self, seed: int, pairs: Sequence[tuple[str, str]] = PAIRS, models: tuple[Scorer, Scorer] | None = None
    ) -> None:
        self.scorer, self.judge = models or (load_dual("emoji"), load_dual("emoji-judge"))
        self.pairs, self.seed, self.seeds = tuple(pairs), seed, [seed] * len(pairs)
        self.firsts, self.seconds = ([with_article(pair[i]) for pair in pairs] for i in (0, 1))

    def __call__(self, images: Tensor) -> Reading:
        target = make_target(self.scorer, check_prompts(self.seconds))
        reported: dict[str, Any] = {"seeds": self.seeds, "stream": Stream.REPORT}
        return Reading(
            clip=fresh_score(images, target, views=NO_VIEWS, count=1, **reported),
            augclip=fresh_score(images, target, views=Views(), count=VIEWS, **reported),
            judge=cosines(self.judge, images, self.seconds),
            turned=cosines(self.judge, images, self.seconds) > cosines(self.judge, images, self.firsts),
        )


def cosines(reader: Scorer, images: Tensor, prompts: list[str]) -> Tensor:
    """The score of each picture for its prompt: (B,)."""
    with torch.no_grad():
        return (reader.encode_image(shrink(images, reader.resolution)) * reader.encode_text(prompts)).sum(dim=1)


def drawings(pairs: Sequence[tuple[str, str]], seed: int) -> Tensor:
    """The first thing of every pair as the emoji world draws it, on a plain ground: (B, 3, 64, 64)."""
    concepts = torch.tensor([names().index(first) for first, _ in pairs])
    factors = torch.randn(len(pairs), len(FACTORS), generator=torch.Generator().manual_seed(seed))
    factors[:, FACTORS.index("tint_strength")] = -2.0  # in its own colours
    return draw(load_sprites(), concepts, factors, SIDE)


def canvas() -> fd.FuseDream:
    """The scorer with a generator whose latents are pixels."""
    return fd.FuseDream(generator=fd.load_generator("pixels", side=SIDE), scorer="emoji", device="cpu", dtype="float32")


def case_1(readers: Readers, dream: fd.FuseDream, epsilon: float) -> tuple[Tensor, Drawn]:
    """Drawings, and one signed step on their pixels, on a `canvas`."""
    generator, seed = dream.generator, readers.seed
    latents = generator.encode(drawings(readers.pairs, seed))  # pyright: ignore[reportAttributeAccessIssue]  (an optional member)

    def drawn(score: str) -> Tensor:
        method = fd.load_method("fgsm", epsilon=epsilon, score=score)
        return pictures(dream, readers.seconds, [{"rgb": row[None]} for row in latents["rgb"]], seed, method=method)

    return generator(latents), drawn


def case_2(readers: Readers, dream: fd.FuseDream, steps: int) -> tuple[Tensor, Drawn]:
    """What a search finds for the first things, and its latents moved towards the second."""
    seed = readers.seed
    found = [dream.iterate(first, seeds=seed, method=f"attack?score=augclip&origin={first}") for first in readers.firsts]
    begun = [dict(next(states).evaluation.latents) for states in found]

    def drawn(score: str) -> Tensor:
        method = fd.load_method("attack", score=score)
        return pictures(dream, readers.seconds, begun, seed, method=method, steps=steps)

    with torch.no_grad():
        return torch.cat([dream.generator(latents) for latents in begun]), drawn


def pictures(dream: fd.FuseDream, prompts: list[str], begun: list[dict[str, Tensor]], seed: int, **options: Any) -> Tensor:
    """The picture of every prompt from its own start: (B, 3, H, W)."""
    rows = zip(prompts, begun, strict=True)
    return torch.cat([dream.generate(p, seeds=seed, start=x, progress=False, **options).images for p, x in rows])


def study(readers: Readers, title: str, before: Tensor, drawn: Drawn, folder: Path) -> None:
    """Print the table of a case, and write its sheet and its lines."""
    print(f"\n{title}\n\n| by | CLIP | AugCLIP | judge | judge prefers the second | mean change |")
    print("| --- | --- | --- | --- | --- | --- |")
    first, rows, lines = readers(before), [before], [""] * len(PAIRS)
    print(line("before", first, before, before))
    for score in SCORES:
        after = drawn(score)
        read = readers(after)
        print(line(score, read, before, after), flush=True)
        rows += [after, (0.5 + ENLARGED[title] * (after - before)).clamp(0, 1)]
        for i in range(len(PAIRS)):
            values = [(getattr(first, key)[i], getattr(read, key)[i]) for key in ("clip", "augclip", "judge")]
            told = "  ".join(f"{old:6.3f} -> {new:6.3f}" for old, new in values)
            turned = "the second" if read.turned[i] else "the first"
            lines[i] += f"{readers.firsts[i]} to {readers.seconds[i]}, {score:8} {told}  {turned}\n"
    grid(torch.cat(rows), len(PAIRS)).save(folder / f"{title}.png", optimize=True)
    (folder / f"{title}.txt").write_text("".join(lines))


def line(name: str, read: Reading, before: Tensor, after: Tensor) -> str:
    """A row of a table."""
    means = " | ".join(f"{float(value.mean()):.3f}" for value in (read.clip, read.augclip, read.judge))
    turned, change = int(read.turned.sum()), 255 * float((after - before).abs().mean())
    return f"| {name} | {means} | {turned} of {len(PAIRS)} | {change:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the sheets and the lines")
    parser.add_argument("--case", type=int, choices=(1, 2), help="this one alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=100, help="of case 2")
    parser.add_argument("--epsilon", type=float, default=8 / 255, help="of case 1")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    readers = Readers(args.seed)
    lr = pair_settings("emoji")["lr"]
    print(f"{len(PAIRS)} pairs, seed {args.seed}, epsilon {args.epsilon:.4f}, {args.steps} steps at {lr}; {machine()}")
    if args.case != 2:
        study(readers, "case-1", *case_1(readers, canvas(), args.epsilon), args.out)
    if args.case != 1:
        dream = fd.FuseDream("emoji", device="cpu", dtype="float32")
        study(readers, "case-2", *case_2(readers, dream, args.steps), args.out)


if __name__ == "__main__":
    main()
