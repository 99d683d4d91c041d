"""The fast gradient sign method: one step that raises the score, and that nobody sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Tensor

from fusedream_sdk.latents import Latents, firsts, map_latents
from fusedream_sdk.methods.base import Method
from fusedream_sdk.optim.directions import Descent
from fusedream_sdk.optim.optimisers import sgd
from fusedream_sdk.protocols import Params
from fusedream_sdk.run.settings import OF_A_SEARCH, OF_VIEWS
from fusedream_sdk.run.task import Begun, Task, direct, drawn
from fusedream_sdk.runtime.bounds import SCALE
from fusedream_sdk.runtime.checks import check_choice
from fusedream_sdk.scoring.views import NO_VIEWS

Score: TypeAlias = Literal["plain", "augclip"]
"""What is raised: the score of the picture itself (eq. 1), or its mean over random views (eq. 3)."""

EPSILON = 8 / 255  # the bound that is usual for colour pictures: Madry et al. 2018, section 5
HALF_STEP = 0.5 / 255  # of 8 bits: how near to black and white the sigmoid of a generator of pixels comes


def fgsm(*, epsilon: float = EPSILON, score: Score = "plain") -> Method:
    """x + epsilon sign(grad score(x)), once: case study 1 of the paper (section 2.1).

    Begin at a picture of yours, on a generator of pixels: `generate(..., start=Path("dog.png"))` with the generator `pixels`.
    There every colour value moves by epsilon, as far as [0, 1] lets it; on any other generator every number of the latents.
    The paper does not give its epsilon.

    Args:
        epsilon: length of the step, in (0, 1]: of pixels a share of the range of colours.
        score: "plain" for CLIP, or "augclip".

    Raises:
        InvalidInput: an option that cannot be used.

    References:
        Goodfellow, Shlens & Szegedy (2014). Explaining and harnessing adversarial examples. arXiv:1412.6572.
        Madry, Makelov, Schmidt, Tsipras & Vladu (2018). Towards deep learning models resistant to adversarial attacks.
        arXiv:1706.06083.
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573, section 2.1.
    """
    epsilon = float(SCALE.check("epsilon", epsilon, "The default is 8 / 255."))
    plain = is_plain(score)
    constants = {"steps": 1, "lr": epsilon, "samples": 1, "basis": 1, "noise": 0.0, "keep": "last"}
    return Method(
        starts=drawn,
        parametrise=of_pixels,
        direction=Signed(),
        optimiser=lambda settings: sgd(settings.lr),
        settings={**constants, **({"augment": NO_VIEWS} if plain else {})},
        unused=OF_A_SEARCH | {"steps", "lr", "noise", "keep", "patience", "check_every"} | (OF_VIEWS if plain else set()),
        name="fgsm",
    )


def is_plain(score: Any) -> bool:
    """Whether it is the plain score. Raises InvalidInput for what is none."""
    check_choice("score", score, get_args(Score))
    return score == "plain"


class Signed:
    """The sign of the primary loss's gradient, in every coordinate: steepest descent where the largest change is bounded."""

    def __call__(self, losses: Mapping[str, Tensor], params: Params) -> Params:
        return map_latents(torch.sign, Descent()(losses, params))


def of_pixels(task: Task, starts: Latents) -> Begun:
    """The colours themselves where the generator is one of pixels; the latents where it is not."""
    latents = firsts(starts)
    return Pixels(latents) if draws_pixels(task, latents) else direct(task, starts)


def draws_pixels(task: Task, latents: Latents) -> bool:
    """Whether the pictures of these latents are the sigmoid of the only one of them."""
    (first, *others) = latents.values()
    if others or first.shape[1:] != (3, *task.generator.resolution):
        return False
    with torch.no_grad():
        return bool(torch.allclose(task.generator(latents).float(), torch.sigmoid(first), atol=1e-5))


class Pixels:
    """Colours in [0, 1] as parameters, for a generator whose pictures are the sigmoid of its latent.

    The gradient passes to black and white too, which no sigmoid reaches: they are drawn half a step of 8 bits away.

    Args:
        start: the latent to begin with, (B, 3, H, W), by its name.
    """

    def __init__(self, start: Latents) -> None:
        self.params: Params = map_latents(torch.sigmoid, start)

    def __call__(self, params: Params) -> Latents:
        return map_latents(logits, params)

    def project(self, params: Params) -> Params:
        return map_latents(lambda x: x.clamp(0, 1), params)


def logits(colours: Tensor) -> Tensor:
    """What the sigmoid makes these colours of, to half a step of 8 bits, with the gradient of what is drawn."""
    drawn_as = colours.clamp(HALF_STEP, 1 - HALF_STEP)
    return torch.logit(colours + (drawn_as - colours).detach())
