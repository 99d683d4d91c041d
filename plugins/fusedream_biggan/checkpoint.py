"""From files to a network, one truncation at a time: strict, and never running code from a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from fusedream_biggan.config import Config, Extras, read_config
from fusedream_biggan.files import Files
from fusedream_biggan.network import FoldedBigGAN
from fusedream_biggan.network_shallow import ShallowBigGAN
from fusedream_biggan.shapes import plain, read_shapes
from fusedream_biggan.shapes_deep import entries
from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.models.weights import check_digest, check_tensors, first_line, read_tensors

DEEP = "biggan-deep"
ARCHITECTURES = (DEEP, "biggan-128", "biggan-256", "biggan-512")


@dataclass(frozen=True)
class Checkpoint:
    """What was loaded.

    Attributes:
        build: from a truncation to the network (float32, frozen, on the CPU).
        extras: what a config.json says beyond the architecture.
        fingerprint: identity of the weights.
    """

    build: Callable[[float], FoldedBigGAN | ShallowBigGAN]
    extras: Extras
    fingerprint: str


def load_checkpoint(files: Files, *, architecture: str | None = None, sha256: str | None = None) -> Checkpoint:
    """Read a checkpoint strictly: a BigGAN-deep if it has a config.json, else a non-deep BigGAN.

    Raises:
        InvalidInput: another architecture than the one that was asked for.
        WeightsError: a digest that differs, a file that is damaged or holds code, entries that are missing, unexpected,
            of another shape or not finite.
    """
    if architecture not in (None, *ARCHITECTURES):
        raise InvalidInput("architecture", expected=f"one of {', '.join(ARCHITECTURES)}", got=architecture)
    if sha256 is not None:
        check_digest(files.weights, sha256)
    if files.config is None:
        return load_shallow(files.weights, architecture)
    check_architecture(architecture, DEEP, files.config)
    return load_deep(files.config, files.weights)


def load_deep(config_file: Path, weights: Path) -> Checkpoint:
    """A BigGAN-deep, by its config.json."""
    config, extras = read_config(config_file)
    tensors = read_tensors(weights)
    check_entries(config, tensors, weights)
    identity = fingerprint_of(tensors, {"architecture": DEEP, **config.to_dict()})
    return Checkpoint(partial(FoldedBigGAN, tensors, config), extras, identity)


def load_shallow(path: Path, architecture: str | None) -> Checkpoint:
    """A non-deep BigGAN, by the shapes of its weights."""
    tensors = plain(read_tensors(path))
    shapes = read_shapes(tensors, path)
    check_architecture(architecture, shapes.name, path)
    model = f"a {shapes.name} of {shapes.widths[-1]} last channels"
    check_tensors(shapes.entries(), tensors, path, model=model, advice="Is the file whole, and the generator's?")
    return Checkpoint(partial(ShallowBigGAN, tensors, shapes), Extras(), fingerprint_of(tensors, {"architecture": "biggan"}))


def check_architecture(asked: str | None, found: str, path: Path) -> None:
    """Compare what the user named with what the files are."""
    if asked not in (None, found):
        raise InvalidInput("architecture", expected=f"{found!r}, as {path} holds one", got=asked)


def check_entries(config: Config, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Exactly the entries that a config.json asks for."""
    try:
        wanted = entries(config)
    except Exception as error:  # torch has its own for sizes that nobody can build
        raise WeightsError(f"{path}: config.json asks for a network that cannot be built ({first_line(error)}).") from error
    check_tensors(wanted, tensors, path, model="config.json", advice="Do config.json and the weights belong together?")
