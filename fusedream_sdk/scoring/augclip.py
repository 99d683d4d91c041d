"""What is maximised: the score of a picture, averaged over random views (AugCLIP, eq. 3), or as it is (CLIP, eq. 1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import KW_ONLY, dataclass, field
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.latents import Latents
from fusedream_sdk.protocols import Evaluation, Generator
from fusedream_sdk.runtime.bounds import SETTINGS, VIEWS
from fusedream_sdk.runtime.checks import check_kind, check_seeds
from fusedream_sdk.runtime.device import Precision
from fusedream_sdk.runtime.progress import Advance
from fusedream_sdk.runtime.randomness import NOISE, keyed
from fusedream_sdk.scoring.parts import in_parts
from fusedream_sdk.scoring.target import Target, by_views
from fusedream_sdk.scoring.views import NO_VIEWS, Stream, Views

Penalty = Callable[[Latents], Tensor]
"""Latents to (B,), added to the primary loss: ReNO's norm of the noise, for instance."""


@dataclass(frozen=True)
class AugCLIP:
    """Minus the mean score over random views (eq. 3). With `NO_VIEWS` it is plain CLIP (eq. 1).

    Args:
        generator: latents to images.
        target: what the images should match, row by row.
        seeds: one per row; with the step they name the views and the noise.
        views: the distribution of views, for all scorers that have none of their own.
        count: views per picture and step, at least 1; with `NO_VIEWS` there is one, the picture.
        noise: standard deviation of Gaussian noise on the latents that may be mixed (0.01 in the public code).
        penalties: name -> function of the latents, added to the loss.
        stream: what the views are for.
        precision: context in which the models run.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573.
        Radford et al. (2021). Learning transferable visual models from natural language supervision. arXiv:2103.00020.
    """

    generator: Generator
    target: Target
    seeds: Sequence[int]
    _: KW_ONLY
    views: Views = Views()
    count: int = 16
    noise: float = 0.0
    penalties: Mapping[str, Penalty] = field(default_factory=dict)
    stream: Stream = Stream.OPTIMISE
    precision: Precision = nullcontext

    def __post_init__(self) -> None:
        check_kind("views", self.views, Views, "Views", "Give NO_VIEWS for none.")
        object.__setattr__(self, "count", VIEWS.check("count", self.count, "The default is 16."))
        object.__setattr__(self, "noise", SETTINGS["noise"].check("noise", self.noise, "The default is 0."))
        check_kind("penalties", self.penalties, Mapping, "names with functions of latents", "Give a dictionary.")
        check_seeds(self.seeds)

    def __call__(self, latents: Latents, *, step: int) -> Evaluation:
        noisy = self.perturb(latents, step=step)
        with self.precision():
            images = self.generator(noisy).float()
            loss = -self.score(images, step=step)
        for penalty in self.penalties.values():
            loss = loss + penalty(noisy)
        return Evaluation(latents=noisy, images=images, losses={"augclip": loss})

    def score(self, images: Tensor, *, step: int) -> Tensor:
        """AugCLIP of pictures as they are: (B, 3, H, W) in [0, 1] to (B,), higher is better.

        Where some of several scorers have views of their own, each is averaged over its own, and the averages are added.
        """
        return reduce(torch.add, [self._mean(images, *each, step=step) for each in by_views(self.target, self.views)])

    def _mean(self, images: Tensor, views: Views, target: Target, *, step: int) -> Tensor:
        """The mean score over views of one kind, (B,)."""
        count = self.count if views.random else 1

        def total(images: Tensor, part: slice) -> Tensor:
            seen = {"seeds": self.seeds, "step": step, "count": count, "stream": self.stream, "part": part}
            drawn = views.seen(images, target.resolution, **seen)
            row = torch.arange(len(images), device=images.device).repeat_interleave(len(drawn) // len(images))
            return target(drawn, row).view(len(images), -1).sum(dim=1)

        if not views.at_full_resolution:
            images = shrink(images, target.resolution)  # once for all parts
        return in_parts(total, images, count) / count

    def perturb(self, latents: Latents, *, step: int) -> Latents:
        """Seeded noise on every latent that may be mixed, row by row; the latents themselves where there is none."""
        if not self.noise:
            return latents
        out = dict(latents)
        draws = [keyed(seed, NOISE + step) for seed in self.seeds]
        for name, x in latents.items():
            if self.generator.space[name].mixes:
                noise = np.stack([d.standard_normal(x.shape[1:], dtype=np.float32) for d in draws])
                out[name] = x + self.noise * torch.from_numpy(noise).to(x.device, x.dtype)
        return out


def plain_clip(generator: Generator, target: Target, seeds: Sequence[int]) -> AugCLIP:
    """The objective of eq. 1: the score of the picture itself."""
    return AugCLIP(generator, target, seeds, views=NO_VIEWS, count=1)


def fresh_score(
    images: Tensor,
    target: Target,
    seeds: Sequence[int],
    *,
    views: Views,
    count: int,
    stream: Stream,
    chunk: int = 256,
    progress: Advance = lambda done, total: None,
) -> Tensor:
    """AugCLIP of given pictures over views of another stream, without gradient, a few at a time: (B,).

    With `NO_VIEWS` it is the score of the pictures themselves, whatever views some scorers have of their own.
    """
    each = by_views(target, views) if views.random else [(views, target)]

    def mean(i: int, views: Views, target: Target) -> Tensor:
        one, number = images[i : i + 1], count if views.random else 1
        drawn = views.seen(one, target.resolution, seeds=[seeds[i]], step=0, count=number, stream=stream)
        row = torch.full((len(drawn),), i, device=images.device)
        return torch.cat([target(drawn[a : a + chunk], row[a : a + chunk]) for a in range(0, len(drawn), chunk)]).mean()

    scores = []
    for i in range(len(images)):
        with torch.no_grad():
            scores.append(reduce(torch.add, [mean(i, *one) for one in each]))
        progress(i + 1, len(images))
    return torch.stack(scores)


def reno_norm(name: str, weight: float = 0.01) -> Penalty:
    """Keeps a Gaussian latent's norm likely: weight * (|z|^2 / 2 - (d - 1) ln |z|) (ReNO, Eyring et al., 2024).

    References:
        Eyring et al. (2024). ReNO: enhancing one-step text-to-image models through reward-based noise optimization.
        arXiv:2406.04312.
    """

    def penalty(latents: Latents) -> Tensor:
        z = latents[name].flatten(1)
        square = z.square().sum(dim=1)
        return weight * (square / 2 - (z.shape[1] - 1) * square.clamp_min(1e-12).log() / 2)

    return penalty
