"""ImageReward, from files in the authors' format, against transformers' BLIP."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertTokenizer

import fusedream_sdk as fd
from fusedream_rewards import imagereward as load
from fusedream_rewards.blip_reward import MEAN, PIXEL_MEAN, PIXEL_STD, STD, ImageReward
from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.testing import check_reward
from tests.plugins.rewards.conftest import WORDS, Published, entries

PROMPTS = ["a red apple", "two blue birds, a dog", "a"]


@pytest.fixture(scope="module")
def reward(folder: Path) -> ImageReward:
    return load(weights=folder)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """Files to be spoilt."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def pictures(n: int = 3) -> torch.Tensor:
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def direct(published: Published, images: torch.Tensor, prompts: list[str]) -> torch.Tensor:
    """The authors' code line by line: their tokenizer with the two added tokens, their statistics, BLIP, the head."""
    tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)}, do_lower_case=True)
    tokenizer.add_special_tokens({"bos_token": "[DEC]"})
    tokenizer.add_special_tokens({"additional_special_tokens": ["[ENC]"]})
    read = tokenizer(prompts, padding="max_length", truncation=True, max_length=35, return_tensors="pt")
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (PIXEL_MEAN, PIXEL_STD))
    return published.score((images - mean) / std, read["input_ids"], read["attention_mask"])


def test_scores_and_gradients_are_those_of_the_published_computation(reward: ImageReward, published: Published):
    ours, theirs = pictures().requires_grad_(), pictures().requires_grad_()
    scores, expected = reward.score(ours, PROMPTS), direct(published, theirs, PROMPTS)
    assert expected.std() > 0.05
    torch.testing.assert_close(scores, expected, atol=1e-4, rtol=0)
    gradients = [torch.autograd.grad(x.sum(), y)[0] for x, y in ((scores, ours), (expected, theirs))]
    assert gradients[1].abs().max() > 1e-3
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=0)


def test_the_constants_are_the_authors():
    assert (MEAN, STD) == (0.16717362830052426, 1.0333394966054072)
    assert PIXEL_MEAN == (0.48145466, 0.4578275, 0.40821073)
    assert PIXEL_STD == (0.26862954, 0.26130258, 0.27577711)


def test_it_keeps_the_contract_of_a_reward_and_is_found_by_its_name(folder: Path):
    named = fd.load_scorer(f"imagereward:{folder}")
    assert isinstance(named, ImageReward)
    assert named.resolution == 32
    assert not isinstance(named, fd.Scorer)
    check_reward(named)


def test_the_score_depends_on_the_prompt(reward: ImageReward):
    one = pictures(1).expand(2, -1, -1, -1)
    scores = reward.score(one, ["a red apple", "two blue birds"])
    assert (scores[0] - scores[1]).abs() > 0.1


def test_the_file_alone_will_do_where_the_others_lie_beside_it(folder: Path, reward: ImageReward):
    assert load(weights=folder / "ImageReward.pt").fingerprint == reward.fingerprint


def test_what_is_left_of_the_pretraining_does_not_matter(copy: Path, published: Published, reward: ImageReward):
    plain = {n: x for n, x in entries(published).items() if "_proj." not in n and "position_ids" not in n}
    torch.save(plain, copy / "ImageReward.pt")
    assert load(weights=copy).fingerprint == reward.fingerprint


def drop(found: dict[str, Any]) -> None:
    del found["blip.text_encoder.encoder.layer.1.crossattention.self.key.weight"]


def add(found: dict[str, Any]) -> None:
    found["blip.text_decoder.bias"] = torch.zeros(3)


def other(found: dict[str, Any]) -> None:
    found["optimiser.rate"] = torch.zeros(3)


def narrow(found: dict[str, Any]) -> None:
    found["mlp.layers.0.weight"] = torch.zeros(1024, 7)


def empty(found: dict[str, Any]) -> None:
    found.clear()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (drop, r"1 missing \(first: 'text_encoder.encoder.layer.1.crossattention.self.key.weight'\)"),
        (add, r"1 unexpected \(first: 'text_decoder.bias'\)"),
        (other, r"1 unexpected \(first: 'optimiser.rate'\)"),
        (narrow, r"layers.0.weight: expected shape \(1024, 48\), got \(1024, 7\)"),
        (empty, r"expected the entries of ImageReward, got none of its image encoder"),
    ],
)
def test_entries_that_are_not_those_of_the_model_are_named(copy: Path, published: Published, spoil: Any, message: str):
    found = entries(published)
    spoil(found)
    torch.save(found, copy / "ImageReward.pt")
    with pytest.raises(WeightsError, match=message):
        load(weights=copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_act": "relu"}, "med_config.json: hidden_act: expected 'gelu', as ImageReward has, got 'relu'"),
        ({"add_cross_attention": False}, "add_cross_attention: expected True"),
        ({"hidden_size": None}, "hidden_size: expected a number above 0, got None"),
        ({"num_attention_heads": 5}, "hidden_size: expected a multiple of num_attention_heads, 5, got 48"),
        ({"num_hidden_layers": 3}, "missing"),
        ({"vocab_size": 30524}, "word_embeddings.weight: expected shape"),
    ],
)
def test_a_configuration_that_does_not_fit_is_named(copy: Path, changes: dict[str, Any], message: str):
    file = copy / "med_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    with pytest.raises(WeightsError, match=message):
        load(weights=copy)


def test_a_pickle_with_code_is_refused(copy: Path):
    torch.save({"mlp": pytest.MonkeyPatch()}, copy / "ImageReward.pt")
    with pytest.raises(WeightsError, match="expected tensors alone"):
        load(weights=copy)


def test_pictures_of_another_size_are_refused(reward: ImageReward):
    with pytest.raises(InvalidInput, match=r"images: expected shape \(B, 3, 32, 32\)"):
        reward.score(torch.rand(1, 3, 16, 16), ["a"])
