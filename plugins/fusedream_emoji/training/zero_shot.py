"""Measure a dual encoder on fresh scenes that it has not seen: which of several sentences does it find the truest?

    python -m fusedream_emoji.training.zero_shot --model FOLDER [--count 1000] [--seed 2026]

Every number is the share of pictures whose true sentence ranks first (top 5 where it says so) among the choices.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AutoModel, AutoProcessor

from fusedream_emoji.art import load_sprites, names
from fusedream_emoji.painting import paint
from fusedream_emoji.scenes import Layout, Scene, SceneSampler, relation
from fusedream_emoji.training.captions import STYLE_WORDS, article, sentence, truth
from fusedream_emoji.training.flaws import flawed
from fusedream_emoji.training.palette import WORDS


@dataclass(frozen=True)
class Question:
    """A scene, sentences about it, and which of them is true."""

    scene: Scene
    choices: tuple[str, ...]
    right: int


class Encoder:
    """A model folder as two functions to unit vectors."""

    def __init__(self, folder: Path) -> None:
        """Load the folder with AutoModel and AutoProcessor, without the network."""
        self.model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
        self.processor = AutoProcessor.from_pretrained(folder, local_files_only=True)

    @torch.no_grad()
    def images(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] at the model's own side, to (B, D)."""
        reader = self.processor.image_processor
        mean, std = (torch.tensor(values)[:, None, None] for values in (reader.image_mean, reader.image_std))
        parts = [self.model.get_image_features(pixel_values=(p - mean) / std) for p in pictures.split(128)]
        return F.normalize(torch.cat([part.pooler_output for part in parts]), dim=1)

    @torch.no_grad()
    def texts(self, texts: list[str]) -> Tensor:
        """T sentences to (T, D)."""
        parts = []
        for start in range(0, len(texts), 256):
            tokens = self.processor(text=texts[start : start + 256], padding=True, return_tensors="pt")
            parts.append(self.model.get_text_features(**tokens).pooler_output)
        return F.normalize(torch.cat(parts), dim=1)


def ranks(encoder: Encoder, pictures: Tensor, questions: list[Question]) -> Tensor:
    """How many choices each picture scores above the true one: (B,) integers, 0 is best."""
    texts = sorted({choice for question in questions for choice in question.choices})
    place = {text: i for i, text in enumerate(texts)}
    scores = encoder.images(pictures) @ encoder.texts(texts).T
    out = []
    for row, question in zip(scores, questions, strict=True):
        chosen = row[[place[choice] for choice in question.choices]]
        out.append((chosen > chosen[question.right]).sum())
    return torch.stack(out)


class Examiner:
    """Asks questions about random scenes; one seed gives one examination."""

    def __init__(self, sampler: SceneSampler) -> None:
        """`sampler` draws the scenes and the choices."""
        self.sampler, self.rng, self.names = sampler, sampler.rng, names()

    def single(self) -> Scene:
        """A scene of one random thing."""
        return self.sampler.single(self.rng.randrange(self.sampler.count))

    def double(self, layout: Layout | None = None) -> Scene:
        """A scene of two different random things."""
        back, front = self.rng.sample(range(self.sampler.count), 2)
        return self.sampler.double(back, front, layout)

    def concept(self) -> Question:
        """Which thing?"""
        scene = self.single()
        return Question(scene, tuple(article(name) for name in self.names), scene.things[0].concept)

    def centred(self) -> Question:
        """Which thing, drawn as the generator draws it?"""
        while abs((question := self.concept()).scene.things[0].turn) > 0.175 or not _central(question.scene):
            pass
        return question

    def colour(self) -> Question:
        """Which colour has the thing?"""
        while not (word := (scene := self.single()).things[0].colour):
            pass
        return self._choose(scene, lambda name, w: article(f"{w} {name}"), WORDS, word)

    def background(self) -> Question:
        """Which colour has the background?"""
        while not (word := (scene := self.single()).back_colour):
            pass
        return self._choose(scene, lambda name, w: f"{article(name)} on {article(w)} background", WORDS, word)

    def style(self) -> Question:
        """Which style is it drawn in?"""
        scene = self.single()
        word = STYLE_WORDS[scene.things[0].style]
        return self._choose(scene, lambda name, w: f"{article(w)} picture of {article(name)}", STYLE_WORDS, word)

    def size(self) -> Question:
        """Small or big?"""
        while not (word := (scene := self.single()).things[0].size):
            pass
        return self._choose(scene, lambda name, w: article(f"{w} {name}"), ("small", "big"), word)

    def pair(self, layout: Layout | None = None) -> Question:
        """Which two things? In each of the 19 false sentences one of the two is another's."""
        scene = self.double(layout)
        a, b = (thing.concept for thing in scene.things)
        others = self.rng.sample([c for c in range(self.sampler.count) if c not in (a, b)], 19)
        pairs = [(a, b)] + [(a, c) if i % 2 else (c, b) for i, c in enumerate(others)]
        return Question(scene, tuple(f"{self._named(x)} and {self._named(y)}" for x, y in pairs), 0)

    def side(self) -> Question:
        """To the left or to the right, above or below?"""
        while not (side := relation(*(scene := self.double()).things)) or scene.layout == "pasted":
            pass
        a, b = (self._named(thing.concept) for thing in scene.things)
        links = ("to the left of", "to the right of") if side in ("left", "right") else ("above", "below")
        return Question(scene, tuple(f"{a} {link} {b}" for link in links), int(side in ("right", "below")))

    def binding(self) -> Question:
        """Which of the two things has which colour?"""
        while True:
            scene = self.double()
            one, two = (thing.colour for thing in scene.things)
            if one and two and one != two:
                break
        a, b = (self.names[thing.concept] for thing in scene.things)
        choices = ((one, two), (two, one))
        return Question(scene, tuple(f"{article(f'{x} {a}')} and {article(f'{y} {b}')}" for x, y in choices), 0)

    def precision(self, scenes: list[Scene]) -> list[Question]:
        """R-precision: each scene's own caption among those of 99 other scenes."""
        captions = [sentence(truth(scene, self.rng), self.rng) for scene in scenes]
        out = []
        for i, scene in enumerate(scenes):
            others = self.rng.sample([c for j, c in enumerate(captions) if j != i and c != captions[i]], 99)
            out.append(Question(scene, (captions[i], *others), 0))
        return out

    def _named(self, concept: int) -> str:
        return article(self.names[concept])

    def _choose(self, scene: Scene, say: Callable[[str, str], str], words: tuple[str, ...], true: str) -> Question:
        name = self.names[scene.things[0].concept]
        return Question(scene, tuple(say(name, word) for word in words), words.index(true))


def _central(scene: Scene) -> bool:
    thing = scene.things[0]
    return max(abs(thing.x), abs(thing.y)) < 0.1 and 0.66 < abs(thing.scale) < 0.9


def examination(examiner: Examiner, count: int) -> Iterator[tuple[str, list[Question]]]:
    """Every part of the examination: its name, and `count` questions."""
    parts: list[tuple[str, Callable[[], Question]]] = [
        ("concept of 376, placed as the generator does", examiner.centred),
        ("concept of 376, anywhere", examiner.concept),
        ("colour of 11", examiner.colour),
        ("background colour of 11", examiner.background),
        ("style of 3", examiner.style),
        ("size of 2", examiner.size),
        ("two things, 1 of 20 with one of them swapped", examiner.pair),
        ("the same, small picture pasted over a big thing", lambda: examiner.pair("pasted")),
        ("side of 2 (left, right; above, below)", examiner.side),
        ("which thing has which colour, of 2", examiner.binding),
    ]
    for name, ask in parts:
        yield name, [ask() for _ in range(count)]
    yield "R-precision of captions, 1 of 100, single", examiner.precision([examiner.single() for _ in range(count)])
    yield "R-precision of captions, 1 of 100, double", examiner.precision([examiner.double() for _ in range(count)])


def dimensions(features: Tensor, share: float = 0.99) -> int:
    """In how many dimensions so much of the variance of (B, D) lies: few of many where training has collapsed."""
    energy = torch.linalg.svdvals(features - features.mean(0)) ** 2
    return int((energy.cumsum(0) < share * energy.sum()).sum()) + 1


def report(encoder: Encoder, *, count: int, seed: int) -> str:
    """The whole examination as a Markdown table, on pictures as drawn and on pictures with `flawed`'s flaws; `dimensions`."""
    sprites = load_sprites()
    lines = ["| question | top 1 | top 5 | top 1, flawed pictures |", "| --- | --- | --- | --- |"]
    for name, questions in examination(Examiner(SceneSampler(sprites, seed)), count):
        rng = torch.Generator().manual_seed(seed)
        pictures = paint([question.scene for question in questions], sprites, rng)
        clean, hurt = (ranks(encoder, p, questions) for p in (pictures, flawed(pictures, rng)))
        many = len(questions[0].choices) > 5
        top5 = f"{(clean < 5).float().mean():.1%}" if many else ""
        lines.append(f"| {name} | {(clean < 1).float().mean():.1%} | {top5} | {(hurt < 1).float().mean():.1%} |")
    examiner = Examiner(SceneSampler(sprites, seed))
    seen = encoder.images(paint([examiner.single() for _ in range(count)], sprites, torch.Generator().manual_seed(seed)))
    lines += ["", f"99 % of the variance of {count} single scenes' features: {dimensions(seen)} of {seen.shape[1]} dimensions"]
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1000, help="pictures for each question")
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    print(report(Encoder(options.model), count=options.count, seed=options.seed))


if __name__ == "__main__":
    main()
