"""Inversion: the latent whose picture is nearest to a given one, for any generator.

The loss is that of Image2StyleGAN: mean squared error of the pixels plus a perceptual distance. A GAN's loss has many
minima, so several latents are tried: those whose pictures are nearest among many, and what the generator's own encoder
says where it has one. Each takes a few steps; the best then goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from fusedream_sdk.runtime.checks import check_flag, check_function, check_kind, positive
from fusedream_sdk.runtime.chunks import all_chunks, run_chunks
from fusedream_sdk.runtime.device import Precision, rows_alone
from fusedream_sdk.runtime.memory import rows_that_fit
from fusedream_sdk.runtime.progress import Advance, bar
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.search.starts import draw_samples

NOTHING = Prompt.of(())  # what a generator that depends on a prompt is told

Watch = Callable[[State], None]
"""Called with every state of a search for one picture."""


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
        One row per picture; a picture alone gives the same row. After Ctrl-C: the best so far, of the pictures that had begun.

    Raises:
        InvalidInput: a picture or a setting cannot be used. KeyboardInterrupt: before the first picture had anything to give.

    References:
        Abdal, Qin & Wonka (2019). Image2StyleGAN: how to embed images into the StyleGAN latent space? arXiv:1904.03189.
    """
    check_kind("generator", generator, Generator, "an object with the members of Generator", "See fd.load_generator.")
    check_function("perceptual", perceptual, "a function of two pictures")
    fix = "fd.InversionSettings(steps=200), say."
    check_kind("settings", settings, (InversionSettings, type(None)), "InversionSettings", fix)
    check_kind("starts", starts, (Mapping, type(None)), "latents by their names, or None")
    check_flag("progress", progress)
    budget = None if budget is None else positive("budget", budget)
    settings = settings or InversionSettings()
    targets = cover_all(generator, read_pictures("pictures", pictures))
    likeness = Likeness(generator, targets, perceptual, settings, precision=precision)

    def one(row: range) -> Inversion:
        where = "" if len(targets) == 1 else f" {row.stop} of {len(targets)}"
        begin = None if starts is None else select(starts, slice(row.start, row.stop))
        return invert_one(likeness.of([row.start]), begin, budget, (where, progress))

    parts, _ = run_chunks(len(targets), 1, one, stopped=lambda part: Status.CANCELLED in part.status)
    if not parts:
        raise KeyboardInterrupt
    return Inversion.concatenate(parts)


def invert_one(
    likeness: Likeness, starts: Latents | None, budget: float | None, shown: tuple[str, bool], watch: Watch = lambda state: None
) -> Inversion:
    """The one picture of a likeness: compare, try, and go on from the best.

    Args:
        likeness: to one picture.
        starts: latents to try, (1, S, ...) each, or None. budget: as of `invert`.
        shown: which picture it is, in words, and whether progress bars are shown.
        watch: called with every state; while several starts are tried, each is a row of it.

    Raises:
        KeyboardInterrupt: before it had anything to give.
    """
    generator, settings, (where, progress) = likeness.generator, likeness.settings, shown
    with bar(f"comparing{where}", progress) as advance, torch.no_grad():
        begin = _starts(likeness, starts, advance)
    lr = settings.lr or recommended_lr(generator)
    if rows(begin) > 1:
        tried = _descend(likeness, begin, adam(lr), settings.trial, budget, (f"trying{where}", progress), watch)
        begin = tried.nearest()
        if Status.CANCELLED in tried.status:
            return _report(likeness, _Found(begin, tried.loss, (Status.CANCELLED,), {}))
    make = adam(lr, falls_over=settings.steps)
    return _report(likeness, _descend(likeness, begin, make, settings.steps, budget, (f"inverting{where}", progress), watch))


def _starts(likeness: Likeness, given: Latents | None, progress: Advance) -> Latents:
    """Where the picture is tried from, at its encoding first where there is one: (S, ...) each."""
    generator, settings, found = likeness.generator, likeness.settings, []
    encode: Callable[[Tensor], Latents] | None = getattr(generator, "encode", None)
    if encode is not None:
        found.append(project(encode(likeness.targets), generator.space))
        check_latents(found[0], generator.space, argument="generator.encode")
    count = settings.starts - len(found)
    if given is not None:
        found.append(map_latents(lambda x: x[0, :count], given))
    elif count:
        drawn = draw_samples(generator, settings.candidates, settings.seed, NOTHING)
        loss = _compare(likeness, drawn, progress)
        found.append(select(drawn, loss.topk(min(count, len(loss)), largest=False).indices))
    return concatenate(found)


def _compare(likeness: Likeness, latents: Latents, progress: Advance) -> Tensor:
    """The loss of every latent, a few at a time: (M,); a value that is not finite counts as the worst."""
    total = rows(latents)

    def some(chunk: range) -> Tensor:
        loss = likeness.of([0] * len(chunk))(select(latents, slice(chunk.start, chunk.stop)), step=0).primary
        progress(chunk.stop, total)
        return loss

    return torch.nan_to_num(torch.cat(all_chunks(total, RENDER_BATCH, some)), nan=torch.inf)


@dataclass(frozen=True)
class _Found:
    """The best points of some starts."""

    latents: Latents
    loss: Tensor
    status: tuple[Status, ...]
    history: dict[str, Tensor]

    def nearest(self) -> Latents:
        """The one with the least loss, as the only row."""
        return select(self.latents, [int(self.loss.argmin())])


def _descend(
    likeness: Likeness,
    starts: Latents,
    make_optimiser: MakeOptimiser,
    steps: int,
    budget: float | None,
    shown: tuple[str, bool],
    watch: Watch,
) -> _Found:
    """Optimise every start, as many at a time as the memory holds; after Ctrl-C the others stay where they are."""
    total, fit = rows(starts), 1
    if total > 1 and not rows_alone(likeness.targets.device):
        fit = rows_that_fit(lambda n: likeness.uncompiled.of([0] * n), select(starts, slice(0, 2)), budget)
    with bar(*shown) as advance:

        def descend(chunk: range) -> _Found:
            def seen(state: State) -> None:
                done = chunk.start * (steps + 1) + len(chunk) * (state.step + 1)
                advance(done, total * (steps + 1), lambda: least_so_far(state))
                watch(state)

            direct = Direct(likeness.generator.space, select(starts, slice(chunk.start, chunk.stop)))
            states = iterate(
                *(likeness.of([0] * len(chunk)), direct, direct.params),
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


def least_so_far(state: State) -> str:
    """For a progress bar: the least loss of all starts so far."""
    scores = state.best.scores
    return f"loss {-max(scores):.3f}" if scores else ""


def _untouched(starts: Latents) -> _Found:
    """Rows that had not begun when the run was cancelled."""
    count, device = rows(starts), next(iter(starts.values())).device
    return _Found(starts, torch.full((count,), torch.inf, device=device), (Status.CANCELLED,) * count, {})


def _report(likeness: Likeness, found: _Found) -> Inversion:
    """Render what was found, in full precision, and measure how near it is."""
    targets, latents = likeness.targets, found.latents
    images = render(likeness.generator, latents)
    with torch.no_grad():
        distance = likeness.perceptual(images.to(targets.device), targets).float()
    return Inversion(
        targets=targets.cpu(),
        images=images,
        latents=map_latents(lambda x: x.cpu(), latents),
        psnr=measure_psnr(images, targets.cpu()),
        perceptual=distance.cpu(),
        status=found.status,
        history=found.history,
        recipe=Recipe(Verb.INVERT, inversion=likeness.settings.to_json()),
    )
