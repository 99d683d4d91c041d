"""Where a row begins: the k best of many sampled latents (section 3.2), or what is drawn from its seed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fusedream_sdk.latents import Latents, concatenate, map_latents, select
from fusedream_sdk.models.checks import conditioned, draw_rows
from fusedream_sdk.protocols import Generator
from fusedream_sdk.runtime.chunks import all_chunks
from fusedream_sdk.runtime.device import Precision
from fusedream_sdk.runtime.progress import Advance
from fusedream_sdk.scoring.augclip import fresh_score
from fusedream_sdk.scoring.prompt import PromptLike, as_prompt
from fusedream_sdk.scoring.target import Target
from fusedream_sdk.scoring.views import Stream, Views
from fusedream_sdk.search.bank import BLOCK, draw_block
from fusedream_sdk.search.ranks import Found


def draw_samples(generator: Generator, n: int, seed: int, prompt: PromptLike) -> Latents:
    """n latents for one prompt from one seed, at least the first of them the same whatever n is up to a block."""
    if conditioned(generator):
        return draw_rows(generator, n, torch.Generator().manual_seed(seed), as_prompt(prompt).subject)
    blocks = [draw_block(generator, seed, b) for b in range(-(-n // BLOCK))]
    return map_latents(lambda x: x[:n], concatenate(blocks))


def drawn_starts(generator: Generator, prompts: Sequence[PromptLike], seeds: Sequence[int], *, k: int = 1) -> Latents:
    """k latents per row, drawn from its seed: (B, k, ...) each."""
    drawn = [map_latents(lambda x: x[:k], draw_samples(generator, k, s, p)) for p, s in zip(prompts, seeds, strict=True)]
    return map_latents(lambda x: x.unflatten(0, (len(seeds), k)), concatenate(drawn))


def gaussian_starts(generator: Generator, prompts: Sequence[PromptLike], seeds: Sequence[int]) -> Latents:
    """One latent per row, N(0, 1) in every coordinate and put inside the constraints: (B, 1, ...) each.

    What is frozen is drawn as the generator draws it. Of BigGAN's class embedding this is the rival of a sampled class
    (figure 12 of the paper).
    """
    starts = drawn_starts(generator, prompts, seeds)
    draws = [torch.Generator().manual_seed(seed) for seed in seeds]
    for name, spec in generator.space.items():
        if not spec.frozen:
            noise = torch.stack([torch.randn(1, *spec.shape, generator=rng) for rng in draws]).to(starts[name])
            starts[name] = spec.constraint.project(noise)
    return starts


def searched_starts(
    generator: Generator,
    target: Target,
    prompts: Sequence[PromptLike],
    seeds: Sequence[int],
    *,
    k: int,
    samples: int,
    views: tuple[Views, int],
    run: tuple[Precision, Advance],
) -> Latents:
    """The k best of a row's samples: (B, k, ...) each, best first. Arguments as of `search_samples`."""
    how = {"samples": samples, "views": views, "run": run}
    return search_samples(generator, target, prompts, seeds, ranks=range(k), **how).latents


def search_samples(
    generator: Generator,
    target: Target,
    prompts: Sequence[PromptLike],
    seeds: Sequence[int],
    *,
    ranks: Sequence[int],
    samples: int,
    views: tuple[Views, int],
    run: tuple[Precision, Advance],
) -> Found:
    """Some of a row's samples, each of which is scored, by their places among them.

    For rewards without embeddings and generators that depend on the prompt, which no bank can serve.

    Args:
        generator: that draws.
        target: of the rows.
        prompts, seeds: of each row.
        ranks: the places that are wanted, 0 the best.
        samples: how many a row sees.
        views: their distribution, and how many are averaged for each sample.
        run: context in which the models run, and what is told of the progress.
    """
    precision, progress = run
    found: list[Latents] = []
    index, scores = [], []
    for row, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True)):
        latents = draw_samples(generator, samples, seed, prompt)

        def some(ids: range, row: int = row, latents: Latents = latents) -> Tensor:
            images, one = generator(select(latents, slice(ids.start, ids.stop))).float(), target.take([row] * len(ids))
            score = fresh_score(images, one, ids, views=views[0], count=views[1], stream=Stream.BANK)
            progress(row * samples + ids.stop, len(seeds) * samples)
            return score

        with torch.no_grad(), precision():
            best = torch.cat(all_chunks(samples, BLOCK, some)).topk(max(ranks) + 1)
        chosen = best.indices[list(ranks)]
        found.append(map_latents(lambda x, chosen=chosen: x[chosen].unsqueeze(0), latents))
        index.append(chosen.cpu())
        scores.append(best.values[list(ranks)].float().cpu())
    return Found(concatenate(found), torch.stack(index), torch.stack(scores))
