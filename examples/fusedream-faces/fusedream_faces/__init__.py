"""The faces of the package gan-face-generate as a generator: a DCGAN (Radford et al., 2015) trained on DigiFace-1M."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

import torch
from torch import Tensor, nn

import fusedream_sdk as fd


class Faces:
    """A face, 64 by 64 pixels, from 100 numbers."""

    space: Mapping[str, fd.LatentSpec] = {"z": fd.LatentSpec((100,), fd.Box(-2.0, 2.0))}  # trained on a standard normal
    resolution = (64, 64)
    recommended: Mapping[str, object] = {"lr": 0.05, "steps": 200, "samples": 1000, "bank": 2000}

    def __init__(self, network: nn.Module, device: str | torch.device) -> None:
        self.device = torch.device(device)
        self.network = network.to(self.device).requires_grad_(False).eval()  # eval: no batch statistics, so rows never mix

    def sample(self, n: int, *, rng: torch.Generator) -> fd.Latents:
        return {"z": torch.randn(n, 100, generator=rng).clamp(-2, 2).to(self.device)}

    def __call__(self, latents: fd.Latents) -> Tensor:
        pictures = self.network(latents["z"][:, :, None, None])  # (B, 3, 64, 64) in [-1, 1]
        return (pictures + 1) / 2


def load(device: str | torch.device = "cpu") -> Faces:
    from gan_face_generate.models import Generator  # here, so that listing plugins does not need it

    network = Generator(ngpu=0, nc=3, nz=100, ngf=64)
    with files("gan_face_generate").joinpath("weights.tar").open("rb") as file:
        saved = torch.load(file, map_location="cpu", weights_only=True)  # tensors only: a checkpoint must not run code
    network.load_state_dict(saved["netG_state_dict"])
    return Faces(network, device)
