"""LAION's aesthetic predictor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import fusedream_clip
import fusedream_sdk as fd
from fusedream_rewards import aesthetic as load
from fusedream_rewards.clip_reward import FILE, SHA256, URL, Aesthetic
from fusedream_sdk.errors import WeightsError
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.testing import check_reward
from tests.plugins.rewards.conftest import aesthetic, head


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return aesthetic(tmp_path_factory.mktemp("aesthetic"))


@pytest.fixture(scope="module")
def reward(options: dict[str, Any]) -> Aesthetic:
    return load(**options)


def test_scores_and_gradients_are_those_of_the_published_computation(reward: Aesthetic, options: dict[str, Any]):
    own = head(16)
    own.load_state_dict({n.removeprefix("layers."): x for n, x in torch.load(options["weights"]).items()})
    clip = fusedream_clip.load(weights=options["clip"])
    ours, theirs = (torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_() for _ in range(2))
    features = clip.model.get_image_features(pixel_values=clip.standardise(theirs))
    features = getattr(features, "pooler_output", features)
    expected = own(features / features.norm(dim=-1, keepdim=True))[:, 0]
    scores = reward.score(ours, ["a"] * 3)
    torch.testing.assert_close(scores, expected, atol=1e-4, rtol=0)
    gradients = [torch.autograd.grad(x.sum(), y)[0] for x, y in ((scores, ours), (expected, theirs))]
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=0)


def test_it_keeps_the_contract_of_a_reward(reward: Aesthetic):
    check_reward(reward)


def test_no_prompt_moves_it_negative_ones_neither(reward: Aesthetic):
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    assert not reward.reads_prompt
    prompts = ["a dog | text:-2", fd.Prompt(image=images[0])]
    scores = make_target(reward, prompts)(images, torch.arange(2))
    assert torch.equal(scores, reward.score(images, ["", ""]))


def test_the_head_may_be_in_a_folder(reward: Aesthetic, options: dict[str, Any], tmp_path: Path):
    again = load(weights=options["weights"].parent, clip=options["clip"])
    assert again.fingerprint == reward.fingerprint
    with pytest.raises(WeightsError, match=r"aesthetic is a reward without weights: expected sac\+logos.* which holds nothing"):
        load(weights=tmp_path)


def test_a_head_that_is_not_there_is_one_sentence(options: dict[str, Any]):
    with pytest.raises(WeightsError, match=r"aesthetic is a reward without weights: there is no file 'nowhere.pth'. Leave"):
        load(weights="nowhere.pth", clip=options["clip"])


def test_the_published_head_is_the_one_that_is_fetched():
    assert FILE == "sac+logos+ava1-l14-linearMSE.pth"
    assert URL.startswith("https://github.com/christophschuhmann/improved-aesthetic-predictor/raw/main/")
    assert SHA256 == "21dd590f3ccdc646f0d53120778b296013b096a035a2718c9cb0d511bff0f1e0"
