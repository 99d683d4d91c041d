"""Random scenes of one or two drawings: what is in them is known exactly, so that captions can tell the truth.

Half of the single scenes look like the generator's world (`factors.draw`: centred, on a plain background); the rest, and
the double scenes, use the whole canvas. `pasted` scenes are what composition makes: a small foreground, with or without
a background of its own, at one of nine places over a big background object.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from fusedream_emoji.art import STYLES
from fusedream_emoji.render import COLOURS, degrees
from fusedream_emoji.training.palette import WORDS, colour_index, plain_colours

RGB = tuple[float, float, float]
Layout = Literal["single", "beside", "stacked", "scattered", "pasted"]


@dataclass(frozen=True)
class Thing:
    """One drawing in a scene: `x` (right) and `y` (down) in [-1, 1], `scale` its side over the canvas (negative: mirrored)."""

    concept: int
    style: int
    x: float
    y: float
    scale: float
    turn: float
    tint: RGB = (1.0, 1.0, 1.0)
    strength: float = 0.0
    colour: str | None = None  # the word that the drawing plainly deserves, if there is one
    patch: RGB | None = None  # a square background of its own: a whole picture is pasted

    @property
    def size(self) -> str | None:
        """The word for its size, if it is plainly small or big."""
        return "small" if abs(self.scale) < 0.48 else "big" if abs(self.scale) > 0.84 else None


@dataclass(frozen=True)
class Scene:
    """Things from back to front over a background; `back_colour` is its word, if it plainly has one."""

    things: tuple[Thing, ...]
    back: RGB
    back_colour: str | None
    layout: Layout = "single"
    fade: RGB | None = None  # the background runs to this colour, along `angle`
    angle: float = 0.0
    grain: float = 0.0

    @property
    def style(self) -> int | None:
        """The style of all the things, if they share one."""
        styles = {thing.style for thing in self.things}
        return styles.pop() if len(styles) == 1 else None


def relation(a: Thing, b: Thing) -> str | None:
    """Where `a` plainly is, seen from `b`: "left", "right", "above", "below", or None."""
    dx, dy = a.x - b.x, a.y - b.y
    if abs(dx) > 0.35 and abs(dy) < 0.5 * abs(dx):
        return "left" if dx < 0 else "right"
    if abs(dy) > 0.35 and abs(dx) < 0.5 * abs(dy):
        return "above" if dy < 0 else "below"
    return None


def rests_on(a: Thing, b: Thing) -> bool:
    """Whether `a` is above `b` and touches it."""
    return relation(a, b) == "above" and b.y - a.y < 0.9 * (abs(a.scale) + abs(b.scale))


class SceneSampler:
    """Draws random scenes with a private random state, so that a seed gives the same scenes everywhere."""

    def __init__(self, sprites: Tensor, seed: int, *, pasted: float = 0.3) -> None:
        """Measure which colour words the drawings deserve.

        Args:
            sprites: (3, N, 4, h, w) from `load_sprites`.
            seed: of the private random state.
            pasted: share of the scenes of two in which the second is pasted over the first, in [0, 1].
        """
        self.rng, self.pasted = random.Random(seed), pasted
        self.count = sprites.shape[1]
        self._colours: list[tuple[RGB, str | None]] = []
        natural, tinted = plain_colours(sprites)
        self.natural: list[list[int]] = natural.tolist()
        self.tinted: list[list[list[bool]]] = tinted.tolist()

    def reseed(self, seed: str) -> None:
        """Start over from a seed, without measuring the drawings again."""
        self.rng.seed(seed)
        self._colours = []

    def colour(self) -> tuple[RGB, str | None]:
        """A random colour and its word: one of the eleven with jitter, or anything, saturated more often than not."""
        if self.rng.random() < 0.55:
            word = self.rng.choice(WORDS)
            red, green, blue = (min(max(c + self.rng.gauss(0, 0.04), 0.0), 1.0) for c in COLOURS[word])
            return (red, green, blue), word
        if not self._colours:
            self._colours = self._any_colours()
        return self._colours.pop()

    def _any_colours(self, count: int = 512) -> list[tuple[RGB, str | None]]:
        """Colours as `factors.colour` makes them; many at once, as naming one costs as much as naming many."""
        drawn = [tuple((math.tanh(1.2 * self.rng.gauss(0, 1)) + 1) / 2 for _ in range(3)) for _ in range(count)]
        words = colour_index(torch.tensor(drawn)).tolist()
        return [((r, g, b), WORDS[i] if i >= 0 else None) for (r, g, b), i in zip(drawn, words, strict=True)]

    def paint_thing(self, thing: Thing) -> Thing:
        """The same thing with fresh colours: natural, fully tinted, or in between and unnamed."""
        kind = self.rng.random()
        if kind < 0.35:
            natural = self.natural[thing.style][thing.concept]
            return replace(thing, strength=0.0, colour=WORDS[natural] if natural >= 0 else None)
        tint, word = self.colour()
        if kind < 0.85:
            thing = replace(thing, tint=tint, strength=self.rng.uniform(0.9, 1), colour=word)
            return thing if self.takes(thing) else replace(thing, colour=None)
        return replace(thing, tint=tint, strength=self.rng.uniform(0.1, 0.9), colour=None)

    def takes(self, thing: Thing) -> bool:
        """Whether a tinted thing is plainly of its colour: some drawings are too dark, or too light, for some."""
        return thing.colour is not None and self.tinted[thing.style][thing.concept][WORDS.index(thing.colour)]

    def thing(self, concept: int, *, x: float, y: float, scale: float, turn: float) -> Thing:
        """A thing in a random style and colour; half of the fully placed ones are mirrored."""
        sign = -1 if turn > 10 and self.rng.random() < 0.5 else 1
        turned = degrees(self.rng.uniform(-turn, turn))
        return self.paint_thing(Thing(concept, self.rng.randrange(len(STYLES)), x, y, sign * scale, turned))

    def with_background(self, scene: Scene) -> Scene:
        """The same scene on a fresh background: plain, running from one colour to another (unnamed), or grainy."""
        back, word = self.colour()
        kind = self.rng.random()
        pasted_picture = any(thing.patch for thing in scene.things)
        scene = replace(scene, back=back, back_colour=None if pasted_picture else word, fade=None, grain=0.0)
        if kind < 0.12:
            return replace(scene, fade=self.colour()[0], angle=self.rng.uniform(0, 2 * math.pi), back_colour=None)
        return replace(scene, grain=self.rng.uniform(0.02, 0.1)) if kind < 0.24 else scene

    def single(self, concept: int) -> Scene:
        """One thing: half of the time as the generator draws it, else anywhere on the canvas."""
        near = self.rng.uniform
        if self.rng.random() < 0.5:
            thing = self.thing(concept, x=near(-0.1, 0.1), y=near(-0.1, 0.1), scale=near(0.66, 0.9), turn=10)
        else:
            scale = near(0.3, 1.0)
            room = max(1 - scale, 0.1)
            thing = self.thing(concept, x=near(-room, room), y=near(-room, room), scale=scale, turn=25)
        return self.with_background(Scene((thing,), (0.0, 0.0, 0.0), None))

    def double(self, back: int, front: int, layout: Layout | None = None) -> Scene:
        """Two things, the second in front: beside or above each other, anywhere, or the second pasted over the first."""
        kinds: list[Layout] = ["beside", "stacked", "scattered", "pasted"]
        apart = (1 - self.pasted) / 7
        layout = layout or self.rng.choices(kinds, weights=(3 * apart, 3 * apart, apart, self.pasted))[0]
        things = self._pasted(back, front) if layout == "pasted" else self._pair(back, front, layout)
        return self.with_background(Scene(things, (0.0, 0.0, 0.0), None, layout))

    def _pair(self, back: int, front: int, layout: Layout) -> tuple[Thing, Thing]:
        near, sign = self.rng.uniform, self.rng.choice((-1, 1))
        if layout == "scattered":
            radius, angle = near(0.35, 0.55), near(0, 2 * math.pi)
            apart, across = radius * math.cos(angle), radius * math.sin(angle)
        else:
            apart, across = near(0.38, 0.55) * sign, near(-0.12, 0.12)
        if layout == "stacked":
            apart, across = across, apart
        x, y = near(-0.08, 0.08), near(-0.08, 0.08)
        one = self.thing(back, x=x - apart, y=y - across, scale=near(0.4, 0.6), turn=15)
        return one, self.thing(front, x=x + apart, y=y + across, scale=near(0.4, 0.6), turn=15)

    def _pasted(self, back: int, front: int) -> tuple[Thing, Thing]:
        near = self.rng.uniform
        big = self.thing(back, x=near(-0.1, 0.1), y=near(-0.1, 0.1), scale=near(0.66, 0.95), turn=10)
        scale = near(0.32, 0.62)
        x, y = (self.rng.choice((-1, 0, 1)) * (1 - scale) for _ in range(2))
        small = self.thing(front, x=x, y=y, scale=scale, turn=0)
        return big, replace(small, patch=self.colour()[0]) if self.rng.random() < 0.5 else small
