"""A StyleGAN2 as a FuseDream generator."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.clamp import soft_clamp
from fusedream_sdk.latents import Latents, LatentSpec, check_latents
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.runtime.checks import Bounds, check_choice, check_seed
from fusedream_stylegan2.checkpoint import Checkpoint
from fusedream_stylegan2.network import StyleGAN2, drawn_noise

Space = Literal["z", "w", "w+"]
LR = 0.1  # of Adam in w and w+: optimization/run_optimization.py of orpatashnik/StyleCLIP
DRAWS = 10_000  # of which the mean of w is taken: appendix D of the paper


class StyleGAN2Generator:
    """Pictures of "z", of "w", or of one "w" for each layer.

    A row's w is what the mapping network makes of a z ~ N(0, 1); the search draws such and keeps the best. From there w is
    free, as in StyleCLIP. The noise of the layers is the same in every picture.

    Args:
        checkpoint: the weights.
        space: of the latents: "z", "w" or "w+".
        truncation: psi in (0, 1]; w -> mean + psi (w - mean), of samples in "w" and "w+", of pictures in "z".
        noise: a seed of the noise; that of the file by default.
        canvas: None, or (side, side) as the pictures are.

    Attributes:
        space: {"z": (z_dim,)}, {"w": (w_dim,)} or {"w": (layers, w_dim)}, free.
        resolution: (side, side) of the pictures, in pixels.
        fingerprint: identity of weights and options.
        recommended: settings that suit it.
        device: where it runs.

    Raises:
        InvalidInput: an option that cannot be used.

    References:
        Karras et al. (2020). Analyzing and improving the image quality of StyleGAN. arXiv:1912.04958.
        Patashnik et al. (2021). StyleCLIP: text-driven manipulation of StyleGAN imagery. arXiv:2103.17249.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        space: Space = "w",
        truncation: float = 1.0,
        noise: int | None = None,
        canvas: Any = None,
    ) -> None:
        check_choice("space", space, get_args(Space))
        self.truncation = float(Bounds(0, 1, above=True).check("truncation", truncation, "The default is 1; 0.7 is usual."))
        sizes = checkpoint.sizes
        self.resolution = (sizes.resolution, sizes.resolution)
        check_square(canvas, self.resolution)
        parts = checkpoint.parts if noise is None else drawn_noise(checkpoint.parts, check_seed("noise", noise))
        self.network = StyleGAN2(parts, sizes, checkpoint.bound).eval().requires_grad_(False)
        self.layers, self._mean = sizes.layers, checkpoint.mean
        z, w = sizes.mapping[0], sizes.mapping[-1]
        shapes = {"z": {"z": (z,)}, "w": {"w": (w,)}, "w+": {"w": (sizes.layers, w)}}
        self.space: Mapping[str, LatentSpec] = {name: LatentSpec(shape) for name, shape in shapes[space].items()}
        self.recommended: Mapping[str, object] = {} if space == "z" else {"lr": LR}
        options = {"space": space, "truncation": self.truncation, "noise": noise}
        self.fingerprint = fingerprint_of({}, {"weights": checkpoint.fingerprint, **options})
        self._z = z

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.network.constant.device

    def to(self, device: str | torch.device) -> StyleGAN2Generator:
        """Move it, in place."""
        self.network.to(device)
        return self

    @cached_property
    def mean(self) -> Tensor:
        """The mean of w, (w_dim,), on the CPU: the file's, or that of 10,000 draws from seed 0."""
        if self._mean is not None:
            return self._mean
        z = torch.randn(DRAWS, self._z, generator=torch.Generator().manual_seed(0))
        return self.network.mapping(z.to(self.device)).mean(dim=0).cpu()

    @torch.no_grad()
    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        """Draw n rows from the CPU generator: z ~ N(0, 1), or what the mapping network makes of it, truncated."""
        z = torch.randn(n, self._z, generator=rng).to(self.device)
        if "z" in self.space:
            return {"z": z}
        w = self.mapped(z)
        return {"w": w if len(self.space["w"].shape) == 1 else w[:, None].repeat(1, self.layers, 1)}

    def mapped(self, z: Tensor) -> Tensor:
        """z (B, z_dim) to w (B, w_dim), truncated."""
        w = self.network.mapping(z)
        return w if self.truncation == 1 else torch.lerp(self.mean.to(w), w, self.truncation)

    def __call__(self, latents: Latents) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1] of "z" (B, z_dim), or "w" (B, w_dim) or (B, layers, w_dim); rows independent."""
        check_latents(latents, self.space)
        w = self.mapped(latents["z"]) if "z" in latents else latents["w"]
        picture = self.network(w if w.dim() == 3 else w[:, None].expand(-1, self.layers, -1))
        return soft_clamp((picture + 1) / 2)


def check_square(canvas: Any, resolution: tuple[int, int]) -> None:
    """Nothing, or the size that the pictures have. Raises InvalidInput."""
    if canvas is not None and (not isinstance(canvas, (tuple, list)) or tuple(canvas) != resolution):
        expected = f"nothing, or {resolution}, as a StyleGAN2 draws squares of the side that it was trained on"
        raise InvalidInput("canvas", expected=expected, got=canvas, fix="Leave it out. A VQGAN takes any canvas.")
