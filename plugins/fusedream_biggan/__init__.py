"""BigGAN and BigGAN-deep (Brock et al. 2019) as FuseDream generators.

BigGAN-deep comes from the weights of pytorch-pretrained-biggan; BigGAN, which the FuseDream paper uses, from those of
BigGAN-PyTorch, to which FuseDream's authors converted the ones on TensorFlow Hub.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

    from fusedream_biggan.generator import BigGANGenerator
    from fusedream_sdk.models.sources import Sources

__all__ = ["deep_128", "deep_256", "deep_512", "load", "shallow_128", "shallow_256", "shallow_512"]

Architecture = Literal["biggan-deep", "biggan-128", "biggan-256", "biggan-512"]


def load(
    *,
    weights: str | Path = "biggan-deep-256",
    architecture: Architecture | None = None,
    device: str | torch.device = "cpu",
    truncation: float = 1.0,
    classes: Literal["uniform", "gaussian"] = "uniform",
    layers: bool = False,
    cache_dir: str | Path | None = None,
    revision: str | None = None,
    sha256: str | None = None,
) -> BigGANGenerator:
    """Load a BigGAN-deep or a BigGAN.

    Args:
        weights: a name of pytorch-pretrained-biggan (`biggan-deep-128`, `-256`, `-512`), a folder with config.json and
            model.safetensors or pytorch_model.bin, or a Hugging Face repository id that holds the same files: all these
            are BigGAN-deep. A file (.pth, .pt, .bin or .safetensors) is a BigGAN, its sizes read from its shapes.
        architecture: what the weights have to be, if that is to be checked.
        device: where it runs.
        truncation: in (0, 1]: how far z reaches, and which of the stored batch-norm statistics are used. A BigGAN has
            statistics for 1 alone, and any other truncation is refused.
        classes: how `sample` draws the class embedding y: "uniform" is that of one of the model's classes, as in
            section 3.2 of the paper; "gaussian" is N(0, 1) per coordinate, its rival in figure 12.
        layers: whether every layer has a z and shares of all classes of its own, as Big Sleep moves them; BigGAN-deep alone.
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

    files = locate(weights, cache_dir=cache_dir, revision=revision)
    checkpoint = load_checkpoint(files, architecture=architecture, sha256=sha256)
    return BigGANGenerator(checkpoint, truncation=truncation, classes=classes, layers=layers).to(device)


def cached(weights: str) -> bool:
    """Whether the files of a name or repository id are here, so that nothing need be fetched."""
    from fusedream_biggan.files import is_cached

    return is_cached(weights)


def sources(entry: str, options: Mapping[str, Any]) -> Sources:
    """What would be fetched, for `fusedream models fetch`. Raises InvalidInput, WeightsError: there is no address."""
    from fusedream_biggan.files import sources_of

    if options.get("weights") is None:
        shallow(architecture=options["architecture"])
    return sources_of(str(options["weights"]), options.get("cache_dir"), options.get("revision"))


def shallow(*, architecture: Architecture, weights: str | Path | None = None, **options: Any) -> BigGANGenerator:
    """Load a BigGAN of one resolution, as `load` does. Its weights have no address to be fetched from.

    Raises:
        InvalidInput: no weights are given; the message says where they are.
    """
    from fusedream_sdk.errors import InvalidInput

    if weights is None:
        call = f"load_generator({architecture!r}, weights='{architecture}.pth')"
        fix = f"Get it from {SOURCES} and give its path: {call}, or the name {architecture}:{architecture}.pth."
        raise InvalidInput("weights", expected=f"the file {architecture}.pth, which cannot be fetched", got=None, fix=fix)
    return load(weights=weights, architecture=architecture, **options)


SOURCES = (
    "https://drive.google.com/drive/folders/1nJ3HmgYgeA9NZr-oU-enqbYeO7zBaANs (FuseDream's authors; 256 and 512 px), "
    "or make it by TFHub/converter.py of https://github.com/ajbrock/BigGAN-PyTorch,"
)

deep_128 = partial(load, weights="biggan-deep-128")
deep_256 = partial(load, weights="biggan-deep-256")
deep_512 = partial(load, weights="biggan-deep-512")
shallow_128 = partial(shallow, architecture="biggan-128")
shallow_256 = partial(shallow, architecture="biggan-256")
shallow_512 = partial(shallow, architecture="biggan-512")
