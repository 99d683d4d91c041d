"""A picture as its spectrum, in colours that do not correlate.

The parametrisation of "Feature Visualization" (Olah, Mordvintsev, Schubert, Distill 2017, section "Preconditioning and
Parameterization"): steepest descent on the coefficients of a picture whitened in space and in colour. In natural
pictures the amplitude of a spatial frequency f falls as 1/f (Field 1987), and the three colour channels agree with each
other; with both undone a step of the optimiser is as likely to change the large shapes as the grain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from fusedream_pixels.direct import UNTRAINED, check_side, logits_of
from fusedream_sdk.latents import Latents, LatentSpec, check_latents
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.runtime.device import resolve_device

GREY = 0.5  # standard deviation of a sample around mid-grey, before the sigmoid, as of direct pixels
VARIANCES = (0.86, 0.10, 0.04)
"""Shares of the three axes of colour in the variance of natural pictures: nearly all of it is light and dark. Round
numbers of our own choice, near those of principal components of photographs; nothing depends on their digits."""
AXES = ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (1.0, -2.0, 1.0))
"""Light, red against blue, green against magenta: the axes along which natural colours vary independently (Ohta, Kanade,
Sakai 1980, who found them as the principal components of colour pictures); orthogonal, here of any length."""


class FourierImage:
    """Pictures sigmoid(colour @ irfft2(scale * spectrum)).

    Args:
        side: of the square pictures, in pixels.
        device: where it runs.

    Attributes:
        space: {"spectrum": (3, side, side // 2 + 1, 2)}, free: real and imaginary part of each frequency of the three axes
            of colour. A sample of unit variance gives pictures of the spectrum of natural ones.
        resolution: (side, side).
        fingerprint: identity of the settings; there are no weights.
        recommended: settings that suit it.
        device: where it runs.

    Raises:
        InvalidInput: a side that cannot be used, an unknown device.

    References:
        Olah, Mordvintsev & Schubert (2017). Feature visualization. Distill. doi:10.23915/distill.00007.
    """

    recommended: Mapping[str, object] = {**UNTRAINED, "lr": 0.1}

    def __init__(self, side: int = 64, *, device: str | torch.device = "cpu") -> None:
        side = check_side(side)
        self.device = resolve_device(device)
        self.resolution = (side, side)
        self.space: Mapping[str, LatentSpec] = {"spectrum": LatentSpec((3, side, side // 2 + 1, 2))}
        self.fingerprint = fingerprint_of({}, {"generator": "fourier", "side": side, "variances": VARIANCES})
        self._scale, self._colour = spectrum_scale(side).to(self.device), colour_matrix().to(self.device)

    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        """Draw n rows from the CPU generator: clouds with the spectrum of natural pictures."""
        return {"spectrum": torch.randn(n, *self.space["spectrum"].shape, generator=rng).to(self.device)}

    def encode(self, images: Tensor) -> Latents:
        """The latents of pictures (B, 3, side, side) in [0, 1], as of `DirectPixels`."""
        colours = logits_of(images, self.resolution).to(self.device)
        planes = (torch.linalg.inv(self._colour)[:, :, None, None] * colours[:, None]).sum(dim=2)
        return {"spectrum": torch.view_as_real(torch.fft.rfft2(planes, norm="ortho") / self._scale)}

    def __call__(self, latents: Latents) -> Tensor:
        """Pictures (B, 3, side, side) in [0, 1] of "spectrum" (B, ...) as in `space`; differentiable; rows independent."""
        check_latents(latents, self.space)
        spectrum = torch.view_as_complex(latents["spectrum"].float().contiguous()) * self._scale
        planes = torch.fft.irfft2(spectrum, s=self.resolution, norm="ortho")
        colours = (self._colour[:, :, None, None] * planes[:, None]).sum(dim=2)  # a product of matrices would round in bfloat16
        return torch.sigmoid(colours)


def spectrum_scale(side: int) -> Tensor:
    """1 / f for the frequencies of a square's real spectrum: (side, side // 2 + 1).

    The mean, f = 0, counts as the lowest frequency. Scaled so that a spectrum of unit variance gives planes of standard
    deviation `GREY`.
    """
    down, across = torch.fft.fftfreq(side), torch.fft.rfftfreq(side)
    scale = 1 / (down[:, None].square() + across[None].square()).sqrt().clamp_min(1 / side)
    twice = torch.full((side // 2 + 1,), 2.0)  # the real spectrum leaves out the mirror image of these columns
    twice[0] = 1.0
    if side % 2 == 0:
        twice[-1] = 1.0
    power = 2 * (scale.square() * twice).sum() / side**2  # of a plane's pixel; 2 for the real and the imaginary part
    return GREY * scale / power.sqrt()


def colour_matrix() -> Tensor:
    """From three planes of equal variance to colours: (3, 3); a picture's mean variance per channel is that of a plane."""
    axes = torch.tensor(AXES)
    axes = axes / axes.norm(dim=1, keepdim=True)
    return (axes * torch.tensor(VARIANCES)[:, None].sqrt()).T * math.sqrt(3)
