"""The judge of a pair of models: a scorer that is never optimised, loaded when the first pictures are finished."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from fusedream_sdk.models.loading import loaded_scorer
from fusedream_sdk.protocols import Reward, Scorer
from fusedream_sdk.scoring.augclip import fresh_score
from fusedream_sdk.scoring.prompt import PromptLike
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import NO_VIEWS, Stream


class Judge:
    """How well finished pictures fit their prompts, by a model that had no part in making them.

    A picture is not lost for a number beside it: whatever goes wrong here is a warning, and the score is left out.

    Args:
        name: for `load_scorer`.
        device: where it is loaded.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self.name, self.device = name, device

    def scores(self, images: Tensor, prompts: Sequence[PromptLike]) -> Tensor | None:
        """The plain score of each picture, without views: (B, 3, H, W) in [0, 1] to (B,) on the CPU, higher is better.

        None, after a warning, where the judge cannot be loaded or cannot read the prompts.
        """
        if self._model is None:
            return None
        count = len(images)
        try:
            with torch.no_grad():
                target = make_target(self._model, prompts)
            on_device = images.to(self.device)
            return fresh_score(on_device, target, [0] * count, views=NO_VIEWS, count=1, stream=Stream.REPORT).cpu()
        except Exception as error:  # whatever a stranger's model does
            self._warn("cannot score these pictures", error)
            return None

    @cached_property
    def _model(self) -> Scorer | Reward | None:
        """The model, loaded on the first use, or None for good."""
        try:
            return loaded_scorer(self.name, self.device).model
        except Exception as error:  # whatever a stranger's plugin does
            self._warn("cannot be loaded", error)
            return None

    def _warn(self, what: str, error: Exception) -> None:
        fix = "Pass judge=False (--no-judge) to do without it."
        why = f"{type(error).__name__}: {error}".rstrip(".")
        message = f"judge: {self.name!r} {what}, so the result has no score of it: {why}. {fix}"
        warnings.warn(message, stacklevel=3)
