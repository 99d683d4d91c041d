"""Batches whose captions cannot be told apart by the object alone.

All concepts of a batch are distinct, but for twins: two scenes of the same things that differ in one fact, which both
captions name: a colour, the background, the style, who is on which side, which of two things has which colour, or one of two
things is another. So no caption fits another picture of its batch, and telling them apart takes the fact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from fusedream_emoji.art import STYLES
from fusedream_emoji.painting import Drawing
from fusedream_emoji.scenes import Scene, SceneSampler, Thing, relation
from fusedream_emoji.training.captions import falsify, sentence, truth
from fusedream_emoji.training.flaws import flawed

T = TypeVar("T")
COLOURED = 0.35  # share of the scenes of two things whose colours are both told, beside what comes by chance
TRIES = 12  # to find two colours that both of two things plainly take


@dataclass(frozen=True)
class Batch:
    """What is drawn in B pictures, the `concepts` that they show, their `captions`, and for each so many `foils`.

    The foils are false captions: of all pictures the first, then of all the second, and so on. `seed`: of grain and flaws.
    Of several groups, those of the first come first; a caption may fit a picture of another group.
    """

    drawing: Drawing
    seed: int
    concepts: list[tuple[int, ...]]
    captions: list[str]
    foils: list[str]


def make_batch(sampler: SceneSampler, size: int, *, doubles: float, twins: float, foils: int = 1, groups: int = 1) -> Batch:
    """Draw a batch.

    Args:
        sampler: of the scenes; its random state moves on.
        size: pictures in each group, whose concepts are distinct.
        doubles: share of the scenes with two things; lowered where the concepts run out.
        twins: share of the pictures that are one of two twins.
        foils: false captions for each picture.
        groups: how many such groups, one after the other.
    """
    rng = sampler.rng
    told = [one for _ in range(groups) for one in _told(sampler, size, doubles, twins)]
    facts = [truth(scene, rng, named=named) for scene, named in told]
    return Batch(
        Drawing.of([scene for scene, _ in told]),
        rng.getrandbits(48),
        [tuple(thing.concept for thing in scene.things) for scene, _ in told],
        [sentence(f, rng) for f in facts],
        [sentence(falsify(f, scene, rng), rng) for _ in range(foils) for f, (scene, _) in zip(facts, told, strict=True)],
    )


def _told(sampler: SceneSampler, size: int, doubles: float, twins: float) -> list[tuple[Scene, frozenset[str]]]:
    """The scenes of a group, each with what its caption has to say."""
    rng = sampler.rng
    pairs = int(size * twins) // 2
    originals = size - pairs
    doubled = min(int(originals * doubles), max(sampler.count - originals, 0))
    fresh = iter(rng.sample(range(sampler.count), sampler.count))
    scenes = [sampler.double(next(fresh), next(fresh)) for _ in range(doubled)]
    scenes += [sampler.single(next(fresh)) for _ in range(originals - doubled)]
    rng.shuffle(scenes)
    told: list[tuple[Scene, frozenset[str]]] = []
    for i, scene in enumerate(scenes):
        if i < pairs:
            one, two, fact = make_twins(scene, sampler, next(fresh, None))
            told += [(one, frozenset({fact})), (two, frozenset({fact}))]
        else:
            both = len(scene.things) == 2 and rng.random() < COLOURED
            told.append((scene, frozenset({"colour"}) if both else frozenset()))
    return told


def paint_flawed(drawing: Drawing, sprites: Tensor, seed: int) -> Tensor:
    """The pictures of a batch, some of them degraded as `flawed` does: (B, 3, side, side) in [0, 1], on their device."""
    rng = torch.Generator(sprites.device).manual_seed(seed)
    return flawed(drawing.paint(sprites, rng), rng)


def make_twins(scene: Scene, sampler: SceneSampler, other: int | None = None) -> tuple[Scene, Scene, str]:
    """Two scenes of the same things that differ plainly in one fact, and that fact.

    Args:
        scene: the first of the two; some facts may be painted over.
        sampler: of what differs.
        other: a concept that may take the place of one of two things.
    """
    rng = sampler.rng
    if len(scene.things) == 2 and other is not None and rng.random() < 0.45:
        return scene, _exchanged(scene, rng.randrange(2), other, sampler), "concept"
    if len(scene.things) == 2 and relation(*scene.things) and scene.layout != "pasted" and rng.random() < 0.6:
        a, b = scene.things
        return scene, replace(scene, things=(replace(a, x=b.x, y=b.y), replace(b, x=a.x, y=a.y))), "link"
    if len(scene.things) == 2 and rng.random() < 0.6 and (swapped := _swapped(scene, sampler)):
        return *swapped, "colour"
    fact = rng.choice(("colour", "colour", "back", "back", "style"))
    if fact == "back" and not any(thing.patch for thing in scene.things):
        one = _until(lambda: sampler.with_background(scene), lambda s: s.back_colour is not None)
        two = _until(lambda: sampler.with_background(one), lambda s: s.back_colour not in (None, one.back_colour))
        return one, two, "back"
    if fact == "colour":
        first = _until(lambda: sampler.paint_thing(scene.things[0]), lambda t: t.colour is not None)
        second = _until(lambda: sampler.paint_thing(first), lambda t: t.colour not in (None, first.colour))
        rest = scene.things[1:]
        return replace(scene, things=(first, *rest)), replace(scene, things=(second, *rest)), "colour"
    one, two = rng.sample(range(len(STYLES)), 2)
    return _restyled(scene, one, sampler), _restyled(scene, two, sampler), "style"


def _until(draw: Callable[[], T], good: Callable[[T], bool]) -> T:
    """Draw until the outcome is good: every concept deserves several colour words, so this ends."""
    while not good(outcome := draw()):
        pass
    return outcome


def _swapped(scene: Scene, sampler: SceneSampler) -> tuple[Scene, Scene] | None:
    """The two things in two colours, and in each other's; None where no two colours are plain on both."""
    for _ in range(TRIES):
        one, two = (_until(lambda thing=thing: sampler.paint_thing(thing), tinted) for thing in scene.things)
        other = tuple(replace(a, tint=b.tint, strength=b.strength, colour=b.colour) for a, b in ((one, two), (two, one)))
        if one.colour != two.colour and all(sampler.takes(thing) for thing in other):
            return replace(scene, things=(one, two)), replace(scene, things=other)
    return None


def tinted(thing: Thing) -> bool:
    """Whether a thing is tinted in a colour that has a word."""
    return thing.strength > 0 and thing.colour is not None


def _exchanged(scene: Scene, which: int, other: int, sampler: SceneSampler) -> Scene:
    things = list(scene.things)
    things[which] = sampler.paint_thing(replace(things[which], concept=other))
    return replace(scene, things=tuple(things))


def _restyled(scene: Scene, style: int, sampler: SceneSampler) -> Scene:
    def restyle(thing: Thing) -> Thing:
        return sampler.paint_thing(replace(thing, style=style))

    return replace(scene, things=tuple(restyle(thing) for thing in scene.things))
