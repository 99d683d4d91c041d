"""Prompts that are longer than a model's window."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Sequence

from fusedream_sdk.errors import InvalidInput


def check_prompts(prompts: Sequence[str]) -> None:
    """A list of texts, none empty. Raises InvalidInput."""
    if isinstance(prompts, str) or not prompts or not all(isinstance(prompt, str) for prompt in prompts):
        raise InvalidInput("prompts", expected="a list of texts", got=prompts, fix="Put a single prompt in a list.")
    for i, prompt in enumerate(prompts):
        if not prompt.strip():
            raise InvalidInput(f"prompts[{i}]", expected="a text", got="an empty one")


def windows(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Cut a text into pieces that fit, each as long as possible, between words where that can be.

    Args:
        text: not empty.
        fits: whether a piece fits; true of every beginning of a piece that fits.
    """
    pieces, rest = [], text.strip()
    while rest and not fits(rest):
        ends = [word.end() for word in re.finditer(r"\S+", rest)]
        if not fits(rest[: ends[0]]):  # a single word, or a script that has no spaces
            ends = list(range(1, ends[0] + 1))
        fitting = bisect.bisect_left(ends, True, key=lambda end: not fits(rest[:end]))
        cut = ends[max(fitting, 1) - 1]
        pieces.append(rest[:cut])
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces
