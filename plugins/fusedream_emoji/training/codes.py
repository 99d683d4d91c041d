"""A codebook that follows the encoder: moving averages of the features that choose each code."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

DECAY = 0.99  # van den Oord et al. 2017, appendix A.1
DEAD = 0.1  # a code that is chosen less often in a batch, on average, is revived


@dataclass
class Codes:
    """`book` (N, D), and moving averages of how often each code is chosen, (N,), and of the sum of those features, (N, D)."""

    book: Tensor
    counts: Tensor
    sums: Tensor

    @classmethod
    def of(cls, book: Tensor) -> Codes:
        """Start from a codebook, which is then changed in place; every code is dead, so that the first update fills it."""
        return cls(book, torch.zeros(len(book)), torch.zeros_like(book))

    @torch.no_grad()
    def update(self, features: Tensor, index: Tensor, rng: torch.Generator) -> None:
        """Move to a batch's features, and give dead codes a feature at random (Dhariwal et al. 2020, appendix B.1).

        Args:
            features: (B, D, h, w), as the quantiser reads them.
            index: (B, h, w), the codes that they chose.
            rng: chooses the features for dead codes.
        """
        flat = features.detach().float().movedim(1, -1).flatten(0, 2)
        chosen = index.flatten()
        self.counts.lerp_(chosen.bincount(minlength=len(self.book)).float(), 1 - DECAY)
        self.sums.lerp_(torch.zeros_like(self.sums).index_add_(0, chosen, flat), 1 - DECAY)
        dead = (self.counts < DEAD).nonzero().flatten()
        drawn = torch.randint(len(flat), (len(dead),), generator=rng)
        self.counts[dead], self.sums[dead] = 1.0, flat[drawn]
        self.book.copy_(self.sums / self.counts[:, None])

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint holds, beyond the book."""
        return {"counts": self.counts, "sums": self.sums}


def perplexity(index: Tensor, size: int) -> float:
    """How many codes are in use, evenly counted: the exponential of the entropy of the choices, from 1 to `size`."""
    share = index.flatten().bincount(minlength=size).float() / index.numel()
    return float(torch.exp(-(share * torch.log(share.clamp_min(1e-10))).sum()))
