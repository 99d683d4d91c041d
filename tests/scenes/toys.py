"""What the tests of composed generation share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.scenes.result import Composed
from tests.conftest import toy_dream

QUIET: dict[str, Any] = {"progress": False}


class SquareDistance:
    """The mean square of the difference; differentiable, and 0 for the same."""

    fingerprint = "square distance"

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().mean(dim=(1, 2, 3))


def composer(generator: Any = None, scorer: Any = None, **options: Any) -> FuseDream:
    """The toy pair with a toy distance."""
    return toy_dream(generator, scorer, **{"perceptual": SquareDistance(), **options})


def same_candidates(a: Composed, b: Composed, atol: float = 1e-4) -> None:
    """Both have the same pictures, latents, scores, ends and courses."""
    first, second = a.candidates, b.candidates
    torch.testing.assert_close(first.images, second.images, atol=atol, rtol=0)
    torch.testing.assert_close(a.held_out, b.held_out, atol=atol, rtol=0)
    for one, other in ((first.latents, second.latents), (first.scores, second.scores), (first.history, second.history)):
        assert one.keys() == other.keys()
        for name in one:
            torch.testing.assert_close(one[name], other[name], atol=atol, rtol=0, equal_nan=True)
    assert (first.prompts, first.seeds, first.status, a.starts) == (second.prompts, second.seeds, second.status, b.starts)
    assert torch.equal(first.best_step, second.best_step)
