"""Prompts that are longer than a model's window."""

from __future__ import annotations

import bisect
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.scoring.prompt import check_text

QUOTED = 60  # letters of it that a message repeats
NEAR = 1000  # letters among which the end of a piece is looked for; a window of 77 tokens is about 300

LongPrompts = Literal["warn", "split", "error"]


class Reader(Protocol):
    """What reads prompts: a scorer with a window."""

    window: int
    long_prompts: LongPrompts

    def fits(self, text: str) -> bool:
        """Whether a text has no more tokens than the window."""
        ...

    def embed_texts(self, texts: list[str]) -> Tensor:
        """Texts that fit to (N, D), unit norm."""
        ...


def embed_prompts(reader: Reader, prompts: Sequence[str]) -> Tensor:
    """P prompts to (P, D), unit norm: of a prompt in several pieces, the direction of their mean.

    Raises:
        InvalidInput: no prompt, an empty one, or one that is too long where `long_prompts` is "error".
    """
    check_prompts(prompts)
    pieces: list[list[str]] = []
    for prompt in prompts:  # no comprehension: before Python 3.12 it would count in the warning's stacklevel
        pieces.append(pieces_of(reader, prompt))
    embeddings = reader.embed_texts([piece for several in pieces for piece in several])
    means = [part.mean(dim=0) for part in embeddings.split([len(several) for several in pieces])]
    return F.normalize(torch.stack(means), dim=-1)


def pieces_of(reader: Reader, prompt: str) -> list[str]:
    """The pieces of a prompt that are embedded: one, unless it is too long and `long_prompts` is "split"."""
    if reader.long_prompts == "split":
        return windows(prompt, reader.fits)
    first = first_window(prompt.strip(), reader.fits)
    dropped = beginning(prompt.strip()[len(first) :].strip())
    if not dropped:
        return [first]
    if reader.long_prompts == "error":
        expected = f"at most {reader.window} tokens"
        raise InvalidInput("prompts", expected=expected, got=f"{beginning(prompt)!r}", fix=f"Leave out {dropped!r}.")
    warnings.warn(
        f"The prompt is longer than the {reader.window} tokens that the scorer reads; dropped: {dropped!r}. "
        f"Shorten it, or load the scorer with long_prompts='split'.",
        stacklevel=5,  # whoever called encode_text, which is wrapped in no_grad
    )
    return [first]


def check_policy(long_prompts: object) -> None:
    """One of the three. Raises InvalidInput."""
    if long_prompts not in get_args(LongPrompts):
        raise InvalidInput("long_prompts", expected="'warn', 'split' or 'error'", got=long_prompts, fix="Leave it out to warn.")


def check_prompts(prompts: Sequence[str]) -> None:
    """A list of texts, none empty or longer than 10,000 letters. Raises InvalidInput."""
    if isinstance(prompts, str) or not prompts or not all(isinstance(prompt, str) for prompt in prompts):
        raise InvalidInput("prompts", expected="a list of texts", got=prompts, fix="Put a single prompt in a list.")
    for i, prompt in enumerate(prompts):
        check_text(f"prompts[{i}]", prompt)
        if not prompt.strip():
            raise InvalidInput(f"prompts[{i}]", expected="a text", got="an empty one", fix="Say something, or leave it out.")


def beginning(text: str) -> str:
    """As much of a text as a message repeats."""
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}..."


def windows(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Cut a text into pieces that fit, each as long as possible, between words where that can be.

    Args:
        text: not empty.
        fits: whether a piece fits; true of every beginning of a piece that fits.
    """
    pieces, rest = [], text.strip()
    while rest:
        pieces.append(first_window(rest, fits))
        rest = rest[len(pieces[-1]) :].lstrip()
    return pieces


def first_window(text: str, fits: Callable[[str], bool]) -> str:
    """The first of these pieces. Only so much of the text is read as it takes: the work is linear in the length.

    Args:
        text: begins with no space. fits: as of `windows`.
    """
    reach = min(NEAR, len(text))
    while fits(text[:reach]):
        if reach == len(text):
            return text
        reach = min(2 * reach, len(text))
    ends = [word.end() for word in re.finditer(r"\S+", text[:reach])]
    if not fits(text[: ends[0]]):  # a single word, or a script that has no spaces
        ends = list(range(1, ends[0] + 1))
    fitting = bisect.bisect_left(ends, True, key=lambda end: not fits(text[:end]))
    return text[: ends[max(fitting, 1) - 1]]
