"""StyleCLIP's latent optimisation: a picture is changed towards a prompt, and held to what it was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NoReturn

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents, firsts
from fusedream_sdk.methods.base import Method, as_published
from fusedream_sdk.optim.optimisers import MakeOptimiser, adam
from fusedream_sdk.protocols import Evaluation, Perceptual
from fusedream_sdk.run.settings import OF_A_SEARCH, OF_VIEWS, Settings
from fusedream_sdk.run.task import Task, augclip, direct, drawn
from fusedream_sdk.runtime.bounds import SHARE
from fusedream_sdk.runtime.checks import check_flag, check_kind
from fusedream_sdk.scoring.augclip import AugCLIP
from fusedream_sdk.scoring.views import NO_VIEWS, Views

L2, IDENTITY = 0.008, 0.005

WAY: dict[str, Any] = {
    "augment": NO_VIEWS,
    "search_augment": Views(),
    "basis": 1,
    "noise": 0.0,
    "keep": "last",
}
NUMBERS: dict[str, Any] = {"steps": 299, "lr": 0.1}


def styleclip(
    *,
    l2: float = L2,
    identity: str | None = None,
    identity_weight: float = IDENTITY,
    anywhere: bool = False,
    published: bool = True,
) -> Method:
    """The score of the picture itself, minus the squared distance of its latents from those that it began at, by Adam.

    It edits what is there, so it has to be told where to begin: `start=` a picture, which is inverted first, latents, or an
    `Inversion`. The learning rate rises to 0.1 in the first 5 % of 300 iterations and falls along a cosine in the last 25 %.
    The picture that it shows is drawn before the last update, so `steps` is 299: of 300 points the last is kept.

    That code shrinks the picture to CLIP's size by averaging (it enlarges it sevenfold and pools), and does not normalise its
    colours; here the scorer reads the picture as it does everywhere. Its latents are StyleGAN's W+, where one number for
    the distance fits all; for other latents `l2` may have to be another.

    Args:
        l2: weight of the squared distance, the sum over all latents that are not frozen. The paper: by the edit, 0.008 in the
            script.
        identity: name of a perceptual distance, as for `load_perceptual`, between the picture and the one it began as; for
            faces the paper takes ArcFace, which a plugin can bring. None for no such term.
        identity_weight: of that term; 0.005 in the authors' notebook, 0 in their script.
        anywhere: without a start, begin at a draw of the generator's own, as that code does.
        published: whether its numbers count more than those that the models recommend: steps and lr.

    Raises:
        InvalidInput: an option that cannot be used. On use: there is no start.

    References:
        Patashnik et al. (2021). StyleCLIP: text-driven manipulation of StyleGAN imagery. arXiv:2103.17249, section 4.
        github.com/orpatashnik/StyleCLIP at commit d5e3c44: `optimization/run_optimization.py`, `criteria/clip_loss.py`.
    """
    check_flag("anywhere", anywhere)
    check_kind("identity", identity, (str, type(None)), "the name of a perceptual distance, or None")
    held = partial(
        _objective,
        l2=SHARE.check("l2", l2, "The default is 0.008."),
        identity=(identity, SHARE.check("identity_weight", identity_weight, "The default is 0.005.")),
    )
    return Method(
        starts=drawn if anywhere else _nowhere,
        parametrise=direct,
        objective=held,
        optimiser=_ramped_adam,
        settings=as_published(WAY, NUMBERS, published),
        unused=OF_VIEWS | OF_A_SEARCH,
        name="styleclip",
    )


@dataclass(frozen=True)
class Edit:
    """A score, and what holds each row to where it began.

    Args:
        score: of the picture.
        begun: the latents at which rows began, (B, ...) each; None where that is not known, and nothing is held.
        l2: weight of the squared distance of the latents.
        likeness: weight of a distance of two pictures, the distance, and the pictures as which the rows began, (B, 3, H, W) in
            [0, 1]; None for no such term.
    """

    score: AugCLIP
    begun: Latents | None
    l2: float
    likeness: tuple[float, Perceptual, Tensor] | None = None

    def __call__(self, latents: Latents, *, step: int) -> Evaluation:
        evaluation = self.score(latents, step=step)
        if self.begun is None:
            return evaluation
        loss = evaluation.primary + self.l2 * self.distance(evaluation.latents, self.begun)
        if self.likeness is not None:
            weight, apart, pictures = self.likeness
            with self.score.precision():
                loss = loss + weight * apart(evaluation.images, pictures).float()
        return replace(evaluation, losses={"augclip": loss})

    def distance(self, latents: Latents, begun: Latents) -> Tensor:
        """The squared distance of each row over all its latents that are not frozen: (B,)."""
        space = self.score.generator.space
        moved = [latents[name] - x for name, x in begun.items() if not space[name].frozen]
        return torch.stack([x.square().flatten(1).sum(dim=1) for x in moved]).sum(dim=0)


def _objective(task: Task, *, l2: float, identity: tuple[str | None, float]) -> Edit:
    """Of a task whose rows have begun, held to where they did."""
    name, weight = identity
    begun = None if task.starts is None else firsts(task.starts)
    if begun is None or name is None:
        return Edit(augclip(task), begun, l2)
    apart = task.engine.distance(name).model
    with torch.no_grad(), task.engine.precision():
        likeness = weight, apart, task.generator(begun).float()
    return Edit(augclip(task), begun, l2, likeness)


def _ramped_adam(settings: Settings) -> MakeOptimiser:
    """Adam over one iteration more than there are steps: the last of them is the one that is not seen."""
    return adam(settings.lr, ramps_over=settings.steps + 1)


def _nowhere(task: Task) -> NoReturn:
    """Raises InvalidInput: nothing is to be edited."""
    expected = "the picture that is to be edited, as a picture, latents or an Inversion"
    fix = "Pass start=Path('dog.png'), or take styleclip?anywhere=true for one of the generator's own."
    raise InvalidInput("start", expected=expected, got=None, fix=fix)
