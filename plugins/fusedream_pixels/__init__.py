"""Pictures without a prior: the pixels themselves, or their spectrum. They show what a trained generator is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from fusedream_pixels.direct import DirectPixels
    from fusedream_pixels.spectral import FourierImage

__all__ = ["fourier", "pixels"]


def pixels(*, side: int = 64, device: str | torch.device = "cpu") -> DirectPixels:
    """A picture whose latent is its pixels.

    Args:
        side: of the square pictures, in pixels, from 8 to 4096.
        device: where it runs.

    Raises:
        InvalidInput: a side that cannot be used, an unknown device.
    """
    from fusedream_pixels.direct import DirectPixels

    return DirectPixels(side, device=device)


def fourier(*, side: int = 64, device: str | torch.device = "cpu") -> FourierImage:
    """A picture whose latent is its spectrum, in colours that do not correlate (Olah, Mordvintsev, Schubert 2017).

    Args:
        side: of the square pictures, in pixels, from 8 to 4096.
        device: where it runs.

    Raises:
        InvalidInput: a side that cannot be used, an unknown device.
    """
    from fusedream_pixels.spectral import FourierImage

    return FourierImage(side, device=device)
