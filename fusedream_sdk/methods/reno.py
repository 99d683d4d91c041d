"""ReNO: the noise of a one-step generator, moved by gradient descent on a reward and kept as likely as a Gaussian's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from fusedream_sdk.latents import Free, Latents, Space
from fusedream_sdk.methods.base import Method, as_published
from fusedream_sdk.optim.directions import Clipped, WeightedSum
from fusedream_sdk.optim.loop import Selection
from fusedream_sdk.optim.optimisers import MakeOptimiser, sgd
from fusedream_sdk.protocols import Evaluation, Objective
from fusedream_sdk.run.settings import OF_A_SEARCH, OF_VIEWS, Settings
from fusedream_sdk.run.task import Task, augclip, direct, drawn
from fusedream_sdk.runtime import bounds
from fusedream_sdk.scoring.augclip import Penalty, reno_norm
from fusedream_sdk.scoring.views import NO_VIEWS

PUBLISHED: Mapping[str, float] = {"clip": 0.01, "hpsv2": 5.0, "imagereward": 1.0, "pickscore": 0.05}
"""Weights of the rewards in the public code (ExplainableML/ReNO, arguments.py): of logits for CLIP and PickScore, of a cosine
for HPSv2.1, of ImageReward's standardised score."""

LOGIT = 100.0  # of CLIP and PickScore, for a cosine of 1: their temperature

REWARDS: Mapping[str, float] = {
    "laion/CLIP-ViT-H-14-laion2B-s32B-b79K": LOGIT * PUBLISHED["clip"],
    "hpsv2": PUBLISHED["hpsv2"],
    "imagereward": PUBLISHED["imagereward"],
    "pickscore": LOGIT * PUBLISHED["pickscore"],
}
"""The same as a scorer: `FuseDream(generator="sdxl-turbo", scorer=dict(REWARDS))`. Here CLIP and PickScore are cosines."""

WAY: Mapping[str, Any] = {"augment": NO_VIEWS, "samples": 1, "basis": 1, "noise": 0.0, "check_every": 1}
NUMBERS: Mapping[str, Any] = {"steps": 50, "lr": 5.0}
REWARD, NORM = "augclip", "norm"  # names of the two losses; the first is the engine's for minus the score


def reno(*, penalty: float = 0.01, clip: float = 0.1, momentum: float = 0.9, published: bool = True) -> Method:
    """Nesterov's gradient descent from one draw, on the score of the picture itself and the norm of the noise.

    The loss is minus the reward, without views, and `penalty` (|z|^2 / 2 - (d - 1) ln |z|) for every latent that is free and
    unconstrained; the gradient of a row is clipped to a norm; kept is the point of the highest reward, the penalty left
    aside, among all. 50 steps at learning rate 5. The public code evaluates 50 points, the start included, so its last step is
    our 49th.

    Args:
        penalty: weight of the norm's negative log-likelihood, from 0.
        clip: bound of the norm of a row's gradient, above 0.
        momentum: of the descent, from 0 to 1.
        published: whether its numbers count more than those that the models recommend: steps and lr.

    References:
        Eyring et al. (2024). ReNO: enhancing one-step text-to-image models through reward-based noise optimization.
        arXiv:2406.04312; code: ExplainableML/ReNO (arguments.py, training/trainer.py, training/optim.py).
    """
    penalty = bounds.SHARE.check("penalty", penalty, "The default is 0.01.")
    clip = bounds.FACTOR.check("clip", clip, "The default is 0.1.")
    momentum = bounds.MOMENTUM.check("momentum", momentum, "The default is 0.9.")
    return Method(
        starts=drawn,
        parametrise=direct,
        objective=partial(rewarded, penalty=penalty),
        direction=Clipped(clip, WeightedSum({REWARD: 1.0, NORM: 1.0})),
        optimiser=partial(descent, momentum=momentum),
        selection=every_point,
        settings=as_published(WAY, NUMBERS, published),
        unused=OF_VIEWS | OF_A_SEARCH | {"noise"},
        name="reno",
    )


def descent(settings: Settings, *, momentum: float) -> MakeOptimiser:
    """Gradient descent at the settings' learning rate, Nesterov's where there is momentum."""
    return sgd(settings.lr, momentum=momentum, nesterov=momentum > 0)


def every_point(task: Task) -> Selection:
    """The best point by the reward that is optimised: without views there are none to hold out."""
    settings = task.settings
    return Selection(None, settings.check_every, settings.patience, keep=settings.keep)


def gaussian_names(space: Space) -> list[str]:
    """The latents that count as Gaussian: optimised, and without a constraint."""
    return [name for name, spec in space.items() if not spec.frozen and isinstance(spec.constraint, Free)]


def rewarded(task: Task, *, penalty: float) -> Rewarded:
    """What a task minimises: minus its score, and the penalty of its Gaussian latents."""
    return Rewarded(augclip(task), [reno_norm(name, penalty) for name in gaussian_names(task.generator.space)])


@dataclass(frozen=True)
class Rewarded:
    """An objective with a second loss, "norm", that does not choose the best point.

    Args:
        score: the objective of the first loss.
        penalties: of the latents; their sum is the second, 0 where there are none.
    """

    score: Objective
    penalties: Sequence[Penalty]

    def __call__(self, latents: Latents, *, step: int) -> Evaluation:
        point = self.score(latents, step=step)
        norm = sum((penalty(latents) for penalty in self.penalties), torch.zeros_like(point.primary))
        return replace(point, losses={**point.losses, NORM: norm})
