"""What pictures are compared with: a prompt for every row, embedded once where the scorer has embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, PluginContractError
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.models.checks import device_of
from fusedream_sdk.protocols import Reward, Scorer
from fusedream_sdk.scoring.prompt import Prompt, PromptLike, Term, as_prompt


class Target(Protocol):
    """A prompt for every row, and how well pictures fit it."""

    @property
    def resolution(self) -> int: ...

    def __call__(self, images: Tensor, row: Tensor) -> Tensor:
        """(N, 3, R, R) and the row of each, (N,), to (N,), higher is better."""
        ...


class PromptTarget:
    """Cosine similarity with a prompt (eq. 1), the weighted mean of those with its parts; it is encoded once.

    Args:
        scorer: the dual encoder.
        prompts: one per row.
    """

    def __init__(self, scorer: Scorer, prompts: Sequence[PromptLike]) -> None:
        self.scorer = scorer
        self.resolution = scorer.resolution
        self.embeddings = embed(scorer, prompts)

    def __call__(self, images: Tensor, row: Tensor) -> Tensor:
        embedded = self.scorer.encode_image(images).float()
        return (embedded * self.embeddings[row]).sum(dim=1)


class RewardTarget:
    """A reward that is no inner product: of a prompt the weighted mean of its parts' scores.

    Raises:
        InvalidInput: a part is a picture, which only embeddings can be compared with.
    """

    def __init__(self, reward: Reward, prompts: Sequence[PromptLike]) -> None:
        self.reward = reward
        self.resolution = reward.resolution
        self.parts = [shared(as_prompt(prompt)) for prompt in prompts]
        if any(term.picture is not None for parts in self.parts for term, _ in parts):
            expected = "texts, as the scorer has no embeddings"
            raise InvalidInput("prompts", expected=expected, got="a picture", fix="Use a scorer with encode_image.")

    def __call__(self, images: Tensor, row: Tensor) -> Tensor:
        asked = [(i, term.text, share) for i, of in enumerate(row.tolist()) for term, share in self.parts[of]]
        index = torch.tensor([i for i, _, _ in asked], device=images.device)
        share = torch.tensor([share for _, _, share in asked], device=images.device)
        scores = self.reward.score(images[index], [text for _, text, _ in asked]).float()
        if scores.shape != share.shape:
            raise PluginContractError(f"scorer.score: expected shape {tuple(share.shape)}, got {tuple(scores.shape)}.")
        return scores.new_zeros(len(images)).index_add(0, index, scores * share)


def embed(scorer: Scorer, prompts: Sequence[PromptLike]) -> Tensor:
    """What pictures are compared with: of each prompt the weighted mean of its parts' unit vectors, (P, D).

    Every text and picture is encoded once. A picture is encoded as it is, without views: its centre square.
    """
    listed = [as_prompt(prompt) for prompt in prompts]
    unique = {term.text: term for prompt in listed for term in prompt.terms}
    texts = [text for text, term in unique.items() if term.picture is None]
    known: dict[str, Tensor] = {}
    with torch.no_grad():
        if texts:
            known |= zip(texts, scorer.encode_text(texts).float(), strict=True)
        for text, term in unique.items():
            if term.picture is not None:
                picture = shrink(term.picture[None].to(device_of(scorer)), scorer.resolution)
                known[text] = scorer.encode_image(picture).float()[0]
    return torch.stack([sum((known[t.text] * s for t, s in shared(p)), start=torch.zeros(())) for p in listed])


def shared(prompt: Prompt) -> list[tuple[Term, float]]:
    """The parts of a prompt, each with its share."""
    return list(zip(prompt.terms, prompt.shares(), strict=True))


def make_target(scorer: Scorer | Reward, prompts: Sequence[PromptLike]) -> PromptTarget | RewardTarget:
    """The target of a scorer or, where it has no embeddings, of a reward."""
    return PromptTarget(scorer, prompts) if isinstance(scorer, Scorer) else RewardTarget(scorer, prompts)
