"""Where the layers of a scene begin: the pair of pictures that together fit the prompt."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fusedream_sdk.search.bank import products

SHORTLIST = 1024  # of each layer's candidates, by their own score; the pairs of these are all looked at


def best_pairs(
    text: Tensor, back: Tensor, front: Tensor, *, k: int, seen: Sequence[tuple[Tensor, Tensor]] = ()
) -> tuple[Tensor, Tensor]:
    """The k backgrounds and k foregrounds that complete each other best for each row's text.

    A picture that shows two things has, roughly, the sum of their embeddings. So a pair is worth the cosine of the text
    with the sum of its two embeddings, and all pairs are looked at, at the price of two inner products and a Gram matrix.
    Ranking each layer alone instead would give both the same pictures, of whichever thing the text's embedding leans to.

    Args:
        text: (B, D), unit norm.
        back, front: mean view embeddings of the layers' candidates, (M, D) and (N, D), of any precision; one each for a
            fixed picture.
        k: how many of each; a layer with fewer candidates repeats its last.
        seen: for each row, which candidates it may use: (M,) and (N,); all by default.

    Returns:
        Indices (B, k) of backgrounds, those that go best with the best foreground, and of foregrounds likewise; best first.
    """
    found = []
    for row, words in enumerate(text.float()):
        behind, before = (
            _shortlist(words, some, seen[row][layer] if seen else None) for layer, some in enumerate((back, front))
        )
        a, b = back[behind].float(), front[before].float()
        lengths = (a.square().sum(1)[:, None] + b.square().sum(1)[None] + 2 * a @ b.T).clamp_min(1e-12).sqrt()
        worth = ((a @ words)[:, None] + (b @ words)[None]) / lengths
        i, j = divmod(int(worth.argmax()), worth.shape[1])
        found.append((_top(worth[:, j], behind, k), _top(worth[i], before, k)))
    return torch.stack([pair[0] for pair in found]), torch.stack([pair[1] for pair in found])


def _shortlist(words: Tensor, embeddings: Tensor, seen: Tensor | None) -> Tensor:
    """Indices of the candidates with the best scores of their own."""
    score = products(embeddings, words[None])[0]
    if seen is not None:
        score = torch.where(seen, score, -torch.inf)
    count = len(score) if seen is None else int(seen.sum())
    return score.topk(min(SHORTLIST, count)).indices


def _top(worth: Tensor, indices: Tensor, k: int) -> Tensor:
    best = indices[worth.topk(min(k, len(indices))).indices]
    return torch.cat([best, best[-1:].expand(k - len(best))])
