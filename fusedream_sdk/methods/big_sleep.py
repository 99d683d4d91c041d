"""Big Sleep: BigGAN steered by CLIP, a latent for each of its layers, as lucidrains' package runs Ryan Murdock's idea."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Box, Latents, Space, firsts
from fusedream_sdk.methods.base import Method, as_published
from fusedream_sdk.optim.loop import Selection
from fusedream_sdk.protocols import Params
from fusedream_sdk.run.settings import OF_A_SEARCH
from fusedream_sdk.run.task import Task, augclip, drawn, held_out
from fusedream_sdk.runtime.checks import check_count, positive
from fusedream_sdk.scoring.augclip import AugCLIP, Penalty
from fusedream_sdk.scoring.views import BIG_SLEEP_CUTOUTS

LATENT, CLASSES = "z", "classes"
LOGIT_MEAN, LOGIT_SPREAD = -3.9, 0.3  # of the classes at the beginning
SCORE = 100.0  # what the cosine is multiplied by; here the penalties are divided by it, and the loss stays a score
SQUARE = 4.0  # of the mean square of z, as far as it exceeds 1
SPARSITY = 50.0  # of all classes but the largest, squared
DECAY = 0.99  # of the average over the steps, which is what is rendered
TEMPERATURE = 2.0  # of the softmax by which `max_classes` chooses
NEAREST = 1e-6  # how near a share may be to 0 or 1 to have a logit

WAY: dict[str, Any] = {
    "augment": BIG_SLEEP_CUTOUTS,
    "samples": 1,
    "basis": 1,
    "noise": 0.0,
    "keep": "last",
}
NUMBERS: dict[str, Any] = {"steps": 1050, "views": 128, "lr": 0.07}


def big_sleep(*, max_classes: int | None = None, temperature: float = TEMPERATURE, published: bool = True) -> Method:
    """BigGAN's latents, one for each layer, by Adam at 0.07 on cutouts; their average over the steps is the picture.

    Every layer has a `z` of its own, N(0, 1) at the beginning, and shares of all classes, the sigmoids of logits that begin at
    N(-3.9, 0.3). Penalties hold `z` near a Gaussian, layer by layer: its mean at 0, its standard deviation at 1, skewness and
    excess kurtosis at 0, and its mean square below 1; and all classes but the largest at 0. The steps are one of the 20
    epochs that the package runs by default; steps=21000 runs them all.

    The layers' latents are those of a BigGAN-deep loaded as `biggan?layers=true`, or `emoji?layers=true`. Any other generator
    is drawn by what it has: one `z` for all layers is held to the same moments, a class embedding and other latents are moved
    by the score alone, and what is frozen stays.

    Args:
        max_classes: how many classes may have a share in each layer: one after the other the largest of a softmax among those
            that are left. None for the sigmoids of all.
        temperature: of that softmax.
        published: whether its numbers count more than those that the models recommend: steps, views and lr.

    Raises:
        InvalidInput: an option that cannot be used. On use: `max_classes` for a generator without shares of classes.

    References:
        github.com/lucidrains/big-sleep at commit 01e2ce9: `big_sleep.py` and `ema.py`. The notebook by Ryan Murdock that it
        wraps has not been compared.
        Brock, Donahue & Simonyan (2018). Large scale GAN training for high fidelity natural image synthesis.
        arXiv:1809.11096.
    """
    if max_classes is not None:
        max_classes = check_count("max_classes", max_classes)
    temperature = positive("temperature", temperature)
    return Method(
        starts=asleep,
        parametrise=partial(_parametrise, most=max_classes, temperature=temperature),
        objective=_objective,
        selection=_average,
        settings=as_published(WAY, NUMBERS, published),
        unused=OF_A_SEARCH,
        name="big-sleep",
    )


def has_classes(space: Space) -> bool:
    """Whether a generator's latents include shares of its classes, from 0 to 1 along the last axis."""
    spec = space.get(CLASSES)
    box = None if spec is None or spec.frozen else spec.constraint
    return isinstance(box, Box) and (box.low, box.high) == (0.0, 1.0)


def asleep(task: Task) -> Latents:
    """Where rows begin, from their seeds: (B, 1, ...) each; what is neither `z` nor classes is drawn by the generator."""
    space, starts = task.generator.space, drawn(task)
    rngs = [torch.Generator().manual_seed(seed) for seed in task.rows.seeds]
    for name, mean, spread in ((LATENT, 0.0, 1.0), (CLASSES, LOGIT_MEAN, LOGIT_SPREAD)):
        if name not in space or space[name].frozen or (name == CLASSES and not has_classes(space)):
            continue
        noise = torch.stack([mean + spread * torch.randn(1, *space[name].shape, generator=rng) for rng in rngs])
        found = noise.sigmoid() if name == CLASSES else space[name].constraint.project(noise)
        starts[name] = found.to(starts[name])
    return starts


class Sleeping:
    """The latents themselves, but for the shares of classes, whose logits are free.

    Args:
        space: of the generator. Frozen entries are held aside.
        start: the latents to begin with, (B, ...) each.
        most: how many classes may have a share; None for all.
        temperature: of the softmax by which they are chosen.
    """

    def __init__(self, space: Space, start: Latents, *, most: int | None, temperature: float) -> None:
        self.space, self.most, self.temperature = space, most, temperature
        self.logits = {CLASSES} if has_classes(space) else set()
        self.frozen = {name: x for name, x in start.items() if space[name].frozen}
        self.params: Params = {name: x.clone() for name, x in start.items() if not space[name].frozen}
        for name in self.logits:
            self.params[name] = start[name].clamp(NEAREST, 1 - NEAREST).logit()

    def __call__(self, params: Params) -> Latents:
        return {**self.frozen, **{name: self.shares(x) if name in self.logits else x for name, x in params.items()}}

    def project(self, params: Params) -> Params:
        kept = {name: self.space[name].constraint.project(x) for name, x in params.items() if name not in self.logits}
        return {name: kept.get(name, x) for name, x in params.items()}

    def shares(self, logits: Tensor) -> Tensor:
        """Shares of the classes, (..., K): the sigmoids; or of one after the other its softmax among those that are left."""
        if self.most is None:
            return logits.sigmoid()
        left, shares = logits / self.temperature, torch.zeros_like(logits)
        for _ in range(min(self.most, logits.shape[-1])):
            value, index = left.softmax(dim=-1).max(dim=-1, keepdim=True)
            shares, left = shares.scatter(-1, index, value), left.scatter(-1, index, -torch.inf)
        return shares


def _parametrise(task: Task, starts: Latents, *, most: int | None, temperature: float) -> Sleeping:
    """The first of each row's starts."""
    if most is not None and not has_classes(task.generator.space):
        fix = "Leave it out, or draw with a BigGAN-deep as biggan?layers=true."
        expected = "nothing, as this generator has no shares of classes"
        raise InvalidInput("max_classes", expected=expected, got=most, fix=fix)
    return Sleeping(task.generator.space, firsts(starts), most=most, temperature=temperature)


def _objective(task: Task) -> AugCLIP:
    """The score of cutouts, and the penalties that the generator's latents can have."""
    space = task.generator.space
    penalties: Mapping[str, Penalty] = {
        **({"moments": moments} if LATENT in space and not space[LATENT].frozen else {}),
        **({"sparsity": sparsity} if has_classes(space) else {}),
    }
    return augclip(task, penalties)


def moments(latents: Latents) -> Tensor:
    """How far `z` is from a Gaussian, the mean over its layers: (B,).

    A layer is the last axis of (L, d), the whole of (d,), and of a grid all of it.
    """
    z = latents[LATENT]
    layers = z if z.dim() == 3 else z.flatten(1).unsqueeze(1)  # (B, L, d)
    mean = layers.mean(dim=2)
    apart = layers - mean.unsqueeze(2)
    variance = apart.square().mean(dim=2)
    count = layers.shape[2]
    spread = (variance * count / max(1, count - 1)).clamp_min(1e-12).sqrt()  # as torch.std has it
    scaled = apart / variance.clamp_min(1e-12).sqrt().unsqueeze(2)
    skewness, kurtosis = scaled.pow(3).mean(dim=2), scaled.pow(4).mean(dim=2) - 3
    each = (1 - spread).abs() + mean.abs() + skewness.abs() + kurtosis.abs()
    return (each.mean(dim=1) + SQUARE * layers.square().mean(dim=(1, 2)).clamp_min(1.0)) / SCORE


def sparsity(latents: Latents) -> Tensor:
    """The mean square of 50 times all shares of classes but the largest of each layer: (B,)."""
    shares = latents[CLASSES]
    rest = shares.topk(max(1, shares.shape[-1] - 1), dim=-1, largest=False).values
    return (SPARSITY * rest).square().flatten(1).mean(dim=1) / SCORE


def _average(task: Task) -> Selection:
    """The average over the steps at the end."""
    return replace(held_out(task), average=DECAY)
