"""Sentences about scenes: a true one, and a false one that differs from it in a single fact."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from fusedream_emoji.art import concepts
from fusedream_emoji.scenes import Scene, Thing, relation, rests_on
from fusedream_emoji.training.palette import WORDS

STYLE_WORDS = ("cartoon", "flat", "3d")  # of Noto, Twemoji and Fluent
SIZE_WORDS = {"small": ("small", "little", "tiny"), "big": ("big", "large", "huge")}
NEUTRAL = ("cute", "nice", "pretty", "single", "simple", "beautiful", "lovely")
OPENINGS = ("a photo of {}", "an emoji of {}", "a picture of {}", "an image of {}", "a drawing of {}", "this is {}")
STYLED = ("a {style} picture of {}", "a {style} emoji of {}", "{} in {style} style", "a {style} drawing of {}")
LINKS = {
    "left": ("{a} to the left of {b}", "{a} left of {b}", "{a} on the left of {b}"),
    "right": ("{a} to the right of {b}", "{a} right of {b}", "{a} on the right of {b}"),
    "above": ("{a} above {b}", "{a} over {b}"),
    "below": ("{a} below {b}", "{a} under {b}"),
    "on": ("{a} on top of {b}", "{a} on {b}"),
    None: ("{a} and {b}", "{a} near {b}", "{a} next to {b}", "{a} with {b}", "{a} by {b}"),
}
PLURALS = (
    *("grapes", "cherries", "blueberries", "peanuts", "beans", "pancakes", "fries", "noodles"),
    *("chopsticks", "houses", "skis", "dice"),
)
OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above", "on": "below"}


@dataclass(frozen=True)
class Phrase:
    """What a caption says about one thing; empty where it says nothing."""

    concept: int
    colour: str | None = None
    size: str | None = None


@dataclass(frozen=True)
class Facts:
    """What a caption says about a scene. `link` is where the first thing is, seen from the second."""

    things: tuple[Phrase, ...]
    link: str | None = None
    style: int | None = None
    back: str | None = None


def article(words: str) -> str:
    """The words with the article that they take: "an owl", "a unicorn", and none for a plural."""
    head, last = words.lower().split()[0], words.split()[-1]
    if last in PLURALS and " of " not in words:
        return words
    vowel = head[0] in "aeiou8" and not head.startswith(("uni", "ufo", "ewe"))
    return f"an {words}" if vowel or head == "suv" else f"a {words}"


def truth(scene: Scene, rng: random.Random, *, named: frozenset[str] = frozenset()) -> Facts:
    """A random part of what is true of a scene.

    Args:
        scene: to speak about.
        rng: decides what is said.
        named: what has to be said where it is plain: any of "colour", "back", "style", "size", "link".
    """

    def says(fact: str, chance: float) -> bool:
        return fact in named or rng.random() < chance

    def phrase(thing: Thing) -> Phrase:
        colour = thing.colour if says("colour", 0.4) else None
        return Phrase(thing.concept, colour, thing.size if says("size", 0.2) else None)

    order = list(scene.things)
    rng.shuffle(order)
    phrases = tuple(phrase(thing) for thing in order)
    if len(phrases) == 2:
        phrases = tuple(replace(p, size=None) for p in phrases)
    style = scene.style if says("style", 0.2) else None
    back = scene.back_colour if says("back", 0.25 if len(order) == 1 else 0.12) else None
    link = None
    if len(order) == 2 and says("link", 0.6):
        link = "on" if rests_on(order[0], order[1]) and rng.random() < 0.4 else relation(order[0], order[1])
    return Facts(phrases, link, style, back)


def sentence(facts: Facts, rng: random.Random) -> str:
    """Facts in words, in one of many ways."""
    parts = [_with_article(_noun(phrase, rng), rng) for phrase in facts.things]
    text = parts[0] if len(parts) == 1 else rng.choice(LINKS[facts.link]).format(a=parts[0], b=parts[1])
    if facts.back:
        text += rng.choice((" on {}", " against {}", " in front of {}")).format(article(f"{facts.back} background"))
    if facts.style is not None:
        style = STYLE_WORDS[facts.style]
        return rng.choice(STYLED).format(text, style=style)
    return rng.choice(OPENINGS).format(text) if rng.random() < 0.45 else text


def _with_article(words: str, rng: random.Random) -> str:
    kind = rng.random()
    return words if kind < 0.1 else f"the {words}" if kind < 0.15 else article(words)


def _noun(phrase: Phrase, rng: random.Random) -> str:
    names = concepts()[phrase.concept]["names"]
    words = [names[0] if rng.random() < 0.65 else rng.choice(names)]
    if phrase.colour:
        words.insert(0, phrase.colour)
    if phrase.size:
        words.insert(0, rng.choice(SIZE_WORDS[phrase.size]))
    if rng.random() < 0.06:
        words.insert(0, rng.choice(NEUTRAL))
    return " ".join(words)


def falsify(facts: Facts, scene: Scene, rng: random.Random) -> Facts:
    """The same facts with one of them made false: a colour, background, style, size, side, or thing is another's."""
    choices = []
    for i, phrase in enumerate(facts.things):
        choices += [("concept", i)] + [("colour", i)] * 2 * bool(phrase.colour) + [("size", i)] * bool(phrase.size)
    choices += [("back", 0)] * 2 * bool(facts.back) + [("style", 0)] * 2 * (facts.style is not None)
    choices += [("link", 0)] * 4 * bool(facts.link)
    colours = {phrase.colour for phrase in facts.things}
    if len(colours) == 2 and None not in colours:
        choices += [("swap", 0)] * 4
    kind, i = rng.choice(choices)
    if kind == "link":
        return replace(facts, link=OPPOSITE[facts.link or "left"])
    if kind == "back":
        return replace(facts, back=rng.choice([w for w in WORDS if w != facts.back]))
    if kind == "style":
        return replace(facts, style=rng.choice([s for s in range(len(STYLE_WORDS)) if s != facts.style]))
    if kind == "swap":
        one, two = facts.things
        return replace(facts, things=(replace(one, colour=two.colour), replace(two, colour=one.colour)))
    things = list(facts.things)
    things[i] = _false_phrase(things[i], kind, {thing.concept for thing in scene.things}, rng)
    return replace(facts, things=tuple(things))


def _false_phrase(phrase: Phrase, kind: str, present: set[int], rng: random.Random) -> Phrase:
    if kind == "colour":
        return replace(phrase, colour=rng.choice([w for w in WORDS if w != phrase.colour]))
    if kind == "size":
        return replace(phrase, size="big" if phrase.size == "small" else "small")
    # Neighbours in Unicode's order are alike (wolf, fox, raccoon): the hard cases.
    near = range(phrase.concept - 5, phrase.concept + 6)
    pool = near if rng.random() < 0.7 else range(len(concepts()))
    return replace(phrase, concept=rng.choice([c for c in pool if 0 <= c < len(concepts()) and c not in present]))
