"""The distance itself."""

from __future__ import annotations

from functools import cached_property

import lpips
import torch
from torch import Tensor

from fusedream_lpips.loading import TRUNKS
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.runtime.checks import check_pair


class Lpips:
    """LPIPS (Zhang et al. 2018, equation 1), as the package lpips computes it.

    Args:
        model: the package's LPIPS, frozen and in eval mode.
        net: "alex", "vgg" or "squeeze".

    Attributes:
        least: side of the smallest pictures that it reads, in pixels.
        fingerprint: identity of trunk and heads.
        device: where it runs.

    References:
        Zhang et al. (2018). The unreasonable effectiveness of deep features as a perceptual metric. arXiv:1801.03924.
    """

    def __init__(self, model: lpips.LPIPS, net: str) -> None:
        self.model, self.net, self.least = model, net, TRUNKS[net].least

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1], twice, to (B,) >= 0; 0 for the same; differentiable in both; rows independent.

        Nothing is resized: LPIPS depends on the size of what it compares.

        Raises:
            InvalidInput: two shapes, or a side below `least`.
        """
        check_pair(a, b, least=self.least)
        return self.model(a.float(), b.float(), normalize=True).flatten()

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return next(self.model.parameters()).device

    def to(self, device: str | torch.device) -> Lpips:
        """Move it, in place."""
        self.model.to(device)
        return self

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of trunk and heads; read once, on first use."""
        return fingerprint_of(self.model, {"architecture": f"lpips-{self.net}", "version": "0.1"})
