"""Inversion: the latent whose picture is nearest to a given one, for any generator.

The loss is that of Image2StyleGAN: mean squared error of the pixels plus a perceptual distance. A GAN's loss has many
minima, so several latents are tried: those whose pictures are nearest among many, and what the generator's own encoder
says where it has one. Each takes a few steps; the best then goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from fusedream_sdk.imaging.pictures import PictureLike, read_pictures
from fusedream_sdk.inversion.likeness import InversionSettings, Likeness, cover_all, recommended_lr
from fusedream_sdk.inversion.result import Inversion, measure_psnr
from fusedream_sdk.latents import Latents, check_latents, concatenate, map_latents, project, rows, select
from fusedream_sdk.optim.loop import Selection, iterate, optimise
from fusedream_sdk.optim.optimisers import MakeOptimiser, adam
from fusedream_sdk.optim.parametrise import Direct
from fusedream_sdk.optim.state import State
from fusedream_sdk.optim.status import Status
from fusedream_sdk.protocols import Generator, Perceptual
from fusedream_sdk.run.recipe import Recipe, Verb
from fusedream_sdk.run.report import RENDER_BATCH, render
from fusedream_sdk.run.result import join_histories
from fusedream_sdk.runtime.chunks import run_chunks
from fusedream_sdk.runtime.device import Precision
from fusedream_sdk.runtime.memory import rows_that_fit
from fusedream_sdk.runtime.progress import Advance, bar
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.search.starts import draw_samples

NOTHING = Prompt.of(())  # what a generator that depends on a prompt is told


def invert(
    generator: Generator,
    pictures: PictureLike | Sequence[PictureLike],
    *,
    perceptual: Perceptual,
    settings: InversionSettings | None = None,
    starts: Latents | None = None,
    precision: Precision = nullcontext,
    budget: float | None = None,
    progress: bool = False,
) -> Inversion:
    """Find the latents whose pictures are nearest to given ones.

    Args:
        generator: any. Where it has `encode(images) -> latents`, that is one of the starts.
        pictures: one or several: files, Pillow images, or tensors (3, h, w) in [0, 1]. One of another size is scaled,
            antialiased, so that it covers the generator's canvas, and its centre is taken.
        perceptual: distance of two pictures, on the generator's device.
        settings: how.
        starts: (P, S, ...) each, S latents to try for each of the P pictures, in place of the nearest among those drawn.
        precision: context in which the models run.
        budget: bytes that the rows of a chunk may take; half of what is free by default.
        progress: show progress bars on stderr.

    Returns:
        One row per picture; a picture alone gives the same row. After Ctrl-C: the best so far.

    Raises:
        InvalidInput: a picture or a setting cannot be used. KeyboardInterrupt: while the starts were compared.

    References:
        Abdal, Qin & Wonka (2019). Image2StyleGAN: how to embed images into the StyleGAN latent space? arXiv:1904.03189.
    """
    settings = settings or InversionSettings()
    targets = cover_all(generator, read_pictures("pictures", pictures))
    likeness = Likeness(generator, targets, perceptual, settings, precision=precision)
    with bar("comparing", progress) as advance, torch.no_grad():
        begin = _starts(likeness, starts, advance)
    lr = settings.lr or recommended_lr(generator)
    if rows(begin) > len(targets):
        tried = _descend(likeness, begin, adam(lr), settings.trial, budget, ("trying", progress))
        begin = tried.nearest(len(targets))
        if Status.CANCELLED in tried.status:
            return _report(likeness, _Found(begin, tried.loss, (Status.CANCELLED,) * len(targets), {}))
    found = _descend(likeness, begin, adam(lr, falls_over=settings.steps), settings.steps, budget, ("inverting", progress))
    return _report(likeness, found)


def _starts(likeness: Likeness, given: Latents | None, progress: Advance) -> Latents:
    """Where each picture is tried from, at its encoding first where there is one: (P x S, ...) each, picture by picture."""
    generator, targets, settings = likeness.generator, likeness.targets, likeness.settings
    encode: Callable[[Tensor], Latents] | None = getattr(generator, "encode", None)
    encoded = None if encode is None else project(encode(targets), generator.space)
    if encoded is not None:
        check_latents(encoded, generator.space, argument="generator.encode")
    drawn = draw_samples(generator, settings.candidates, settings.seed, NOTHING) if given is None else None
    count = settings.starts - (encoded is not None)
    found: list[Latents] = []
    for row in range(len(targets)):
        if encoded is not None:
            found.append(select(encoded, slice(row, row + 1)))
        if given is not None:
            found.append(map_latents(lambda x, row=row: x[row, :count], given))
        elif count and drawn is not None:
            loss = _compare(likeness, drawn, row, progress)
            found.append(select(drawn, loss.topk(min(count, len(loss)), largest=False).indices))
    return concatenate(found)


def _compare(likeness: Likeness, latents: Latents, row: int, progress: Advance) -> Tensor:
    """The loss of every latent at one picture, a few at a time: (M,); a value that is not finite counts as the worst."""
    total, losses = rows(latents), []
    for first in range(0, total, RENDER_BATCH):
        part = select(latents, slice(first, first + RENDER_BATCH))
        losses.append(likeness.of([row] * rows(part))(part, step=0).primary)
        progress(row * total + first + rows(part), len(likeness.targets) * total)
    return torch.nan_to_num(torch.cat(losses), nan=torch.inf)


@dataclass(frozen=True)
class _Found:
    """The best points of some rows, picture by picture."""

    latents: Latents
    loss: Tensor
    status: tuple[Status, ...]
    history: dict[str, Tensor]

    def nearest(self, pictures: int) -> Latents:
        """Of the rows of each picture the one with the least loss."""
        loss = self.loss.view(pictures, -1)
        first = torch.arange(pictures, device=loss.device) * loss.shape[1]
        return select(self.latents, first + loss.argmin(dim=1))


def _descend(
    likeness: Likeness,
    starts: Latents,
    make_optimiser: MakeOptimiser,
    steps: int,
    budget: float | None,
    shown: tuple[str, bool],
) -> _Found:
    """Optimise every row, as many at a time as the memory holds; after Ctrl-C the other rows stay where they are."""
    total = rows(starts)
    owner = [row * len(likeness.targets) // total for row in range(total)]
    fit = total
    if total > 1:
        fit = rows_that_fit(lambda n: likeness.of(owner[:n]), select(starts, slice(0, 2)), budget)
    with bar(*shown) as advance:

        def descend(chunk: range) -> _Found:
            def seen(state: State) -> None:
                advance(chunk.start * (steps + 1) + len(chunk) * (state.step + 1), total * (steps + 1))

            some = slice(chunk.start, chunk.stop)
            direct = Direct(likeness.generator.space, select(starts, some))
            states = iterate(
                *(likeness.of(owner[some]), direct, direct.params),
                steps=steps,
                make_optimiser=make_optimiser,
                selection=Selection(every=1),
            )
            outcome = optimise(states, watch=seen)
            return _Found(outcome.best.latents, outcome.best.loss, outcome.status, outcome.history)

        parts, _ = run_chunks(total, fit, descend, stopped=lambda part: Status.CANCELLED in part.status)
    begun = sum(len(part.status) for part in parts)
    history = join_histories([part.history for part in parts]) if begun == total else {}
    parts += [_untouched(select(starts, slice(begun, None)))] if begun < total else []
    return _Found(
        concatenate([part.latents for part in parts]),
        torch.cat([part.loss for part in parts]),
        sum((part.status for part in parts), ()),
        history,
    )


def _untouched(starts: Latents) -> _Found:
    """Rows that had not begun when the run was cancelled."""
    count, device = rows(starts), next(iter(starts.values())).device
    return _Found(starts, torch.full((count,), torch.inf, device=device), (Status.CANCELLED,) * count, {})


def _report(likeness: Likeness, found: _Found) -> Inversion:
    """Render what was found, in full precision, and measure how near it is."""
    targets, latents = likeness.targets, found.latents
    images = render(likeness.generator, latents)
    distances = []
    with torch.no_grad():
        for first in range(0, len(targets), RENDER_BATCH):
            some = slice(first, first + RENDER_BATCH)
            distances.append(likeness.perceptual(images[some].to(targets.device), targets[some]).float())
    return Inversion(
        targets=targets.cpu(),
        images=images,
        latents=map_latents(lambda x: x.cpu(), latents),
        psnr=measure_psnr(images, targets.cpu()),
        perceptual=torch.cat(distances).cpu(),
        status=found.status,
        history=found.history,
        recipe=Recipe(Verb.INVERT, inversion=likeness.settings.to_json()),
    )
