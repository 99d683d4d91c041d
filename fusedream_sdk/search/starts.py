"""Where a row begins: the k best of many sampled latents (section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fusedream_sdk.latents import Latents, concatenate, map_latents, select
from fusedream_sdk.models.checks import conditioned, draw_rows
from fusedream_sdk.protocols import Generator, Scorer
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.progress import Advance
from fusedream_sdk.scoring.augclip import Precision, fresh_score
from fusedream_sdk.scoring.prompt import PromptLike, as_prompt
from fusedream_sdk.scoring.target import Target, embed
from fusedream_sdk.scoring.views import Stream
from fusedream_sdk.search.bank import BLOCK, LatentBank, draw_block


def draw(generator: Generator, n: int, seed: int, prompt: PromptLike) -> Latents:
    """n latents for one prompt from one seed, at least the first of them the same whatever n is up to a block."""
    if conditioned(generator):
        return draw_rows(generator, n, torch.Generator().manual_seed(seed), as_prompt(prompt).subject)
    blocks = [draw_block(generator, seed, b) for b in range(-(-n // BLOCK))]
    return map_latents(lambda x: x[:n], concatenate(blocks))


def single_starts(generator: Generator, prompts: Sequence[PromptLike], seeds: Sequence[int]) -> Latents:
    """One drawn latent per row, as a basis of one: (B, 1, ...) each."""
    return map_latents(
        lambda x: x.unsqueeze(1),
        concatenate([select(draw(generator, 1, s, p), slice(0, 1)) for p, s in zip(prompts, seeds, strict=True)]),
    )


def bank_starts(
    generator: Generator,
    scorer: Scorer,
    bank: LatentBank,
    prompts: Sequence[PromptLike],
    seeds: Sequence[int],
    *,
    k: int,
    samples: int,
) -> Latents:
    """The best k of the bank for each row: (B, k, ...) each, best first."""
    index, _ = bank.top(embed(scorer, prompts), k, seeds=seeds, samples=samples)
    return bank.latents(generator, index)


def searched_starts(
    generator: Generator,
    target: Target,
    prompts: Sequence[PromptLike],
    seeds: Sequence[int],
    *,
    settings: Settings,
    precision: Precision,
    progress: Advance = lambda done, total: None,
) -> Latents:
    """The same by scoring every sample of every row: for rewards without embeddings and prompt-conditioned generators."""
    samples, views, count = settings.samples, settings.augment, settings.bank_views
    found = []
    for row, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True)):
        latents = draw(generator, samples, seed, prompt)
        scores: list[Tensor] = []
        with torch.no_grad(), precision():
            for start in range(0, samples, BLOCK):
                part = select(latents, slice(start, start + BLOCK))
                images = generator(part).float()
                ids = range(start, start + len(images))
                one = _RowTarget(target, row)
                scores.append(fresh_score(images, one, ids, views=views, count=count, stream=Stream.BANK))
                progress(row * samples + min(start + BLOCK, samples), len(seeds) * samples)
        best = torch.cat(scores).topk(settings.basis).indices
        found.append(map_latents(lambda x, best=best: x[best].unsqueeze(0), latents))
    return concatenate(found)


class _RowTarget:
    """A target that sees every picture as belonging to one row."""

    def __init__(self, target: Target, row: int) -> None:
        self.target, self.row, self.resolution = target, row, target.resolution

    def __call__(self, images: Tensor, row: Tensor) -> Tensor:
        return self.target(images, torch.full_like(row, self.row))
