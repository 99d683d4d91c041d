"""A prompt as ImageReward reads it: the first 35 tokens of BERT's, lower case."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer
from torch import Tensor

from fusedream_clip.prompts import beginning, check_prompts
from fusedream_rewards.files import find_file
from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.models.weights import first_line
from fusedream_sdk.runtime.checks import check_choice

WINDOW = 35  # max_length of the authors' code
ADDED = ("[DEC]", "[ENC]")  # what BLIP adds to BERT's vocabulary, in this order
FILE, REPOSITORY = "vocab.txt", "bert-base-uncased"
POLICIES = ("warn", "error")


class Words:
    """The tokenizer of bert-base-uncased, with a window of 35 tokens, [CLS] and [SEP] among them.

    Args:
        vocabulary: a vocab.txt, a token a line.
        count: of the embeddings that the model has: no less than there are tokens.
        long_prompts: "warn" or "error".

    Attributes:
        vocabulary: every token with its number.

    Raises:
        InvalidInput: another `long_prompts`. WeightsError: a vocabulary that cannot be read, or of another size.
    """

    def __init__(self, vocabulary: Path, count: int, *, long_prompts: str = "warn") -> None:
        check_choice("long_prompts", long_prompts, POLICIES, "Leave it out to warn.")
        self.long_prompts = long_prompts
        try:
            lines = vocabulary.read_text(encoding="utf-8").rstrip("\n").split("\n")
            self._reader = BertWordPieceTokenizer({word.rstrip("\r"): i for i, word in enumerate(lines)}, lowercase=True)
        except Exception as error:  # whatever a file that is none sets off
            raise WeightsError(f"{vocabulary}: expected BERT's vocabulary, a token a line ({first_line(error)}).") from error
        self._reader.add_special_tokens(list(ADDED))
        self.vocabulary: dict[str, int] = self._reader.get_vocab()
        if len(self.vocabulary) != count:
            raise WeightsError(f"{vocabulary}: expected {count - len(ADDED)} tokens, as the model has, got {len(lines)}.")
        self._known: dict[str, tuple[list[int], list[int]]] = {}  # prompts are the same in every step

    def __call__(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """P prompts to tokens (P, 35), padded, and a mask (P, 35) that is 1 where there is no padding; on the CPU.

        Raises:
            InvalidInput: no prompt, an empty one, or one that is too long where `long_prompts` is "error".
        """
        check_prompts(prompts)
        for prompt in dict.fromkeys(prompts):
            if prompt not in self._known:
                self._known[prompt] = self._read(prompt)
        tokens, masks = zip(*(self._known[prompt] for prompt in prompts), strict=True)
        return torch.tensor(tokens), torch.tensor(masks)

    def _read(self, prompt: str) -> tuple[list[int], list[int]]:
        """Tokens and mask of a prompt."""
        read = self._reader.encode(prompt)
        ids = read.ids
        if len(ids) > WINDOW:
            dropped = beginning(prompt[read.offsets[WINDOW - 1][0] :])
            if self.long_prompts == "error":
                expected, got = f"at most {WINDOW} tokens", f"{beginning(prompt)!r}"
                raise InvalidInput("prompts", expected=expected, got=got, fix=f"Leave out {dropped!r}.")
            warnings.warn(
                f"The prompt is longer than the {WINDOW} tokens that ImageReward reads; dropped: {dropped!r}. Shorten it.",
                stacklevel=4,  # whoever called `score`
            )
            ids = [*ids[: WINDOW - 1], ids[-1]]
        return padded(ids, self.vocabulary["[PAD]"])


def padded(ids: list[int], pad: int) -> tuple[list[int], list[int]]:
    """Tokens filled up to the window, and their mask."""
    rest = WINDOW - len(ids)
    return [*ids, *[pad] * rest], [*[1] * len(ids), *[0] * rest]


def find_vocabulary(weights: str | Path, given: str | Path | None, cache_dir: str | Path | None) -> Path:
    """The file of the vocabulary: the user's own, that beside the weights, or that of the hub. Raises WeightsError."""
    if given is not None:
        return find_file("imagereward", given, FILE, cache_dir=cache_dir)
    place = Path(weights).expanduser()
    beside = place / FILE if os.path.isdir(place) else place.parent / FILE
    if os.path.exists(place) and os.path.isfile(beside):
        return beside
    return find_file("imagereward", REPOSITORY, FILE, cache_dir=cache_dir)
