"""R-precision: what a perfect model has, what chance has, and what a model has that sees nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, PluginContractError
from fusedream_sdk.evaluation.ranking import Ranking, place_of_own, r_precision, ranks, scores_of

POOL = [f"caption {i}" for i in range(130)]


class Perfect:
    """Reads the number of a caption from the first pixel of its picture."""

    resolution = 4

    def encode_text(self, prompts):
        return torch.eye(len(POOL))[[int(prompt.split()[1]) for prompt in prompts]]

    def encode_image(self, images: Tensor) -> Tensor:
        return torch.eye(len(POOL))[(images[:, 0, 0, 0] * 255).round().long()]


class Chance(Perfect):
    """Embeddings that have nothing to do with each other."""

    def __init__(self) -> None:
        self.rng = torch.Generator().manual_seed(0)

    def encode_text(self, prompts):
        return torch.nn.functional.normalize(torch.randn(len(prompts), 16, generator=self.rng), dim=1)

    def encode_image(self, images):
        return torch.nn.functional.normalize(torch.randn(len(images), 16, generator=self.rng), dim=1)


class Liking:
    """A reward: how far the caption's number is from what the picture shows."""

    resolution = 4

    def score(self, images: Tensor, prompts) -> Tensor:
        numbers = torch.tensor([float(prompt.split()[1]) for prompt in prompts])
        return -(numbers - 255 * images[:, 0, 0, 0]).abs()


def pictures(numbers: list[int]) -> Tensor:
    return torch.tensor(numbers).view(-1, 1, 1, 1).expand(-1, 3, 4, 4).float() / 255


def candidates(captions: list[str], **options) -> list[list[str]]:
    others = Ranking(**options).others(captions, POOL)
    return [[caption, *(POOL[i] for i in rows[0])] for caption, rows in zip(captions, others, strict=True)]


@pytest.mark.parametrize("judge", [Perfect(), Liking()], ids=["scorer", "reward"])
def test_a_perfect_judge_ranks_every_caption_of_its_picture_first(judge):
    places = ranks(judge, pictures(list(range(130))), candidates(POOL))
    assert r_precision(places) == 1


def test_a_judge_of_other_pictures_never_does():
    shifted = ranks(Perfect(), pictures([(i + 1) % 130 for i in range(130)]), candidates(POOL))
    assert r_precision(shifted) == 0


def test_a_judge_by_chance_is_right_once_in_as_many_times_as_there_are_candidates():
    captions = POOL * 16
    images = pictures([i % 130 for i in range(len(captions))])
    for count in (10, 100):
        share = r_precision(ranks(Chance(), images, candidates(captions, candidates=count)))
        error = (1 / count * (1 - 1 / count) / len(captions)) ** 0.5
        assert share == pytest.approx(1 / count, abs=4 * error)


def test_a_judge_that_sees_no_difference_is_never_right():
    assert place_of_own(torch.ones(100)) == 99
    assert place_of_own(torch.tensor([1.0, 0.5, 1.0, 2.0])) == 2
    assert place_of_own(torch.tensor([float("nan"), 0.5, 0.1])) == 2
    assert place_of_own(torch.tensor([0.5, 0.4, float("nan")])) == 1


def test_others_are_drawn_evenly_differ_and_are_never_the_pictures_own():
    found = Ranking(repeats=2).others(POOL, POOL)
    assert {len(repeat) for rows in found for repeat in rows} == {99}
    assert all(len(rows) == 2 and (rows[0] != rows[1]).any() for rows in found)
    assert all(len(set(repeat)) == 99 and own not in repeat for own, rows in enumerate(found) for repeat in rows)
    drawn = np.bincount([i for rows in found for repeat in rows for i in repeat], minlength=130)
    assert drawn.min() > 0.8 * drawn.mean()


def test_of_a_small_pool_all_are_candidates_once():
    ranking = Ranking()
    assert ranking.of(["a", "b", "c"]) == 3
    assert [sorted(rows[0]) for rows in ranking.others(["b", "b"], ["a", "b", "c"])] == [[0, 2], [0, 2]]
    assert {len(rows) for rows in ranking.others(["b"], ["a", "b", "c"])} == {1}


def test_the_seed_decides_the_draw():
    drawn = [np.stack(ranking.others(POOL[:3], POOL)) for ranking in (Ranking(), Ranking(), Ranking(seed=1))]
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[0] != drawn[2]).any()


def test_a_single_caption_cannot_be_ranked():
    with pytest.raises(InvalidInput, match=r"^captions: expected at least two that differ, got 1\."):
        Ranking().others(["a"], ["a"])


def test_a_reward_of_other_shapes_is_refused():
    class Odd(Liking):
        def score(self, images, prompts):
            return torch.zeros(len(prompts), 2)

    with pytest.raises(PluginContractError, match=r"scorer.score: expected shape \(2,\), got \(2, 2\)"):
        scores_of(Odd(), torch.zeros(3, 4, 4), ["caption 1", "caption 2"])


@pytest.mark.parametrize(("given", "name"), [({"candidates": 1}, "candidates"), ({"repeats": 0}, "repeats")])
def test_a_number_outside_its_bounds_is_refused(given, name):
    with pytest.raises(InvalidInput, match=rf"^{name}: expected"):
        Ranking(**given)
