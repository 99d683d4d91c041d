"""Several scorers as one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import fusedream_sdk as fd
from fusedream_sdk.cli.options import one_or_several
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.resize import shrink_views
from fusedream_sdk.models.ensemble import Ensemble, RewardEnsemble, name_of
from fusedream_sdk.scoring.views import Views
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer, check_reward, check_scorer

LARGE, SMALL = ToyScorer(16, dim=24), ToyScorer(8, dim=10)
Install = Callable[..., Path]


def pictures(n: int = 3, side: int = 16) -> torch.Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(0))


def cosines(scorer: Any, images: torch.Tensor, prompts: list[str]) -> torch.Tensor:
    return scorer.encode_image(images) @ scorer.encode_text(prompts).T


@pytest.fixture
def two(install: Install) -> None:
    install(
        "toy-eyes",
        "[fusedream_sdk.scorers]\ntoy-large = toy_eyes:large\ntoy-small = toy_eyes:small\ntoy-reward = toy_eyes:reward\n"
        "[fusedream_sdk.generators]\ntoy-disc = toy_eyes:disc\n",
        toy_eyes="""
        from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer
        def reward(device=None): return ToyReward()
        def disc(device=None): return ToyGenerator(16)
        def large(device=None): return ToyScorer(16, dim=24)
        def small(device=None): return ToyScorer(8, dim=10)
        """,
    )


def test_an_ensemble_keeps_the_contract_of_a_scorer():
    both = fd.load_scorer([LARGE, SMALL], weights=[1, 0.5])
    assert isinstance(both, Ensemble)
    check_scorer(both)


def test_its_score_is_the_weighted_mean_of_the_members_cosines():
    both, images, prompts = fd.load_scorer([LARGE, SMALL], weights=[1, 0.5]), pictures(), ["red", "blue"]
    expected = (cosines(LARGE, images, prompts) + 0.5 * cosines(SMALL, shrink_views(images, 8), prompts)) / 1.5
    torch.testing.assert_close(cosines(both, images, prompts), expected)


def test_embeddings_have_unit_norm():
    both = fd.load_scorer([LARGE, SMALL, LARGE], weights=[3, 0.1, 7])
    assert isinstance(both, Ensemble)
    for embeddings in (both.encode_text(["red", "a dog"]), both.encode_image(pictures())):
        torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(len(embeddings)), atol=1e-6, rtol=0)


def test_it_reads_the_largest_resolution_and_every_member_sees_the_same_views_at_its_own():
    seen: list[torch.Tensor] = []

    class Watching(ToyScorer):
        def encode_image(self, images: torch.Tensor) -> torch.Tensor:
            seen.append(images)
            return super().encode_image(images)

    both = fd.load_scorer([Watching(8), Watching(16)])
    assert isinstance(both, Ensemble)
    assert both.resolution == 16
    views = Views()(pictures(1), seeds=[0], step=0, count=4)
    assert views.min() < 0  # unclamped, and so for every member
    both.encode_image(views)
    torch.testing.assert_close(seen[0], shrink_views(views, 8))
    assert seen[1] is views


def test_weights_are_relative_and_all_one_by_default():
    images, prompts = pictures(), ["red"]
    for weights in (None, [2, 2], (1, 1)):
        equal = fd.load_scorer([LARGE, SMALL], weights=weights)
        torch.testing.assert_close(
            cosines(equal, images, prompts), cosines(fd.load_scorer([LARGE, SMALL], weights=[5, 5]), images, prompts)
        )


def test_a_member_of_weight_zero_is_left_out_and_not_even_loaded():
    one = fd.load_scorer(["there is no such scorer", SMALL], weights=[0, 2])
    assert one.resolution == 8
    torch.testing.assert_close(cosines(one, pictures(side=8), ["red"]), cosines(SMALL, pictures(side=8), ["red"]))


def test_a_member_may_come_twice_or_be_an_ensemble():
    twice = fd.load_scorer([SMALL, fd.load_scorer([SMALL, SMALL])])
    torch.testing.assert_close(cosines(twice, pictures(side=8), ["red"]), cosines(SMALL, pictures(side=8), ["red"]))


@pytest.mark.parametrize(
    ("members", "weights", "message"),
    [
        ([], None, r"scorer: expected at least one scorer, got an ensemble of nothing. Name one"),
        ({}, None, r"scorer: expected at least one scorer"),
        ([SMALL, LARGE], [1], r"weights: expected one for each of 2 scorers, got 1"),
        ([SMALL, LARGE], [0, 0], r"weights: expected at least one that is not 0, got \[0.0, 0.0\]\. Give those that count"),
        ([SMALL, LARGE], [1, float("nan")], r"weights: expected finite numbers"),
        ([SMALL, LARGE], ["much", "little"], r"weights: expected a number for each scorer"),
        ([SMALL, LARGE], 2, r"weights: expected a number for each scorer"),
        ({"toy": 1}, [1], r"weights: expected None, as the dictionary has them"),
        ([SMALL, ToyGenerator()], None, r"scorer: expected names, or objects .* got a ToyGenerator"),
    ],
)
def test_what_is_no_ensemble_is_refused_in_one_sentence(members: Any, weights: Any, message: str):
    with pytest.raises(InvalidInput, match=message):
        fd.load_scorer(members, weights=weights)


def test_members_on_two_devices_are_refused():
    far = SimpleNamespace(resolution=8, encode_text=len, encode_image=len, device="meta")
    with pytest.raises(InvalidInput, match=r"device: expected all scorers on one device, got cpu and meta. Move some"):
        fd.load_scorer([SMALL, far])  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("weights", [[1, 3], [0.05, -5], [1e-3, 20]])
def test_with_a_member_that_is_only_a_reward_it_is_a_reward_the_weighted_sum_of_scores(weights: list[float]):
    reward, (a, b) = ToyReward(), weights
    both, images, prompts = fd.load_scorer([reward, SMALL], weights=weights), pictures(), ["red", "blue", "red"]
    assert isinstance(both, RewardEnsemble)
    assert not isinstance(both, fd.Scorer)
    own = (SMALL.encode_image(shrink_views(images, 8)) * SMALL.encode_text(prompts)).sum(dim=1)
    torch.testing.assert_close(both.score(images, prompts), a * reward.score(images, prompts) + b * own)
    check_reward(both)


@pytest.mark.parametrize("members", [[SMALL, fd.Weighted(LARGE, -0.5)], [SMALL, fd.Weighted(LARGE, views=fd.NO_VIEWS)]])
def test_dual_encoders_with_a_negative_weight_or_views_of_their_own_are_a_reward_too(members: list[Any]):
    both, images = fd.load_scorer(members), pictures()
    assert isinstance(both, RewardEnsemble)
    direct = cosines(SMALL, shrink_views(images, 8), ["red"]) + both.members[1].weight * cosines(LARGE, images, ["red"])
    torch.testing.assert_close(both.score(images, ["red"] * 3), direct[:, 0])


def test_a_name_with_views_is_an_ensemble_of_one(two: None):
    one = fd.load_scorer("toy-small?views=none")
    assert isinstance(one, RewardEnsemble)
    assert [(member.weight, member.views) for member in one.members] == [(1.0, False)]


def test_a_sum_in_a_sum_is_taken_apart():
    inner = fd.load_scorer([fd.Weighted(ToyReward(), 2), fd.Weighted(SMALL, 3, views=fd.NO_VIEWS)])
    outer = fd.load_scorer([fd.Weighted(inner, -2, views=Views(cutout=False)), LARGE])
    assert isinstance(outer, RewardEnsemble)
    assert [member.weight for member in outer.members] == [-4, -6, 1]
    assert [member.views and member.views[3] for member in outer.members] == [False, False, None]  # pyright: ignore
    assert outer.members[1].views is False
    images = pictures()
    direct = -2 * inner.score(images, ["red"] * 3) + cosines(LARGE, images, ["red"])[:, 0]  # pyright: ignore
    torch.testing.assert_close(outer.score(images, ["red"] * 3), direct)


def test_the_parts_of_a_sum_share_their_views_or_whether_they_read_the_prompt_and_add_up():
    blind = SimpleNamespace(resolution=8, reads_prompt=False, score=lambda images, prompts: images.mean(dim=(1, 2, 3)))
    both: Any = fd.load_scorer([fd.Weighted(blind, 2, views=fd.NO_VIEWS), ToyReward(), fd.Weighted(SMALL, 4)])  # pyright: ignore
    assert both.reads_prompt
    assert list(both.by_views) == [False, None]
    assert list(both.by_reading) == [False, True]
    assert not both.by_reading[False].reads_prompt
    assert both.by_views[None].by_views[None] is both.by_views[None]
    images, prompts = pictures(), ["red", "blue", "red"]
    for parts in (both.by_views, both.by_reading):
        scores = [part.score(shrink_views(images, part.resolution), prompts) for part in parts.values()]
        torch.testing.assert_close(sum(scores), both.score(images, prompts))


def test_an_ensemble_of_rewards_encodes_a_prompt_once():
    class Counting(ToyScorer):
        texts = 0

        def encode_text(self, prompts: Any) -> torch.Tensor:
            self.texts += len(prompts)
            return super().encode_text(prompts)

    counting = Counting(8)
    both = fd.load_scorer([ToyReward(), counting])
    assert isinstance(both, RewardEnsemble)
    for _ in range(3):
        both.score(pictures(4), ["red", "red", "blue", "blue"])
    assert counting.texts == 2


def test_the_identity_follows_members_and_relative_weights():
    def identity(weights: list[float]) -> str:
        both = fd.load_scorer([LARGE, SMALL], weights=weights)
        assert isinstance(both, Ensemble)
        return both.fingerprint

    assert identity([1, 0.5]) == identity([2, 1])
    assert identity([1, 0.5]) != identity([1, 1])


@pytest.mark.parametrize("scorer", [["toy-small", "toy-large"], {"toy-small": 1, "toy-large": 0.5}])
def test_a_picture_of_a_named_ensemble_is_drawn_again_from_its_recipe(two: None, scorer: Any, tmp_path: Path):
    quick = {"steps": 2, "views": 2, "bank": 8, "samples": 8, "basis": 2, "check_views": 2, "report_views": 2}
    dream = fd.FuseDream(generator="toy-disc", scorer=scorer, dtype="float32", settings=quick)
    result = dream.generate("red", progress=False)
    assert result.recipe.scorer.name == scorer
    result.save(tmp_path / "red.png")
    again = fd.replay(tmp_path / "red.png", progress=False)
    assert isinstance(again, fd.Result)
    assert torch.equal(again.images, result.images)


def test_the_identity_of_a_sum_follows_weights_and_views():
    def identity(**changes: Any) -> str:
        return fd.load_scorer([ToyReward(), fd.Weighted(SMALL, **changes)]).fingerprint  # pyright: ignore

    found = {identity(), identity(weight=2), identity(views=fd.NO_VIEWS), identity(views=Views(cutout=False))}
    assert len(found) == 4
    assert identity(weight=1, views=None) in found


@pytest.mark.parametrize(
    ("scorer", "name"),
    [
        (["toy-small", fd.Weighted("toy-reward", 0.05, views=fd.NO_VIEWS)], {"toy-small": 1.0, "toy-reward?views=false": 0.05}),
        ({"toy-reward": -0.5, "toy-small?views=none": 2}, {"toy-reward": -0.5, "toy-small?views=false": 2.0}),
        (
            [fd.Weighted("toy-large", 5, views=Views(zoom=0.125, cutout=False)), "toy-reward"],
            {"toy-large?views=[true,true,true,false,0.25,1.0,0.5,0.125,0.125,0.5]": 5.0, "toy-reward": 1.0},
        ),
        (one_or_several(["toy-small", "0.5*toy-reward?views=none"]), {"toy-small": 1.0, "toy-reward?views=false": 0.5}),
        ("toy-reward?views=none", "toy-reward?views=false"),
    ],
    ids=["weighted", "dictionary", "views", "command line", "one"],
)
def test_a_recipe_says_members_weights_and_views_and_its_picture_is_drawn_again(
    two: None, scorer: Any, name: Any, tmp_path: Path
):
    quick = {"steps": 2, "views": 2, "samples": 8, "basis": 2, "check_views": 2, "report_views": 2, "bank_views": 2}
    dream = fd.FuseDream(generator="toy-disc", scorer=scorer, dtype="float32", settings=quick)
    result = dream.generate("red", progress=False)
    assert result.recipe.scorer.name == name
    result.save(tmp_path / "red.png")
    again = fd.replay(tmp_path / "red.png", progress=False)
    assert isinstance(again, fd.Result)
    assert torch.equal(again.images, result.images)
    assert again.recipe.scorer == result.recipe.scorer


def test_a_list_with_an_object_in_it_has_no_name():
    assert name_of(["clip", SMALL]) is None
    assert name_of(SMALL) is None
