"""BigGAN-deep (Brock et al. 2019) as a FuseDream generator, from the weights of pytorch-pretrained-biggan."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

    from fusedream_biggan.generator import BigGANGenerator

__all__ = ["deep_128", "deep_256", "deep_512", "load"]


def load(
    *,
    weights: str | Path = "biggan-deep-256",
    device: str | torch.device = "cpu",
    truncation: float = 1.0,
    classes: Literal["uniform", "gaussian"] = "uniform",
    cache_dir: str | Path | None = None,
    revision: str | None = None,
    sha256: str | None = None,
) -> BigGANGenerator:
    """Load a BigGAN-deep.

    Args:
        weights: a name of pytorch-pretrained-biggan (`biggan-deep-128`, `-256`, `-512`), a folder with config.json and
            model.safetensors or pytorch_model.bin, or a Hugging Face repository id that holds the same files.
        device: where it runs.
        truncation: in (0, 1]: how far z reaches, and which of the stored batch-norm statistics are used.
        classes: how `sample` draws the class embedding y: "uniform" is that of one of the model's classes, as in
            section 3.2 of the paper; "gaussian" is N(0, 1) per coordinate, its rival in figure 12.
        cache_dir: where downloads are kept. Default: torch's hub folder for names, Hugging Face's for repositories.
        revision: branch, tag or commit of a repository id.
        sha256: what the file of weights has to hash to, 64 hexadecimal digits.

    Raises:
        InvalidInput: an option that cannot be used.
        WeightsError: weights that are missing, damaged, of another architecture, or not safe to load.
    """
    from fusedream_biggan.checkpoint import load_checkpoint
    from fusedream_biggan.files import locate
    from fusedream_biggan.generator import BigGANGenerator

    checkpoint = load_checkpoint(locate(weights, cache_dir=cache_dir, revision=revision), sha256=sha256)
    return BigGANGenerator(checkpoint, truncation=truncation, classes=classes).to(device)


deep_128 = partial(load, weights="biggan-deep-128")
deep_256 = partial(load, weights="biggan-deep-256")
deep_512 = partial(load, weights="biggan-deep-512")
