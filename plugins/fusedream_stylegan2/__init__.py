"""StyleGAN2 (Karras et al. 2020, arXiv:1912.04958) as a FuseDream generator, from the files of two public codes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

    from fusedream_stylegan2.generator import StyleGAN2Generator

__all__ = ["load"]


def load(
    *,
    weights: str | Path,
    space: Literal["z", "w", "w+"] = "w",
    truncation: float = 1.0,
    noise: int | None = None,
    canvas: Any = None,
    device: str | torch.device = "cpu",
    sha256: str | None = None,
) -> StyleGAN2Generator:
    """Load a StyleGAN2; its sizes are read from the shapes of its tensors.

    Args:
        weights: a file, or a folder with one. A .pt of rosinality/stylegan2-pytorch, whose "g_ema" is taken; or the state of
            the generator of NVlabs/stylegan2-ada-pytorch or NVlabs/stylegan3, as .safetensors, which `fusedream convert`
            makes of a .pkl.
        space: of the latents: "z", what was drawn; "w", what the mapping network makes of it; "w+", one w for each layer.
        truncation: psi in (0, 1]: how far w reaches from its mean. Samples are truncated in "w" and "w+", pictures in "z".
        noise: a seed from which the noise of the layers is drawn; that of the file by default. It is the same in every
            picture.
        canvas: nothing but the side that it was trained on, twice: a StyleGAN2 draws squares.
        device: where it runs.
        sha256: what the file of weights has to hash to, 64 hexadecimal digits.

    Raises:
        InvalidInput: an option that cannot be used.
        WeightsError: a file that is missing, damaged, of another architecture, or not safe to load.
    """
    from fusedream_stylegan2.checkpoint import load_checkpoint
    from fusedream_stylegan2.files import locate
    from fusedream_stylegan2.generator import StyleGAN2Generator

    checkpoint = load_checkpoint(locate(weights), sha256=sha256)
    return StyleGAN2Generator(checkpoint, space=space, truncation=truncation, noise=noise, canvas=canvas).to(device)
