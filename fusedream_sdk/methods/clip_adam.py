"""Plain CLIP, climbed by Adam: the baseline that FuseDream is measured against."""

from __future__ import annotations

from fusedream_sdk.methods.base import Method
from fusedream_sdk.run.settings import OF_A_SEARCH, OF_VIEWS
from fusedream_sdk.run.task import direct, gaussian
from fusedream_sdk.scoring.views import NO_VIEWS


def clip_adam() -> Method:
    """The score of the picture itself (eq. 1), its latent alone (eq. 2), by Adam: the baseline of figure 1.

    No views, no search, no mixture, no noise. The paper does not say where its baseline begins, nor its steps and learning
    rate. Ours begins at one Gaussian draw, of BigGAN's class embedding too, which is the rival of a sampled class (appendix
    C, figure 12); steps and learning rate are those of the settings, so that it is compared with FuseDream like for like.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573, section 2 and figure 1.
        Radford et al. (2021). Learning transferable visual models from natural language supervision. arXiv:2103.00020.
    """
    return Method(
        starts=gaussian,
        parametrise=direct,
        settings={"augment": NO_VIEWS, "samples": 1, "basis": 1, "noise": 0.0},
        unused=OF_VIEWS | OF_A_SEARCH,
        name="clip-adam",
    )
