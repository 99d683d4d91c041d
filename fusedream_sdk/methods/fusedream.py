"""FuseDream: AugCLIP from a searched, over-parameterised start."""

from __future__ import annotations

from typing import Any

from fusedream_sdk.methods.base import Method, as_published
from fusedream_sdk.scoring.views import Views

NUMBERS: dict[str, Any] = {
    "steps": 1000,
    "views": 50,
    "augment": Views(),
    "search_augment": None,
    "samples": 10_000,
    "basis": 5,
    "mix": "paper",
    "bank": 20_000,
    "bank_views": 1,
    "lr": 5e-3,
    "noise": 0.0,
    "keep": "last",
}


def fusedream(*, published: bool = False) -> Method:
    """The method of the paper (section 3): a searched start, a mixture of basis latents, AugCLIP, Adam.

    Its constants are the defaults of `Settings`, which name their source each; a generator or a pair of models may recommend
    others. Two defaults are no part of the paper: the noise on the latents, which the public code has, and the best point by
    held-out views in place of the last one.

    Args:
        published: the paper to the letter, whatever the models recommend: 1,000 steps of 5e-3, 10,000 samples ranked by
            AugCLIP, a basis of 5 that begins at equal weights, no noise, and the last point. How many views a step has it
            does not say: 50, as in the public code, and one for each sample of the search.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573.
    """
    return Method(settings=as_published({}, NUMBERS, published), name="fusedream")
