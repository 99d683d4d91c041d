"""A small tokenizer of the scorer's own: CLIP's lower-case byte-level BPE, learned from captions and common words.

Every byte is a token, so any text can be read: unknown words fall apart into pieces and, at worst, letters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from fusedream_emoji.art import concepts
from fusedream_emoji.training.captions import LINKS, NEUTRAL, OPENINGS, SIZE_WORDS, STYLE_WORDS, STYLED
from fusedream_emoji.training.palette import WORDS
from fusedream_emoji.training.words import COMMON

START, END = "<|startoftext|>", "<|endoftext|>"
SUFFIX = "</w>"


def corpus() -> list[str]:
    """Everything that captions are made of, weighted towards whole words, and common English words."""
    names = [name.lower() for concept in concepts() for name in concept["names"]]
    forms = [text.replace("{}", "").replace("{style}", "") for text in (*OPENINGS, *STYLED)]
    forms += [text.replace("{a}", "").replace("{b}", "") for texts in LINKS.values() for text in texts]
    sizes = [word for words in SIZE_WORDS.values() for word in words]
    extra = ["a the an on against in front of background style", *WORDS, *STYLE_WORDS, *sizes, *NEUTRAL]
    return 20 * (names + forms + extra) + 2 * COMMON.split()


def train_tokenizer(size: int = 2304, texts: Iterable[str] | None = None) -> CLIPTokenizer:
    """Learn the merges.

    Args:
        size: of the vocabulary at most; the bytes alone take 512, the start and the end 2.
        texts: to learn from; `corpus()` by default.

    Returns:
        A tokenizer that pads with the end token, as CLIP's does: the text tower reads the first one.
    """
    learner = Tokenizer(models.BPE(end_of_word_suffix=SUFFIX))
    learner.normalizer = normalizers.Lowercase()
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, end_of_word_suffix=SUFFIX, min_frequency=2, show_progress=False
    )
    learner.train_from_iterator(texts if texts is not None else corpus(), trainer)
    merges = _merges(learner)[: size - 2 * len(alphabet) - 2]
    tokens = {*alphabet, *(byte + SUFFIX for byte in alphabet), *(a + b for a, b in merges)}
    # Sorted, as equally frequent merges come in a new order in each process.
    vocabulary = {token: i for i, token in enumerate([*sorted(tokens), START, END])}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=40)


def _merges(learner: Tokenizer) -> list[Any]:
    return [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in json.loads(learner.to_str())["model"]["merges"]]
