"""Scenes and captions: what a caption says is true of the picture, what a foil says is not."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from fusedream_emoji.art import load_sprites
from fusedream_emoji.painting import paint
from fusedream_emoji.render import COLOURS
from fusedream_emoji.scenes import Scene, SceneSampler, Thing, relation, rests_on
from fusedream_emoji.training.batches import make_batch, make_twins, paint_flawed
from fusedream_emoji.training.captions import Facts, article, falsify, sentence, truth
from fusedream_emoji.training.flaws import flawed
from fusedream_emoji.training.palette import WORDS, colour_index, colour_shares

NO_RNG = torch.Generator()


@pytest.fixture(scope="module")
def sprites() -> torch.Tensor:
    return load_sprites()


@pytest.fixture(scope="module")
def sampler(sprites: torch.Tensor) -> SceneSampler:
    return SceneSampler(sprites, 0)


@pytest.fixture(scope="module")
def scenes(sampler: SceneSampler) -> list[Scene]:
    sampler.reseed("scenes")
    singles = [sampler.single(concept) for concept in range(0, 376, 2)]
    return singles + [sampler.double(concept, concept + 1) for concept in range(0, 375, 2)]


def drawn_at(scene: Scene, index: int, sprites: torch.Tensor) -> tuple[float, float]:
    """Where a thing shows up: the mean column and row of the pixels that change when it is left out."""
    plain = replace(scene, grain=0.0, fade=None)
    rest = replace(plain, things=(scene.things[0],) * (index == 1))
    whole, without = (paint([s], sprites, NO_RNG)[0] for s in (replace(plain, things=scene.things[: index + 1]), rest))
    weight = (whole - without).abs().sum(0)
    ticks = torch.linspace(-1, 1, weight.shape[-1])
    return float((weight.sum(0) * ticks).sum() / weight.sum()), float((weight.sum(1) * ticks).sum() / weight.sum())


def test_every_basic_colour_is_named_by_its_own_word() -> None:
    assert [WORDS[i] for i in colour_index(torch.tensor(list(COLOURS.values())))] == list(COLOURS)


def test_a_colour_between_two_words_has_no_name() -> None:
    assert colour_index(torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])).tolist() == [-1, -1]


def test_a_named_colour_covers_a_good_part_of_the_drawing(scenes: list[Scene], sprites: torch.Tensor) -> None:
    largest, enough = [], []
    for scene in scenes:
        for thing in scene.things:
            if thing.colour:
                alone = replace(thing, x=0.0, y=0.0, scale=1.0, turn=0.0, patch=None)
                on_black, on_white = (
                    paint([Scene((alone,), back, None)], sprites, NO_RNG) for back in ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
                )
                alpha = 1 - (on_white - on_black).mean(1, keepdim=True)
                shares = colour_shares(torch.cat([on_black, alpha], dim=1))[0]
                own = shares[WORDS.index(thing.colour)]
                largest.append(bool(own == shares.max()))
                enough.append(bool(own > 0.15))
    assert sum(largest) > 0.95 * len(largest)
    assert sum(enough) > 0.97 * len(enough)


def test_a_named_background_has_that_colour_all_over(scenes: list[Scene]) -> None:
    named = [scene for scene in scenes if scene.back_colour]
    assert named
    for scene in named:
        assert scene.fade is None
        assert not any(thing.patch for thing in scene.things)
        assert WORDS[int(colour_index(torch.tensor(scene.back), margin=1.0))] == scene.back_colour


def test_a_black_drawing_is_never_called_white(sampler: SceneSampler) -> None:
    spider = 113
    words = {sampler.thing(spider, x=0, y=0, scale=1, turn=0).colour for _ in range(300)}
    assert "red" in words
    assert "white" not in words


def test_the_side_that_a_caption_names_is_the_side_in_the_picture(scenes: list[Scene], sprites: torch.Tensor) -> None:
    checked = 0
    rng = random.Random(0)
    for scene in scenes:
        if scene.layout in ("beside", "stacked") and checked < 25:
            facts = truth(scene, rng, named=frozenset({"link"}))
            first = [thing.concept for thing in scene.things].index(facts.things[0].concept)
            (x, y), (u, v) = (drawn_at(scene, index, sprites) for index in (first, 1 - first))
            happens = {"left": x < u, "right": x > u, "above": y < v, "below": y > v, "on": y < v}
            assert facts.link is None or happens[facts.link], scene
            checked += facts.link is not None
    assert checked == 25


def test_on_top_means_above_and_touching() -> None:
    low = Thing(0, 0, 0.0, 0.5, 0.5, 0.0)
    assert rests_on(replace(low, y=-0.3), low)
    assert not rests_on(replace(low, y=-0.6), low)
    assert not rests_on(low, replace(low, y=-0.3))


def test_a_diagonal_neighbour_is_on_no_side() -> None:
    low = Thing(0, 0, 0.4, 0.4, 0.5, 0.0)
    assert relation(replace(low, x=-0.4, y=-0.4), low) is None


def test_a_caption_says_only_what_is_true(scenes: list[Scene]) -> None:
    rng = random.Random(1)
    for scene in scenes:
        facts = truth(scene, rng)
        things = {thing.concept: thing for thing in scene.things}
        assert {phrase.concept for phrase in facts.things} == set(things)
        assert facts.back in (None, scene.back_colour)
        assert facts.style in (None, scene.style)
        for phrase in facts.things:
            assert phrase.colour in (None, things[phrase.concept].colour)
            assert phrase.size in (None, things[phrase.concept].size)


def test_a_foil_differs_from_the_truth_in_one_fact(scenes: list[Scene]) -> None:
    rng = random.Random(2)
    for scene in scenes:
        facts = truth(scene, rng)
        foil = falsify(facts, scene, rng)
        changed = [name for name in ("link", "style", "back") if getattr(facts, name) != getattr(foil, name)]
        swapped = tuple(p.colour for p in foil.things) == tuple(p.colour for p in reversed(facts.things))
        things = sum(a != b for a, b in zip(facts.things, foil.things, strict=True))
        assert len(changed) + things == 1 or (not changed and swapped)


def test_a_foil_never_puts_a_present_thing_in_the_place_of_another(scenes: list[Scene]) -> None:
    rng = random.Random(3)
    for scene in scenes:
        foil = falsify(truth(scene, rng), scene, rng)
        assert len({phrase.concept for phrase in foil.things}) == len(scene.things)


def test_twins_show_the_same_things_and_differ_in_the_named_fact(scenes: list[Scene], sampler: SceneSampler) -> None:
    rng = random.Random(4)
    for scene in scenes:
        one, two, fact = make_twins(scene, sampler)
        assert [t.concept for t in one.things] == [t.concept for t in two.things]
        a, b = (sorted_by_concept(truth(twin, rng, named=frozenset({fact}))) for twin in (one, two))
        if fact == "colour":
            assert a.things[0].colour != b.things[0].colour or a.things[-1].colour != b.things[-1].colour
        elif fact != "link":
            assert getattr(a, fact) != getattr(b, fact)
        else:
            assert relation(*one.things) != relation(*two.things)


def test_twins_of_two_things_may_differ_in_one_of_them(scenes: list[Scene], sampler: SceneSampler) -> None:
    exchanged = 0
    for scene in (scene for scene in scenes if len(scene.things) == 2):
        shown = {thing.concept for thing in scene.things}
        other = next(c for c in range(sampler.count) if c not in shown)
        one, two, fact = make_twins(scene, sampler, other)
        kept = {t.concept for t in one.things} & {t.concept for t in two.things}
        assert len(kept) == (1 if fact == "concept" else 2)
        exchanged += fact == "concept"
        if fact == "concept":
            assert [(t.x, t.y, t.scale) for t in one.things] == [(t.x, t.y, t.scale) for t in two.things]
    assert exchanged


def sorted_by_concept(facts: Facts) -> Facts:
    return replace(facts, things=tuple(sorted(facts.things, key=lambda phrase: phrase.concept)))


def test_a_batch_repeats_a_thing_only_among_twins(sampler: SceneSampler, sprites: torch.Tensor) -> None:
    batch = make_batch(sampler, 32, doubles=0.5, twins=0.25)
    pictures = paint_flawed(batch.drawing, sprites, batch.seed)
    assert pictures.shape == (32, 3, 64, 64)
    assert 0 <= pictures.min() <= pictures.max() <= 1
    assert len(batch.captions) == len(batch.foils) == 32
    assert all(caption != foil for caption, foil in zip(batch.captions, batch.foils, strict=True))


def test_things_are_repeated_between_groups_and_not_within_one(sampler: SceneSampler) -> None:
    batch = make_batch(sampler, 250, doubles=0.0, twins=0.0, groups=2, foils=2)
    groups = [batch.concepts[:250], batch.concepts[250:]]
    assert [len(set(group)) for group in groups] == [250, 250]
    assert set(groups[0]) & set(groups[1])  # 376 drawings
    assert len(batch.captions) == 500
    assert len(batch.foils) == 1000


def test_one_seed_gives_one_batch(sampler: SceneSampler, sprites: torch.Tensor) -> None:
    batches = []
    for _ in range(2):
        sampler.reseed("again")
        batches.append(make_batch(sampler, 8, doubles=0.5, twins=0.5))
    one, two = (paint_flawed(batch.drawing, sprites, batch.seed) for batch in batches)
    assert torch.equal(one, two)
    assert batches[0].captions == batches[1].captions
    assert batches[0].foils == batches[1].foils


def test_flaws_spare_most_of_the_pictures_and_keep_the_range() -> None:
    pictures = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    out = flawed(pictures, torch.Generator().manual_seed(1))
    assert 0 <= out.min() <= out.max() <= 1
    untouched = (out == pictures).flatten(1).all(1).float().mean()
    assert 0.15 < untouched < 0.6


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("owl", "an owl"),
        ("red apple", "a red apple"),
        ("unicorn", "a unicorn"),
        ("UFO", "a UFO"),
        ("SUV", "an SUV"),
        ("umbrella", "an umbrella"),
        ("8 ball", "an 8 ball"),
        ("french fries", "french fries"),
        ("bowl of noodles", "a bowl of noodles"),
        ("bus", "a bus"),
    ],
)
def test_articles_fit_their_words(words: str, expected: str) -> None:
    assert article(words) == expected


def test_sentences_name_every_fact() -> None:
    rng = random.Random(5)
    thing = Thing(11, 1, 0.0, 0.0, 0.9, 0.0, colour="red")
    facts = truth(Scene((thing,), (0, 0, 1), "blue"), rng, named=frozenset({"colour", "back", "style", "size"}))
    text = sentence(facts, rng)
    assert {"cat", "red", "blue", "background", "flat"} <= set(text.split())
    assert {"big", "large", "huge"} & set(text.split())
