"""What pictures are compared with: a prompt for every row, embedded once where the scorer has embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, PluginContractError
from fusedream_sdk.imaging.resize import shrink, shrink_views
from fusedream_sdk.models.checks import device_of
from fusedream_sdk.models.compiled import as_it_is
from fusedream_sdk.models.ensemble import RewardEnsemble, reads_prompt
from fusedream_sdk.models.weighted import VALUES, VARIANTS, PlainViews
from fusedream_sdk.protocols import Reward, Scorer
from fusedream_sdk.scoring.prompt import PromptLike, Term, as_prompt
from fusedream_sdk.scoring.views import NO_VIEWS, Views


class Target(Protocol):
    """A prompt for every row, and how well pictures fit it."""

    @property
    def resolution(self) -> int:
        """Side of the square images that it reads, in pixels."""
        ...

    def take(self, index: Sequence[int]) -> Target:
        """The rows at `index`, in its order."""
        ...

    def __call__(self, images: Tensor, row: Tensor) -> Tensor:
        """(N, 3, R, R) and the row of each, (N,), to (N,), higher is better."""
        ...


@dataclass(frozen=True)
class PromptTarget:
    """Cosine similarity with a prompt (eq. 1), the weighted mean of those with its parts.

    Attributes:
        scorer: the dual encoder.
        embeddings: what pictures are compared with, from `embed`: (P, D), one per row.
    """

    scorer: Scorer
    embeddings: Tensor

    @property
    def resolution(self) -> int:
        """Of the scorer."""
        return self.scorer.resolution

    def take(self, index: Sequence[int]) -> PromptTarget:
        """The rows at `index`, in its order; nothing is encoded again."""
        return PromptTarget(self.scorer, self.embeddings[list(index)])

    def seen_by(self, scorer: Scorer) -> PromptTarget:
        """The same, with the scorer in another form: compiled, or watched."""
        return PromptTarget(scorer, self.embeddings)

    def __call__(self, images: Tensor, row: Tensor) -> Tensor:
        embedded = self.scorer.encode_image(images).float()
        return (embedded * self.embeddings[row]).sum(dim=1)


@dataclass(frozen=True)
class RewardTarget:
    """A reward that is no inner product: of a prompt the weighted mean of its parts' scores.

    A reward that says `reads_prompt = False` is asked once for each picture: what it says does not depend on the parts, so
    it is no mean of theirs.

    Attributes:
        reward: says how well a picture fits a text.
        parts: of each row's prompt, with their shares.

    Raises:
        InvalidInput: a part is a picture, which only embeddings can be compared with.
    """

    reward: Reward
    parts: tuple[tuple[tuple[Term, float], ...], ...]

    def __post_init__(self) -> None:
        if reads_prompt(self.reward) and any(term.picture is not None for parts in self.parts for term, _ in parts):
            expected = "texts, as the scorer has no embeddings"
            raise InvalidInput("prompts", expected=expected, got="a picture", fix="Use a scorer with encode_image.")

    @property
    def resolution(self) -> int:
        """Of the reward."""
        return self.reward.resolution

    def take(self, index: Sequence[int]) -> RewardTarget:
        """The rows at `index`, in its order."""
        return RewardTarget(self.reward, tuple(self.parts[i] for i in index))

    def seen_by(self, scorer: Reward) -> RewardTarget:
        """The same, with the reward in another form: compiled, or watched."""
        return RewardTarget(scorer, self.parts)

    @property
    def by_views(self) -> list[tuple[PlainViews, RewardTarget]]:
        """Targets whose scores add up to its own, each with the views of its own, if it has any."""
        reward = as_it_is(self.reward)
        if not isinstance(reward, RewardEnsemble) or list(reward.by_views) == [None]:
            return [(None, self)]
        return [(own, self.seen_by(part)) for own, part in reward.by_views.items()]

    def __call__(self, images: Tensor, row: Tensor) -> Tensor:
        reward = as_it_is(self.reward)
        if isinstance(reward, RewardEnsemble) and len(reward.by_reading) > 1:
            parts = [self.seen_by(part) for part in reward.by_reading.values()]
            return reduce(torch.add, [part(shrink_views(images, part.resolution), row) for part in parts])
        of_rows = self.parts if reads_prompt(reward) else [((parts[0][0], 1.0),) for parts in self.parts]
        asked = [(i, term.text, share) for i, of in enumerate(row.tolist()) for term, share in of_rows[of]]
        index = torch.tensor([i for i, _, _ in asked], device=images.device)
        share = torch.tensor([share for _, _, share in asked], device=images.device)
        scores = self.reward.score(images[index], [text for _, text, _ in asked]).float()
        if scores.shape != share.shape:
            raise PluginContractError(f"scorer.score: expected shape {tuple(share.shape)}, got {tuple(scores.shape)}.")
        return scores.new_zeros(len(images)).index_add(0, index, scores * share)


def by_views(target: Target, views: Views) -> list[tuple[Views, Target]]:
    """Targets whose scores add up to that of a target, each with the views on which it is scored: its own, or these."""
    if not isinstance(target, RewardTarget):
        return [(views, target)]
    return [(views if own is None else as_views(own), part) for own, part in target.by_views]


def as_views(plain: bool | tuple[bool | float, ...]) -> Views:
    """Views from plain values: False is the picture itself. Raises InvalidInput for a value that cannot be used."""
    if isinstance(plain, bool):
        return NO_VIEWS
    values: Any = plain[:VALUES]
    variant: Any = VARIANTS[int(plain[VALUES])] if len(plain) > VALUES else VARIANTS[0]
    return Views(*values, variant=variant)


def make_target(scorer: Scorer | Reward, prompts: Sequence[PromptLike]) -> PromptTarget | RewardTarget:
    """A target of prompts, one per row, which the scorer reads here, each part once; or, without embeddings, a reward's."""
    if isinstance(scorer, Scorer):
        return PromptTarget(scorer, embed(scorer, prompts))
    return RewardTarget(scorer, tuple(tuple(as_prompt(prompt).shared()) for prompt in prompts))


def embed(scorer: Scorer, prompts: Sequence[PromptLike]) -> Tensor:
    """What pictures are compared with: of each prompt the weighted mean of its parts' unit vectors, (P, D).

    Every text and picture is encoded once, and alone: beside others it would be rounded otherwise. A picture is encoded as
    it is, without views: its centre square.
    """
    listed = [as_prompt(prompt) for prompt in prompts]
    unique = {term.text: term for prompt in listed for term in prompt.terms}
    texts = [text for text, term in unique.items() if term.picture is None]
    known: dict[str, Tensor] = {}
    with torch.no_grad():
        known |= {text: scorer.encode_text([text]).float()[0] for text in texts}
        for text, term in unique.items():
            if term.picture is not None:
                picture = shrink(term.picture[None].to(device_of(scorer)), scorer.resolution)
                known[text] = scorer.encode_image(picture).float()[0]
    return torch.stack([sum((known[t.text] * s for t, s in p.shared()), start=torch.zeros(())) for p in listed])
