"""From a finished optimisation to a Result: a clean pass, fresh views, and the recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from fusedream_sdk.latents import Latents, map_latents, select
from fusedream_sdk.latents import rows as count_rows
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.optim.loop import Outcome
from fusedream_sdk.protocols import Generator, Reward, Scorer
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring.augclip import fresh_score
from fusedream_sdk.scoring.prompt import PromptLike
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import NO_VIEWS, Stream, Views

RENDER_BATCH = 8

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


def make_recipe(generator: Loaded, scorer: Loaded, settings: Settings, dtype: torch.dtype) -> dict[str, Any]:
    """What `replay` needs, but for the prompt and the seed of a row."""
    from fusedream_sdk import __version__

    return {
        "method": "generate",
        "version": __version__,
        "generator": generator.describe(),
        "scorer": scorer.describe(),
        "dtype": str(dtype).removeprefix("torch."),
        "settings": settings.to_json(),
    }


def render(generator: Generator, latents: Latents, progress: Progress = lambda done, total: None) -> torch.Tensor:
    """Pictures of any number of latents, a few at a time, in full precision: (B, 3, H, W) on the CPU."""
    parts: list[torch.Tensor] = []
    total = count_rows(latents)
    with torch.no_grad():
        for i in range(0, total, RENDER_BATCH):
            parts.append(generator(select(latents, slice(i, i + RENDER_BATCH))).float().clamp(0, 1).cpu())
            progress(min(i + RENDER_BATCH, total), total)
    return torch.cat(parts)


def make_result(
    generator: Generator,
    scorer: Scorer | Reward,
    prompts: Sequence[PromptLike],
    seeds: Sequence[int],
    outcome: Outcome,
    settings: Settings,
    recipe: dict[str, Any],
    progress: Progress = lambda done, total: None,
) -> Result:
    """Render the best point of each row without noise, and score the picture on views that nothing has seen."""
    latents = outcome.best.latents
    images = render(generator, latents)
    device = next(iter(latents.values())).device
    target = make_target(scorer, prompts)
    on_device = images.to(device)
    views = settings.augment if settings.augment.random else Views()  # so that runs on plain CLIP can be compared
    scores = {
        "augclip": fresh_score(
            *(on_device, target, seeds),
            views=views,
            count=settings.report_views,
            stream=Stream.REPORT,
            progress=progress,
        ),
        "clip": fresh_score(on_device, target, seeds, views=NO_VIEWS, count=1, stream=Stream.REPORT),
    }
    return Result(
        prompts=tuple(map(str, prompts)),
        seeds=tuple(seeds),
        images=images,
        latents=map_latents(lambda x: x.cpu(), latents),
        scores={name: x.cpu() for name, x in scores.items()},
        best_step=outcome.best.step.cpu(),
        status=outcome.status,
        history=outcome.history,
        recipe=recipe,
    )
