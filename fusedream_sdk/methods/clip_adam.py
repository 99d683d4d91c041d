"""Plain CLIP, climbed by Adam: the baseline that FuseDream is measured against."""

from __future__ import annotations

from fusedream_sdk.methods.base import Method
from fusedream_sdk.run.task import direct, gaussian
from fusedream_sdk.scoring.views import NO_VIEWS


def clip_adam() -> Method:
    """The score of the picture itself (eq. 1), its latent alone (eq. 2), from one Gaussian start (figure 12).

    No views, no search, no mixture, no noise; steps and learning rate are those of the settings, as in the paper's
    comparison both methods share them.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573, section 2.
        Radford et al. (2021). Learning transferable visual models from natural language supervision. arXiv:2103.00020.
    """
    return Method(
        starts=gaussian,
        parametrise=direct,
        settings={"augment": NO_VIEWS, "samples": 1, "basis": 1, "noise": 0.0},
        unused=frozenset({"augment", "views", "check_views", "samples", "basis", "mix", "bank", "bank_views"}),
        name="clip-adam",
    )
