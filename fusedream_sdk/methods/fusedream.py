"""FuseDream: AugCLIP from a searched, over-parameterised start."""

from __future__ import annotations

from fusedream_sdk.methods.base import Method


def fusedream() -> Method:
    """The method of the paper (section 3): a searched start, a mixture of basis latents, AugCLIP, Adam.

    Its constants are the defaults of `Settings`, which name their source each; a generator or a pair of models may recommend
    others.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573.
    """
    return Method(name="fusedream")
