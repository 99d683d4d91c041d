"""From a finished optimisation to a Result: a clean pass, fresh views, and the recipe."""

from __future__ import annotations

import torch
from torch import Tensor

from fusedream_sdk.latents import Latents, map_latents, select
from fusedream_sdk.latents import rows as count_rows
from fusedream_sdk.models.checks import device_of
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.optim.state import Outcome
from fusedream_sdk.protocols import Generator
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.recipe import ModelRecord, Recipe, Verb
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import Task
from fusedream_sdk.runtime.chunks import all_chunks
from fusedream_sdk.runtime.device import rows_alone
from fusedream_sdk.runtime.progress import Advance
from fusedream_sdk.scoring.augclip import fresh_score
from fusedream_sdk.scoring.views import NO_VIEWS, Stream, Views

RENDER_BATCH = 8  # on an accelerator


def record(loaded: Loaded) -> ModelRecord:
    """A model, for a recipe."""
    return ModelRecord(loaded.name, loaded.kind, loaded.fingerprint)


def make_recipe(engine: Engine, settings: Settings, verb: Verb) -> Recipe:
    """What is the same for every row of a run."""
    from fusedream_sdk import __version__

    return Recipe(
        verb=verb,
        version=__version__,
        generator=record(engine.generator),
        scorer=record(engine.scorer),
        dtype=str(engine.dtype).removeprefix("torch."),
        settings=settings,
        compiled=engine.compiles,
    )


def rendered_at_a_time(device: torch.device) -> int:
    """Pictures that are rendered at a time."""
    return 1 if rows_alone(device) else RENDER_BATCH


def render(generator: Generator, latents: Latents, progress: Advance = lambda done, total: None) -> Tensor:
    """Pictures of any number of latents, a few at a time, in full precision: (B, 3, H, W) on the CPU."""
    total = count_rows(latents)

    def some(rows: range) -> Tensor:
        images = generator(select(latents, slice(rows.start, rows.stop))).float().clamp(0, 1).cpu()
        progress(rows.stop, total)
        return images

    with torch.no_grad():
        return torch.cat(all_chunks(total, rendered_at_a_time(device_of(generator)), some))


def make_result(task: Task, outcome: Outcome, recipe: Recipe, progress: Advance = lambda done, total: None) -> Result:
    """Render the best point of each row without noise, and score the picture on views that nothing has seen."""
    latents, rows = outcome.best.latents, task.rows
    images = render(task.generator, latents)
    return Result(
        prompts=tuple(map(str, rows.prompts)),
        seeds=rows.seeds,
        images=images,
        latents=map_latents(lambda x: x.cpu(), latents),
        scores=report_scores(task, images, progress),
        best_step=outcome.best.step.cpu(),
        status=outcome.status,
        history=outcome.history,
        recipe=recipe,
    )


def report_scores(task: Task, images: Tensor, progress: Advance) -> dict[str, Tensor]:
    """What a result says of pictures (B, 3, H, W): AugCLIP over fresh views, the score of the picture itself, the judge's."""
    settings, rows = task.settings, task.rows
    on_device = images.to(task.engine.device)
    views = settings.augment if settings.augment.random else Views()  # so that runs on plain CLIP can be compared
    augclip = fresh_score(
        *(on_device, rows.target, rows.seeds),
        views=views,
        count=settings.report_views,
        stream=Stream.REPORT,
        progress=progress,
    )
    clip = fresh_score(on_device, rows.target, rows.seeds, views=NO_VIEWS, count=1, stream=Stream.REPORT)
    judge = task.engine.judge if settings.judge else None
    judged = None if judge is None else judge.scores(images, rows.prompts)
    return {"augclip": augclip.cpu(), "clip": clip.cpu(), **({} if judged is None else {"judge": judged})}
