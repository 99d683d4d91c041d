"""What pictures are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import FrozenInstanceError

import pytest
import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, PluginContractError
from fusedream_sdk.imaging.resize import shrink, shrink_views
from fusedream_sdk.latents import select
from fusedream_sdk.models.ensemble import load_scorer
from fusedream_sdk.models.weighted import Weighted
from fusedream_sdk.scoring.augclip import AugCLIP
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.scoring.target import PromptTarget, RewardTarget, as_views, by_views, embed, make_target
from fusedream_sdk.scoring.views import NO_VIEWS, PUBLIC_VIEWS, Views
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer, random_latents

GENERATOR, SCORER, SEEDS = ToyGenerator(16), ToyScorer(8), [4, 5, 6]
LATENTS = random_latents(GENERATOR, 3)
IMAGES = GENERATOR(LATENTS)
PICTURE = torch.rand(3, 24, 40, generator=torch.Generator().manual_seed(0))


def score(prompt: Prompt | str, scorer: ToyScorer | ToyReward = SCORER) -> Tensor:
    target = make_target(scorer, [prompt] * 3)
    return target(shrink(IMAGES, target.resolution), torch.arange(3))


def test_a_text_is_encoded_once_however_many_rows_share_it():
    asked: list[str] = []

    class Counting(ToyScorer):
        def encode_text(self, prompts: Sequence[str]) -> Tensor:
            asked.extend(prompts)
            return super().encode_text(prompts)

    target = make_target(Counting(8), ["red", "blue", "red"])
    assert isinstance(target, PromptTarget)
    assert asked == ["red", "blue"]
    torch.testing.assert_close(target.embeddings, SCORER.encode_text(["red", "blue", "red"]))


def test_a_reward_without_embeddings_sees_each_view_with_the_prompt_of_its_row():
    seen: list[str] = []

    class Listening(ToyReward):
        def score(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
            seen.extend(prompts)
            return super().score(images, prompts)

    target = make_target(Listening(), ["red", "blue"])
    assert isinstance(target, RewardTarget)
    loss = AugCLIP(GENERATOR, target, [0, 1], count=2)(select(LATENTS, [0, 1]), step=0).primary
    assert seen == ["red", "red", "blue", "blue"]
    assert loss.shape == (2,)


@pytest.mark.parametrize("scorer", [SCORER, ToyReward()], ids=["embeddings", "reward"])
def test_rows_that_are_taken_score_as_in_the_whole_and_nothing_is_read_again(
    scorer: ToyScorer | ToyReward, monkeypatch: pytest.MonkeyPatch
):
    whole = make_target(scorer, ["red", Prompt("blue") - 0.5 * Prompt("green"), "a cat"])
    monkeypatch.setattr(ToyScorer, "encode_text", None)
    images = shrink(IMAGES, whole.resolution)
    some = whole.take([2, 1, 1])
    assert some.resolution == whole.resolution == scorer.resolution
    torch.testing.assert_close(some(images, torch.arange(3)), whole(images, torch.tensor([2, 1, 1])))
    torch.testing.assert_close(whole.take(range(1, 2))(images[:1], torch.tensor([0])), whole(images[:1], torch.tensor([1])))


def test_a_target_keeps_what_it_compares_with():
    target = make_target(SCORER, ["red"])
    with pytest.raises(FrozenInstanceError):
        target.embeddings = torch.zeros(1, 24)  # pyright: ignore[reportAttributeAccessIssue]


def test_a_reward_that_forgets_its_rows_is_refused():
    class Summing(ToyReward):
        def score(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
            return super().score(images, prompts).sum()

    objective = AugCLIP(GENERATOR, make_target(Summing(), ["red"] * 3), SEEDS, count=2)
    with pytest.raises(PluginContractError, match=r"scorer.score: expected shape \(6,\), got \(\)"):
        objective(LATENTS, step=0)


@pytest.mark.parametrize("scorer", [SCORER, ToyReward()], ids=["embeddings", "reward"])
def test_a_prompt_scores_the_mean_of_its_parts(scorer: ToyScorer | ToyReward):
    whole = score(Prompt("red") - 0.25 * Prompt("blue"), scorer)
    torch.testing.assert_close(whole, (score("red", scorer) - 0.25 * score("blue", scorer)) / 1.25)
    torch.testing.assert_close(score(3 * Prompt("red"), scorer), score("red", scorer))


def test_a_plain_sentence_is_its_text_to_the_last_bit():
    assert torch.equal(embed(SCORER, ["red", "a cat"]), SCORER.encode_text(["red", "a cat"]))


def test_a_picture_is_compared_by_its_centre_square():
    square = shrink(PICTURE[None], SCORER.resolution)
    assert torch.equal(embed(SCORER, [Prompt(image=PICTURE)]), SCORER.encode_image(square))
    drawn = Prompt(image=IMAGES[1]) + Prompt("red")
    torch.testing.assert_close(embed(SCORER, [drawn]), (embed(SCORER, [Prompt(image=IMAGES[1])]) + embed(SCORER, ["red"])) / 2)
    assert score(Prompt(image=IMAGES[1])).argmax() == 1


def test_the_score_of_an_ensemble_is_the_mean_of_its_members_for_every_prompt():
    members = [SCORER, ToyScorer(8, dim=9)]
    both = load_scorer(members, weights=[1, 3])
    prompt = Prompt(image=PICTURE) - 0.5 * Prompt("red")
    one, other, mean = (make_target(s, [prompt] * 3)(shrink(IMAGES, 8), torch.arange(3)) for s in (*members, both))
    torch.testing.assert_close(mean, 0.25 * one + 0.75 * other)


def test_a_reward_without_embeddings_takes_no_picture():
    message = "prompts: expected texts, as the scorer has no embeddings, got a picture. Use a scorer with encode_image"
    with pytest.raises(InvalidInput, match=message):
        make_target(ToyReward(), [Prompt("red") + Prompt(image=PICTURE)])


class Blind:
    """A reward that reads no prompt."""

    resolution, reads_prompt = 8, False

    def score(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        return images.mean(dim=(1, 2, 3))


def test_a_reward_that_reads_no_prompt_is_no_mean_of_its_parts_and_takes_pictures():
    prompts = ["red", Prompt("red") - 0.9 * Prompt("blue"), Prompt(image=PICTURE)]
    images = shrink(IMAGES, 8)
    scores = make_target(Blind(), prompts)(images, torch.arange(3))
    assert torch.equal(scores, images.mean(dim=(1, 2, 3)))


def test_in_a_sum_only_those_that_read_the_prompt_are_means_of_its_parts():
    prompt, images = Prompt("red") - 0.5 * Prompt("blue"), shrink(IMAGES, 16)
    both = make_target(load_scorer([Blind(), ToyReward()], weights=[3, 2]), [prompt] * 3)
    expected = 3 * shrink_views(images, 8).mean(dim=(1, 2, 3)) + 2 * score(prompt, ToyReward())
    torch.testing.assert_close(both(images, torch.arange(3)), expected)


def test_only_a_sum_with_views_of_its_own_is_taken_apart_by_them():
    plain = make_target(load_scorer([ToyReward(), SCORER]), ["red"])
    assert by_views(plain, NO_VIEWS) == [(NO_VIEWS, plain)]
    alone = make_target(SCORER, ["red"])
    assert by_views(alone, Views()) == [(Views(), alone)]
    own = make_target(load_scorer([ToyReward(), Weighted(SCORER, views=Views(zoom=0))]), ["red"])
    assert [views for views, _ in by_views(own, NO_VIEWS)] == [NO_VIEWS, Views(zoom=0)]


def test_plain_values_that_are_no_views_are_refused_by_their_names():
    with pytest.raises(InvalidInput, match=r"Views.zoom"):
        as_views((True, True, True, True, 0.25, 1.0, 0.5, 0.125, 7, 0.5))
    assert as_views(False) == NO_VIEWS
    assert as_views((True, True, True, True, 0.25, 1.0, 0.5, 0.125, 0.2, 0.5, 1)) == PUBLIC_VIEWS
