"""Prompts as ImageReward reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertTokenizer

from fusedream_rewards.words import WINDOW, Words, find_vocabulary
from fusedream_sdk.errors import InvalidInput, WeightsError
from tests.plugins.rewards.conftest import WORDS

LONG = "a red dog, " * 12
COUNT = len(WORDS) + 2


@pytest.fixture(scope="module")
def vocabulary(folder: Path) -> Path:
    return folder / "vocab.txt"


def theirs(prompts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)}, do_lower_case=True)
    read = tokenizer(prompts, padding="max_length", truncation=True, max_length=35, return_tensors="pt")
    return read["input_ids"], read["attention_mask"]


@pytest.mark.parametrize("prompt", ["a red apple", "A Red  Dogs,cafe", "Café \t 狗 a", "x", "a " * 32, "a " * 33])
def test_tokens_are_those_of_berts_own_tokenizer(vocabulary: Path, prompt: str):
    for own, expected in zip(Words(vocabulary, COUNT)([prompt]), theirs([prompt]), strict=True):
        assert torch.equal(own, expected)


def test_what_is_beyond_the_window_is_dropped_as_by_the_authors_and_named(vocabulary: Path):
    with pytest.warns(UserWarning, match="longer than the 35 tokens that ImageReward reads; dropped: '.*dog.*'"):
        tokens, mask = Words(vocabulary, COUNT)([LONG])
    assert torch.equal(tokens, theirs([LONG])[0])
    assert mask.sum() == WINDOW == 35


def test_a_prompt_is_read_once_and_so_warned_of_once(vocabulary: Path, recwarn: pytest.WarningsRecorder):
    words = Words(vocabulary, COUNT)
    for _ in range(3):
        words([LONG, "a", LONG])
    assert len(recwarn) == 1


def test_a_long_prompt_can_be_refused(vocabulary: Path):
    with pytest.raises(InvalidInput, match=r"prompts: expected at most 35 tokens, .* Leave out"):
        Words(vocabulary, COUNT, long_prompts="error")([LONG])
    with pytest.raises(InvalidInput, match="long_prompts: expected one of 'warn', 'error', got split"):
        Words(vocabulary, COUNT, long_prompts="split")


@pytest.mark.parametrize("prompts", ["a", [], [" "]])
def test_what_is_no_list_of_texts_is_refused(vocabulary: Path, prompts: list[str]):
    with pytest.raises(InvalidInput, match="prompts"):
        Words(vocabulary, COUNT)(prompts)


def test_a_vocabulary_of_another_model_is_refused(vocabulary: Path, tmp_path: Path):
    with pytest.raises(WeightsError, match=rf"expected 30522 tokens, as the model has, got {len(WORDS)}"):
        Words(vocabulary, 30524)
    (tmp_path / "vocab.txt").write_text("a\nb\n")
    with pytest.raises(WeightsError, match="expected BERT's vocabulary, a token a line"):
        Words(tmp_path / "vocab.txt", 4)


def test_the_vocabulary_is_looked_for_beside_the_weights(folder: Path, tmp_path: Path):
    assert find_vocabulary(folder, None, None) == folder / "vocab.txt"
    assert find_vocabulary(folder / "ImageReward.pt", None, None) == folder / "vocab.txt"
    assert find_vocabulary(tmp_path, folder / "vocab.txt", None) == folder / "vocab.txt"
    with pytest.raises(WeightsError, match=r"vocab.txt of 'bert-base-uncased' is not in the cache"):
        find_vocabulary(tmp_path, None, tmp_path)
