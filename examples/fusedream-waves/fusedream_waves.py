from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

import fusedream_sdk as fd


class Waves:
    """Each colour channel is a plane wave."""

    space: Mapping[str, fd.LatentSpec] = {
        "frequency": fd.LatentSpec((3, 2), fd.Box(-1.0, 1.0)),
        "phase": fd.LatentSpec((3,), fd.Free()),
    }
    resolution = (64, 64)
    recommended: Mapping[str, object] = {"lr": 0.05}  # settings that suit it; optional

    def __init__(self, device: str | torch.device) -> None:
        self.device = torch.device(device)

    def sample(self, n: int, *, rng: torch.Generator) -> fd.Latents:
        frequency = 2 * torch.rand(n, 3, 2, generator=rng) - 1
        phase = torch.randn(n, 3, generator=rng)
        return {"frequency": frequency.to(self.device), "phase": phase.to(self.device)}

    def __call__(self, latents: fd.Latents) -> Tensor:
        axis = torch.linspace(-4, 4, 64, device=self.device)
        across, down = latents["frequency"][..., None].unbind(2)  # (B, 3, 1) each
        angle = (across * axis)[:, :, None, :] + (down * axis)[..., None] + latents["phase"][..., None, None]
        return 0.5 + 0.5 * torch.sin(angle)  # (B, 3, 64, 64) in [0, 1]


def load(device: str | torch.device = "cpu") -> Waves:
    return Waves(device)
