"""VQGAN (Esser, Rombach, Ommer 2021, arXiv:2012.09841) as a FuseDream generator, from checkpoints of taming-transformers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from fusedream_vqgan.generator import VQGANGenerator

__all__ = ["load"]


def load(
    *,
    weights: str | Path,
    config: str | Path | None = None,
    canvas: tuple[int, int] | None = None,
    device: str | torch.device = "cpu",
    sha256: str | None = None,
) -> VQGANGenerator:
    """Load a VQGAN: taming's VQModel or GumbelVQ.

    Args:
        weights: a folder with config.yaml and model.safetensors, model.ckpt or last.ckpt (also in taming's subfolders
            configs and checkpoints), or a .ckpt or .safetensors file.
        config: the YAML file; by default the one in the folder, or the one beside the file with the same name.
        canvas: (H, W) of the pictures in pixels, multiples of the stride; by default the side that it was trained on.
        device: where it runs.
        sha256: what the file of weights has to hash to, 64 hexadecimal digits.

    Raises:
        InvalidInput: an option that cannot be used.
        WeightsError: files that are missing, damaged, of another architecture, or not safe to load.
        PluginImportError: the extra `vqgan` is not installed.
    """
    require("taming", "yaml")
    from fusedream_vqgan.checkpoint import load_checkpoint
    from fusedream_vqgan.files import locate
    from fusedream_vqgan.generator import VQGANGenerator

    return VQGANGenerator(load_checkpoint(locate(weights, config), sha256=sha256), canvas=canvas).to(device)


def require(*modules: str) -> None:
    """Say what to install if a module is not there: the packages' names are not those of their modules."""
    from fusedream_sdk.models import missing

    missing.require("generators: a VQGAN needs", "vqgan", *modules)
