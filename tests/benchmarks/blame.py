"""Which part is to blame where a picture is not what its prompt says: judge, generator, scorer, or search.

    python -m tests.benchmarks.blame --out FOLDER [--prompts 40] [--seeds 0] [--resume] [--device cuda --together 32]

Coloured things ("a red apple") and things on grounds ("an apple on a blue background"), so many of each, drawn by FuseDream
with what the emoji pair recommends. A picture is wrong where the judge does not put its prompt first of 100 captions: it, the
same thing in the ten other colours or on the ten other grounds, 40 other things in that colour or on that ground, and others.
What is lost is what the caption that came first says otherwise: the thing, the colour or ground, or both.

Each prompt also has right pictures: its thing in three styles, by the painter whom the generator was fitted to, and by the
generator from the latents that stand for the same. A wrong picture is put down to the first of these that fits:

* the judge: it puts the prompt first for fewer than half of the painter's right pictures;
* the generator: for fewer than half of the generator's, though it knows the painter's;
* the scorer: to it the wrong picture is worth no less (AugCLIP over fresh views) than the best right one of the generator;
* the search: a right picture would have scored more, and was not found.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from fusedream_emoji import WEIGHTS
from fusedream_emoji.art import concepts, load_sprites, names
from fusedream_emoji.factors import FACTORS, directions
from fusedream_emoji.render import COLOURS
from fusedream_emoji.training.captions import article
from fusedream_sdk.evaluation.ranking import place_of_own, see
from fusedream_sdk.imaging.pictures import read_picture
from fusedream_sdk.protocols import Scorer
from fusedream_sdk.scoring.augclip import fresh_score
from fusedream_sdk.scoring.prompt import check_prompts
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import Stream, Views
from tests.benchmarks.claims.frame import Asked, Values, paired, row_file, save_rows
from tests.benchmarks.emoji_generator import drawn, painted
from tests.benchmarks.judging import CANDIDATES, also_called, load_dual, machine
from tests.benchmarks.single_objects import PROMPTS, dream_of

WAY = "fusedream"
VIEWS = 64  # of a score
STYLES = (-1.2, 0.0, 1.2)  # the middles of the three
SAME = 40  # captions of other things with the same colour or ground
PARTS = ("judge", "generator", "scorer", "search")
LOST = ("thing", "colour", "both")


@dataclass(frozen=True)
class Wish:
    """A thing, and its colour or, with `ground`, that of what is behind it."""

    thing: str
    colour: str
    ground: bool

    def __str__(self) -> str:
        if self.ground:
            return f"{article(self.thing)} on {article(f'{self.colour} background')}"
        return article(f"{self.colour} {self.thing}")

    @property
    def kind(self) -> str:
        """What its colour is of."""
        return "grounds" if self.ground else "colours"

    def others(self) -> list[Wish]:
        """What the judge may take it for: 99 different ones."""
        rng, every = random.Random(str(self)), [name for name in names() if name not in also_called(self.thing)]
        found = [Wish(self.thing, word, self.ground) for word in COLOURS if word != self.colour]
        found += [Wish(name, self.colour, self.ground) for name in rng.sample(every, SAME)]
        words = [word for word in COLOURS if word != self.colour]
        while len(found) < CANDIDATES - 1:
            one = Wish(rng.choice(every), rng.choice(words), self.ground)
            found += [one] if one not in found else []
        return found

    def latents(self) -> tuple[Tensor, Tensor]:
        """The concept (3,), and z (3, 128) of right pictures, one in each style."""
        values = dict.fromkeys(FACTORS, 0.0) | {"tint_strength": -1.5 if self.ground else 1.5}
        part = "back" if self.ground else "tint"
        shares = torch.tensor(COLOURS[self.colour]).clamp(0.02, 0.98)
        turned = torch.atanh(2 * shares - 1) / 1.2  # the inverse of `factors.colour`
        values |= {f"{part}_{name}": float(x) for name, x in zip(("red", "green", "blue"), turned, strict=True)}
        if not self.ground:
            light = 0.0 if self.colour in ("white", "gray") else 0.9  # a ground that the colour stands out from
            values |= {f"back_{name}": light for name in ("red", "green", "blue")}
        concept = next(place for place, one in enumerate(concepts()) if self.thing in one["names"])
        factors = torch.tensor([[{**values, "style": style}[name] for name in FACTORS] for style in STYLES])
        return torch.full((len(STYLES),), concept), factors @ directions()


def wishes(count: int) -> list[Wish]:
    """So many coloured things, those of `single_objects.txt` first, and as many things on grounds."""
    rng, every, words = random.Random(0), names(), list(COLOURS)
    coloured = {wish: None for prompt in PROMPTS[:count] for wish in [_read(prompt)]}
    while len(coloured) < count:
        coloured.setdefault(Wish(rng.choice(every), rng.choice(words), False))
    grounds: dict[Wish, None] = {}
    while len(grounds) < count:
        grounds.setdefault(Wish(rng.choice(every), rng.choice(words), True))
    return [*coloured, *grounds]


def _read(prompt: str) -> Wish:
    _, colour, thing = prompt.split(" ", 2)
    return Wish(thing, colour, False)


@dataclass(frozen=True)
class Court:
    """The judge and the scorer, and what they say of pictures of a wish."""

    judge: Scorer
    scorer: Scorer

    @cached_property
    def sprites(self) -> Tensor:
        """Of the painter."""
        return load_sprites()

    def place(self, wish: Wish, pictures: Tensor) -> tuple[list[int], Wish]:
        """For each of (B, 3, H, W) the place of the wish among its captions, from 0; what comes first for the first of them."""
        choices = [wish, *wish.others()]
        with torch.no_grad():
            scores = see(self.judge, pictures) @ self.judge.encode_text([str(one) for one in choices]).T
        return [place_of_own(row) for row in scores], choices[int(scores[0].argmax())]

    def worth(self, wish: Wish, pictures: Tensor) -> Tensor:
        """AugCLIP by the scorer over fresh views, (B,)."""
        target = make_target(self.scorer, check_prompts([str(wish)] * len(pictures)))
        return fresh_score(pictures, target, [0] * len(pictures), views=Views(), count=VIEWS, stream=Stream.REPORT)

    def right(self, wish: Wish) -> tuple[Tensor, Tensor]:
        """Right pictures by the painter and by the generator, (3, 3, 64, 64) each."""
        concept, z = wish.latents()
        return painted(concept, z, self.sprites), drawn(WEIGHTS / "generator", concept, z)

    def known(self, wish: Wish) -> tuple[float, float]:
        """Of the painter's right pictures, and of the generator's, the share for which the judge puts the wish first."""
        by_painter, by_generator = ([place == 0 for place in self.place(wish, one)[0]] for one in self.right(wish))
        return sum(by_painter) / len(by_painter), sum(by_generator) / len(by_generator)

    def blame(self, wish: Wish, picture: Tensor) -> tuple[str, str]:
        """What a wrong picture (1, 3, H, W) has lost, and by whose fault."""
        first = self.place(wish, picture)[1]
        gone = [first.thing != wish.thing, first.colour != wish.colour]
        lost = "both" if all(gone) else "thing" if gone[0] else "colour"
        for part, share in zip(PARTS, self.known(wish), strict=False):
            if share < 0.5:
                return lost, part
        fooled = self.worth(wish, picture) >= self.worth(wish, self.right(wish)[1]).max()
        return lost, "scorer" if bool(fooled) else "search"


def found(asked: Asked, court: Court) -> dict[Wish, list[tuple[str, str] | None]]:
    """For each wish, of every seed, what is lost and by whose fault, or None for a right picture."""
    every = {str(wish): wish for wish in wishes(asked.prompts)}
    dream = dream_of({}, asked.settings, "float32", device=asked.device)

    def draw(way: str, prompts: list[str], seeds: list[int]) -> Sequence[Values]:
        result = dream.generate(prompts, seeds=seeds, progress=False)
        save_rows(asked, way, result)
        return [{"augclip": float(score)} for score in result.scores["augclip"]]

    paired(asked, list(every), [WAY], draw)
    outcome: dict[Wish, list[tuple[str, str] | None]] = {}
    for prompt, wish in every.items():
        pictures = [read_picture("picture", row_file(asked, WAY, prompt, seed, ".png"))[None] for seed in asked.seeds]
        outcome[wish] = [None if court.place(wish, one)[0] == [0] else court.blame(wish, one) for one in pictures]
    return outcome


def table(outcome: dict[Wish, list[tuple[str, str] | None]]) -> str:
    """Rows of a Markdown table: for each kind and each part the pictures that it spoilt, by what they lost."""
    lines = ["| prompts | right | wrong by the | " + " | ".join(f"{name} lost" for name in LOST) + " |"]
    lines += ["| --- | --- | --- |" + " --- |" * len(LOST)]
    for kind in dict.fromkeys(wish.kind for wish in outcome):
        rows = [row for wish, rows in outcome.items() if wish.kind == kind for row in rows]
        counts = Counter(row for row in rows if row is not None)
        for part in PARTS:
            shown = " | ".join(str(counts[lost, part]) for lost in LOST)
            lines.append(f"| {kind} | {rows.count(None)} of {len(rows)} | {part} | {shown} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures")
    parser.add_argument("--prompts", type=int, default=40, help="of each of the two kinds")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, help="of every run")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--together", type=int, help="prompts that are drawn at once")
    args = parser.parse_args()
    settings = {} if args.steps is None else {"steps": args.steps}
    asked = Asked(args.out, args.prompts, tuple(args.seeds), settings, {}, args.device, args.together)
    asked.open(0, resume=args.resume)
    court = Court(load_dual("emoji-judge"), load_dual("emoji"))
    outcome = found(asked, court)
    print(f"{args.prompts} prompts of each kind, seeds {args.seeds}; {machine(args.device)}\n\n{table(outcome)}\n")
    for kind in dict.fromkeys(wish.kind for wish in outcome):
        shares = [court.known(wish) for wish in outcome if wish.kind == kind]
        painter, generator = (sum(column) / len(column) for column in zip(*shares, strict=True))
        print(f"Of right pictures with {kind} the judge knows {painter:.1%} by the painter, {generator:.1%} by the generator.")
    print()
    for wish, rows in outcome.items():
        for seed, row in zip(args.seeds, rows, strict=True):
            if row is not None:
                print(f"- {wish} (seed {seed}): {row[0]} lost, by the {row[1]}")


if __name__ == "__main__":
    main()
