"""Prompts: empty ones, and ones that are longer than the window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from fusedream_clip import load
from fusedream_clip.prompts import windows
from fusedream_clip.scorer import LongPrompts
from fusedream_sdk.errors import InvalidInput

from .conftest import make_clip

LONG = "cat dog cat dog cat dog red boat"  # 6 words of one token, then words of several


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP that reads 10 tokens: 8 and the two special ones."""
    return make_clip(tmp_path_factory.mktemp("short") / "clip", window=10)


def encode(folder: Path, policy: LongPrompts, *prompts: str) -> torch.Tensor:
    return load(weights=folder, long_prompts=policy).encode_text(prompts)


def test_by_default_a_long_prompt_warns_of_the_words_that_are_dropped(folder: Path) -> None:
    with pytest.warns(UserWarning, match="longer than the 10 tokens .* dropped: 'red boat'"):
        found = encode(folder, "warn", LONG)
    torch.testing.assert_close(found, encode(folder, "error", "cat dog cat dog cat dog"))


def test_a_prompt_that_just_fits_does_not_warn(folder: Path) -> None:
    assert encode(folder, "warn", "cat " * 8).shape == (1, 16)


def test_a_long_prompt_is_split_and_averaged(folder: Path) -> None:
    found = encode(folder, "split", "dog", LONG)
    parts = encode(folder, "error", "cat dog cat dog cat dog", "red boat")
    torch.testing.assert_close(found[1], F.normalize(parts.mean(dim=0), dim=-1))
    torch.testing.assert_close(found[0], encode(folder, "error", "dog")[0], atol=1e-5, rtol=0)


def test_a_long_prompt_is_refused_where_that_is_asked_for(folder: Path) -> None:
    with pytest.raises(InvalidInput, match=r"prompts: expected at most 10 tokens, .* Leave out 'red boat'"):
        encode(folder, "error", "cat", LONG)


@pytest.mark.parametrize("prompts", [[], "a cat", [3], [None]])
def test_something_else_than_a_list_of_texts_is_refused(folder: Path, prompts: Any) -> None:
    with pytest.raises(InvalidInput, match="prompts: expected a list of texts"):
        load(weights=folder).encode_text(prompts)


@pytest.mark.parametrize("empty", ["", " \n"])
def test_an_empty_prompt_is_refused_by_its_place(folder: Path, empty: str) -> None:
    with pytest.raises(InvalidInput, match=r"prompts\[1\]: expected a text, got an empty one"):
        encode(folder, "warn", "cat", empty)


def test_an_unknown_policy_is_refused(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="long_prompts: expected 'warn', 'split' or 'error', got cut"):
        encode(folder, "cut", "cat")  # pyright: ignore[reportArgumentType]


@given(st.text(st.sampled_from("ab 狗\n")).filter(str.strip), st.integers(1, 9))
def test_windows_keep_every_word_in_order_and_fit(text: str, limit: int) -> None:
    pieces = windows(text, lambda piece: len(piece) <= limit)
    assert all(piece and len(piece) <= limit and piece == piece.strip() for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    words = text.split()
    if all(len(word) <= limit for word in words):
        assert " ".join(pieces).split() == words


def test_windows_end_even_where_nothing_fits() -> None:
    assert windows("ab c", lambda piece: False) == ["a", "b", "c"]


@pytest.mark.parametrize("letter", ["word ", "狗"])
def test_a_text_is_cut_in_linear_work(letter: str) -> None:
    def work(count: int) -> int:
        read: list[int] = []
        windows(letter * count, lambda piece: read.append(len(piece)) or len(piece) <= 80)
        return sum(read)

    assert work(20_000) < 15 * work(2_000)


def test_a_warning_quotes_no_more_than_the_beginning_of_what_is_dropped(folder: Path) -> None:
    with pytest.warns(UserWarning, match="dropped: ") as caught:
        encode(folder, "warn", "cat " * 2_000)
    assert len(str(caught[0].message)) < 300
    with pytest.raises(InvalidInput, match="expected at most 10,000 letters, got 20,000"):
        encode(folder, "warn", "cat " * 5_000)
