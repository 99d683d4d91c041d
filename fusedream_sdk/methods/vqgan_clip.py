"""VQGAN-CLIP: a VQGAN's grid of codes, moved by Adam until its cutouts look like the prompts to CLIP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fusedream_sdk.methods.base import Method, as_published
from fusedream_sdk.run.settings import OF_A_SEARCH
from fusedream_sdk.run.task import Task, augclip, direct, drawn
from fusedream_sdk.scoring.augclip import AugCLIP
from fusedream_sdk.scoring.spherical import spherical
from fusedream_sdk.scoring.views import VQGAN_CLIP_CUTOUTS

WAY: dict[str, Any] = {
    "augment": VQGAN_CLIP_CUTOUTS,
    "samples": 1,
    "basis": 1,
    "noise": 0.0,
    "keep": "last",
}
NUMBERS: dict[str, Any] = {"steps": 500, "views": 32, "lr": 0.1}


def vqgan_clip(*, published: bool = True) -> Method:
    """From random codes, Adam at 0.1 for 500 steps, on the squared angle between 32 cutouts and each of the prompts.

    Several prompts add up, each by its own angle and weight: "a lighthouse | oil painting:0.5". Quantisation is the
    generator's: `vqgan` draws the nearest codes and passes the gradient straight through, keeps each channel in the
    codebook's range, and clamps pictures so that a value outside has a way back, as that code does. So the method draws with
    other generators too, from one draw of their own; only a VQGAN is what it was made for. A score that is no inner product has
    no angles, and is taken as it is.

    The first notebook has 64 plain cutouts and a step of 0.05; the constants and cutouts here are those of the later script
    that their repository took over.

    Args:
        published: whether its numbers count more than those that the models recommend: steps, views and lr. The learning
            rate is in units of the codebook, which differ by orders of magnitude; `vqgan` recommends one that fits.

    References:
        Crowson et al. (2022). VQGAN-CLIP: open domain image generation and editing with natural language guidance.
        arXiv:2204.08583.
        github.com/nerdyrodent/VQGAN-CLIP at commit df49139, `generate.py`; github.com/EleutherAI/vqgan-clip, `main.py`.
    """
    return Method(
        starts=drawn,
        parametrise=direct,
        objective=_objective,
        settings=as_published(WAY, NUMBERS, published),
        unused=OF_A_SEARCH,
        name="vqgan-clip",
    )


def _objective(task: Task) -> AugCLIP:
    """The squared angles of cutouts."""
    objective = augclip(task)
    return replace(objective, target=spherical(objective.target, task.rows.prompts))
