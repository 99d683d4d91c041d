"""What is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.run.rows import Rows, chosen, each_with_each
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer, random_latents

PICTURE = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(0))
PROMPTS = [Prompt("red"), Prompt("blue") - 0.5 * Prompt("red"), Prompt("a cat")]


class Reading(ToyScorer):
    """Notes what it is asked to read."""

    def __init__(self) -> None:
        super().__init__(8)
        self.texts: list[str] = []
        self.pictures = 0

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        self.texts.extend(prompts)
        return super().encode_text(prompts)

    def encode_image(self, images: Tensor) -> Tensor:
        self.pictures += 1
        return super().encode_image(images)


def rows(scorer: Any = None) -> Rows:
    return Rows.of(scorer or ToyScorer(8), list(zip(PROMPTS, (4, 5, 6), strict=True)))


def scores(asked: Rows, images: Tensor) -> Tensor:
    return asked.target(shrink(images, asked.target.resolution), torch.arange(len(asked)))


def test_prompts_are_read_once_each_and_never_again():
    scorer = Reading()
    asked = [*PROMPTS, Prompt("red") + Prompt(image=PICTURE)]
    made = Rows.of(scorer, [(prompt, seed) for prompt in asked for seed in (1, 2)])
    assert sorted(scorer.texts) == ["a cat", "blue", "red"]
    read = scorer.pictures
    for some in (made.take([3, 0, 0]), made.repeat(4), made.take(range(2)).repeat(2).take([1])):
        assert len(some.prompts) == len(some.seeds) == len(some)
    assert len(scorer.texts) == 3
    assert scorer.pictures == read


@pytest.mark.parametrize("scorer", [ToyScorer(8), ToyReward()], ids=["embeddings", "reward"])
def test_rows_that_are_taken_keep_their_prompt_their_seed_and_their_score(scorer: Any):
    whole, images = rows(scorer), ToyGenerator(16)(random_latents(ToyGenerator(16), 3))
    some = whole.take([2, 0, 2])
    assert some.prompts == (PROMPTS[2], PROMPTS[0], PROMPTS[2])
    assert some.seeds == (6, 4, 6)
    torch.testing.assert_close(scores(some, images[[2, 0, 2]]), scores(whole, images)[[2, 0, 2]])


def test_repeated_rows_stand_beside_each_other():
    repeated = rows().repeat(3)
    assert repeated.seeds == (4, 4, 4, 5, 5, 5, 6, 6, 6)
    assert repeated.prompts == tuple(prompt for prompt in PROMPTS for _ in range(3))
    images = ToyGenerator(16)(random_latents(ToyGenerator(16), 1)).expand(9, 3, 16, 16)
    found = scores(repeated, images).view(3, 3)
    torch.testing.assert_close(found, found[:, :1].expand(3, 3))
    assert len(found[:, 0].unique()) == 3


def test_rows_repeated_once_are_the_same():
    asked = rows()
    assert asked.repeat(1) is asked


def test_rows_cannot_be_changed():
    asked = rows()
    with pytest.raises(FrozenInstanceError):
        asked.seeds = (1, 2, 3)  # pyright: ignore[reportAttributeAccessIssue]


def test_a_picture_that_the_scorer_cannot_compare_with_is_refused():
    with pytest.raises(InvalidInput, match="prompts: expected texts, as the scorer has no embeddings, got a picture"):
        Rows.of(ToyReward(), [(Prompt(image=PICTURE), 0)])


def test_every_prompt_comes_with_every_seed_prompt_by_prompt():
    red, blue = Prompt("red"), Prompt("blue")
    assert each_with_each(["red", blue], [3, 1]) == [(red, 3), (red, 1), (blue, 3), (blue, 1)]
    assert each_with_each("red", 3) == [(red, 3)]


@pytest.mark.parametrize(
    ("prompts", "seeds", "message"),
    [
        ([], 0, "prompts: expected"),
        ("", 0, "prompts: expected"),
        ("red", [], "seeds: expected"),
        ("red", -1, "seeds: expected"),
        (["red", "blue"], range(500_001), "seeds: expected at most 1,000,000 pictures, got 1,000,002. Draw them in several"),
    ],
)
def test_prompts_and_seeds_that_cannot_be_used_are_refused(prompts: Any, seeds: Any, message: str):
    with pytest.raises(InvalidInput, match=message):
        each_with_each(prompts, seeds)


@pytest.mark.parametrize(("index", "rows"), [(1, [1]), (-1, [3]), (slice(1, 3), [1, 2]), ([2, 0], [2, 0]), (slice(0, 0), [])])
def test_an_index_means_rows_as_that_of_a_list_does(index: Any, rows: list[int]):
    assert chosen(index, 4) == rows


def test_a_row_that_is_not_there_is_no_row():
    with pytest.raises(IndexError):
        chosen(4, 4)
