"""FuseDream as its public code runs it, which differs from the paper."""

from __future__ import annotations

from typing import Any

from fusedream_sdk.methods.base import Method, as_published
from fusedream_sdk.scoring.views import PUBLIC_PICTURE, PUBLIC_VIEWS

WAY: dict[str, Any] = {
    "augment": PUBLIC_VIEWS,
    "search_augment": PUBLIC_PICTURE,
    "bank_views": 1,
    "mix": "random",
    "keep": "last",
}
NUMBERS: dict[str, Any] = {
    "steps": 999,
    "views": 50,
    "samples": 10_000,
    "basis": 5,
    "bank": 20_000,
    "lr": 5e-3,
    "noise": 0.01,
    "report_views": 1000,
}


def fusedream_code(*, published: bool = True) -> Method:
    """The public code to the letter, where `fusedream` follows the paper.

    What it does otherwise: the search ranks its 10,000 samples by plain CLIP; the mixture begins at logits ~ N(0, 1); views are
    made at full resolution, in that code's order and with one resize ratio for all 50; noise of 0.01 on the mixed latents;
    the last point is kept, nothing is held out; the report is over 1,000 views.

    Of its 1,000 iterations the last update has no effect: the point that it returns was mixed before that update. So the point
    is one of 999 updates, and `steps` is 999 here: 1,000 points are evaluated, and the last of them is kept. What is not
    taken over is no choice of method: 10,000 new samples for each run, where ours are picked from a bank of 20,000 by the
    row's seed, and a picture that is stretched to the whole range of its values when it is saved.

    Args:
        published: whether its numbers count more than those that the models recommend: steps, views, samples, basis, bank, lr,
            noise and report_views. Without, a pair's own are taken, as those of the emoji world, which are a tenth as long; the
            way in which it is done stays.

    References:
        github.com/gnobitab/FuseDream at commit 3fe28b8: `fusedream_generator.py` and `fusedream_utils.py`.
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573.
    """
    return Method(settings=as_published(WAY, NUMBERS, published), name="fusedream-code")
