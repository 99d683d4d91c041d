"""Which background goes with which foreground."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.search import pairs
from fusedream_sdk.search.pairs import best_pairs

SIZES = st.integers(1, 9)


def draw(seed: int, *shape: int) -> Tensor:
    return torch.nn.functional.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def worth(words: Tensor, a: Tensor, b: Tensor) -> float:
    return float(torch.cosine_similarity(words, a + b, dim=0))


@given(st.integers(0, 2**31), SIZES, SIZES)
def test_the_first_of_each_are_the_best_of_all_pairs(seed: int, m: int, n: int):
    text, back, front = draw(seed, 2, 6), draw(seed + 1, m, 6), draw(seed + 2, n, 6)
    i, j = best_pairs(text, back, front, k=2)
    for row, words in enumerate(text):
        best = max(worth(words, a, b) for a, b in itertools.product(back, front))
        assert worth(words, back[i[row, 0]], front[j[row, 0]]) == pytest.approx(best, abs=1e-5)


@given(st.integers(0, 2**31), SIZES, SIZES, st.integers(1, 5))
def test_the_others_are_those_that_go_best_with_the_best_partner(seed: int, m: int, n: int, k: int):
    text, back, front = draw(seed, 1, 6), draw(seed + 1, m, 6), draw(seed + 2, n, 6)
    i, j = best_pairs(text, back, front, k=k)
    assert i.shape == j.shape == (1, k)
    behind = sorted((worth(text[0], a, front[j[0, 0]]) for a in back), reverse=True)[:k]
    found = [worth(text[0], back[index], front[j[0, 0]]) for index in i[0]]
    assert found[: len(behind)] == pytest.approx(behind, abs=1e-5)
    before = sorted((worth(text[0], back[i[0, 0]], b) for b in front), reverse=True)[:k]
    assert [worth(text[0], back[i[0, 0]], front[index]) for index in j[0]][: len(before)] == pytest.approx(before, abs=1e-5)


@given(st.integers(0, 2**31), st.integers(1, 8), st.integers(1, 8))
def test_only_what_a_row_sees_is_used(seed: int, m: int, n: int):
    text, back, front = draw(seed, 1, 6), draw(seed + 1, 8, 6), draw(seed + 2, 8, 6)
    seen = torch.arange(8) < m, torch.arange(8) >= 8 - n
    i, j = best_pairs(text, back, front, k=3, seen=[seen])
    some = best_pairs(text, back[:m], front[8 - n :], k=3)
    assert torch.equal(i, some[0])
    assert torch.equal(j, some[1] + 8 - n)


def test_a_single_picture_is_repeated():
    i, j = best_pairs(draw(0, 1, 6), draw(1, 1, 6), draw(2, 7, 6), k=3)
    assert i.tolist() == [[0, 0, 0]]
    assert len(set(j[0].tolist())) == 3


def test_a_row_alone_gets_the_pair_that_it_gets_in_a_batch():
    text, back, front = draw(0, 4, 6), draw(1, 20, 6), draw(2, 30, 6)
    i, j = best_pairs(text, back, front, k=3)
    for row in range(4):
        alone = best_pairs(text[row : row + 1], back, front, k=3)
        assert torch.equal(alone[0][0], i[row])
        assert torch.equal(alone[1][0], j[row])


def test_two_halves_of_a_text_are_found_where_each_layer_alone_would_take_the_same():
    """A text leans to its first thing: ranked alone, both layers would show that."""
    words = torch.nn.functional.normalize(torch.tensor([[1.0, 0.8, 0.0]]), dim=1)
    bank = torch.eye(3)
    assert (bank @ words[0]).argmax() == 0
    i, j = best_pairs(words, bank, bank, k=1)
    assert {int(i), int(j)} == {0, 1}


def test_of_many_only_the_shortlist_is_paired(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pairs, "SHORTLIST", 4)
    text, back, front = draw(0, 1, 6), draw(1, 50, 6), draw(2, 50, 6)
    i, j = best_pairs(text, back, front, k=4)
    assert set(i[0].tolist()) == set((back @ text[0]).topk(4).indices.tolist())
    assert set(j[0].tolist()) == set((front @ text[0]).topk(4).indices.tolist())
