"""What the tests of composed generation share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.run.rows import each_with_each
from fusedream_sdk.scenes.layer import as_layer
from fusedream_sdk.scenes.placement import Placement
from fusedream_sdk.scenes.request import Request
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.scenes.settings import SceneSettings
from tests.conftest import toy_dream

QUIET: dict[str, Any] = {"progress": False}
PROMPT = "red and blue"
SPOTS = (Placement.at("left", 0.5), Placement.at("top-right", 0.5))


class SquareDistance:
    """The mean square of the difference; differentiable, and 0 for the same."""

    fingerprint = "square distance"

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().mean(dim=(1, 2, 3))


def composer(generator: Any = None, scorer: Any = None, **options: Any) -> FuseDream:
    """The toy pair with a toy distance."""
    return toy_dream(generator, scorer, **{"perceptual": SquareDistance(), **options})


def asked(
    dream: FuseDream,
    prompts: Any = PROMPT,
    seeds: Any = 0,
    spots: Sequence[Placement] = SPOTS,
    layers: tuple[Any, Any] = (None, None),
    **changes: Any,
) -> Request:
    """What `dream.compose` would ask for."""
    scene, settings = SceneSettings.split(changes, dream.settings)
    made = as_layer("background", layers[0]), as_layer("foreground", layers[1])
    return Request(each_with_each(prompts, seeds), spots, made, settings, scene)


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
