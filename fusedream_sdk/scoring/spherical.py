"""The squared angle between a picture and its prompt, in place of their cosine: the loss of VQGAN-CLIP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from fusedream_sdk.protocols import Scorer
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.scoring.target import PromptTarget, Target, embed


@dataclass(frozen=True)
class SphericalTarget:
    """Minus half the squared angle to a prompt, the weighted sum of those to its parts: 0 where they are one.

    The angle to a sum of unit vectors is not the sum of the angles, so each part keeps a vector of its own.

    Attributes:
        scorer: the dual encoder.
        embeddings: unit vectors of each row's parts, (B, P, D); of a row with fewer than P the rest are zeros.
        shares: of the parts, (B, P), 0 where there is none.

    References:
        Crowson et al. (2022). VQGAN-CLIP: open domain image generation and editing with natural language guidance.
        arXiv:2204.08583. github.com/nerdyrodent/VQGAN-CLIP, `generate.py`: 2 arcsin(|a - b| / 2)^2 of unit vectors.
    """

    scorer: Scorer
    embeddings: Tensor
    shares: Tensor

    @property
    def resolution(self) -> int:
        """Of the scorer."""
        return self.scorer.resolution

    def take(self, index: Sequence[int]) -> SphericalTarget:
        """The rows at `index`, in its order; nothing is encoded again."""
        return SphericalTarget(self.scorer, self.embeddings[list(index)], self.shares[list(index)])

    def __call__(self, images: Tensor, row: Tensor) -> Tensor:
        embedded = self.scorer.encode_image(images).float()
        apart = (embedded.unsqueeze(1) - self.embeddings[row]).norm(dim=2)
        halves = (apart / 2).clamp_max(1 - 1e-6).arcsin()  # of the angles; beyond a straight one there is none
        return -(2 * halves.square() * self.shares[row]).sum(dim=1)


def spherical(target: Target, prompts: Sequence[Prompt]) -> Target:
    """A target of the same prompts by angles; as it is where it has no embeddings.

    The texts of a prompt with several parts are encoded again, each alone: a `PromptTarget` knows their mean.
    """
    if not isinstance(target, PromptTarget):
        return target
    rows = [_parts(target, row, prompt) for row, prompt in enumerate(prompts)]
    most = max(len(shares) for _, shares in rows)
    embeddings = target.embeddings.new_zeros(len(rows), most, target.embeddings.shape[1])
    shares = target.embeddings.new_zeros(len(rows), most)
    for row, (vectors, own) in enumerate(rows):
        embeddings[row, : len(own)], shares[row, : len(own)] = vectors, torch.tensor(own)
    return SphericalTarget(target.scorer, embeddings, shares)


def _parts(target: PromptTarget, row: int, prompt: Prompt) -> tuple[Tensor, list[float]]:
    """Unit vectors (P, D) of a row's parts, and their shares."""
    if len(prompt.terms) == 1:
        return target.embeddings[row : row + 1], prompt.shares()
    alone = [Prompt.of([replace(term, weight=1.0)]) for term in prompt.terms]
    return embed(target.scorer, alone), prompt.shares()
