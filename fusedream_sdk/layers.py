"""What a layer of a composed scene is made of: a generator with or without an own prompt, or a picture of yours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.contracts import device_of
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.fingerprint import fingerprint_of
from fusedream_sdk.latents import Latents, LatentSpec
from fusedream_sdk.pictures import from_pil
from fusedream_sdk.protocols import Generator

MODES = ("RGB", "RGBA", "L", "LA", "P", "1")
SIDES = (16, 4096)  # of a picture of the user's, in pixels


@dataclass(frozen=True)
class Layer:
    """A layer of a scene.

    Args:
        prompt: what the search looks for in this layer's start; of the whole scene's prompt by default.
        generator: draws it: an object, or a name for `load_generator`; the one in use by default.
        picture: a fixed picture in place of a generator: a file, a Pillow image, or (3, H, W) in [0, 1].
    """

    prompt: str | None = None
    generator: str | Generator | None = None
    picture: str | Path | Image.Image | Tensor | None = None

    def __post_init__(self) -> None:
        if self.prompt is not None and not self.prompt.strip():
            raise InvalidInput("prompt", expected="a sentence", got="an empty one", fix="Leave it out.")
        if self.picture is not None and (self.prompt is not None or self.generator is not None):
            fix = "A fixed picture has neither a prompt nor a generator."
            raise InvalidInput("Layer", expected="a picture or a generator", got="both", fix=fix)


LayerLike: TypeAlias = Layer | str | Path | Image.Image | Tensor | Generator | None
"""A `Layer`, its prompt as a string, its picture (a `Path`, a Pillow image, a tensor), or its generator."""


def as_layer(argument: str, value: Any) -> Layer:
    """A layer from the short forms of `LayerLike`. Raises InvalidInput for anything else."""
    if value is None or isinstance(value, Layer):
        return value or Layer()
    if isinstance(value, str):
        return Layer(prompt=value)
    if isinstance(value, (Path, Image.Image, Tensor)):
        return Layer(picture=value)
    if isinstance(value, Generator):
        return Layer(generator=value)
    raise InvalidInput(argument, expected="a Layer, a prompt, a picture (Path, image, tensor) or a generator", got=value)


class Still:
    """A fixed picture as a generator: its one latent, `pixels`, is frozen, so that a result carries the picture.

    Args:
        picture: (3, H, W) in [0, 1].
    """

    def __init__(self, picture: Tensor) -> None:
        self.picture = picture
        self.resolution = (picture.shape[-2], picture.shape[-1])
        self.space: Mapping[str, LatentSpec] = {"pixels": LatentSpec((3, *self.resolution), frozen=True)}

    @property
    def device(self) -> torch.device:
        """Where the picture lies."""
        return self.picture.device

    @property
    def fingerprint(self) -> str:
        """Identity of the picture."""
        return fingerprint_of({"picture": self.picture})

    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        return {"pixels": self.picture.expand(n, -1, -1, -1)}

    def __call__(self, latents: Latents) -> Tensor:
        return latents["pixels"]


def read_picture(argument: str, picture: Any, like: Any = None) -> Still:
    """A picture of the user's as a generator.

    Args:
        argument: what an error calls it.
        picture: a file, a Pillow image (transparency is laid over white), or a tensor (3, H, W) in [0, 1].
        like: a model on whose device the picture is put.

    Raises:
        InvalidInput: no such file, not a picture, a mode that is not RGB, RGBA or grey, a side outside 16 to 4,096 pixels,
            or a tensor of another shape or range.
    """
    if isinstance(picture, (str, Path)):
        picture = _open(argument, Path(picture).expanduser())
    if isinstance(picture, Image.Image):
        if picture.mode not in MODES:
            fix = "Convert it: picture.convert('RGB')."
            raise InvalidInput(argument, expected="a picture in RGB, RGBA or grey", got=f"mode {picture.mode}", fix=fix)
        _check_size(argument, picture.height, picture.width)
        picture = from_pil(picture)
    if not isinstance(picture, Tensor) or picture.dim() != 3 or picture.shape[0] != 3:
        got = tuple(picture.shape) if isinstance(picture, Tensor) else type(picture).__name__
        raise InvalidInput(argument, expected="a picture of shape (3, H, W)", got=f"{got}")
    _check_size(argument, *picture.shape[1:])
    if not picture.is_floating_point() or not bool(((picture >= 0) & (picture <= 1)).all()):
        got = f"{picture.dtype}, from {float(picture.min()):.3g} to {float(picture.max()):.3g}"
        raise InvalidInput(argument, expected="floating-point colours in [0, 1]", got=got, fix="Divide bytes by 255.")
    return Still(picture.detach().float().to(device_of(like)))


def _check_size(argument: str, height: int, width: int) -> None:
    if not all(SIDES[0] <= side <= SIDES[1] for side in (height, width)):
        expected = f"a picture with sides from {SIDES[0]} to {SIDES[1]} pixels"
        raise InvalidInput(argument, expected=expected, got=f"{width} x {height}", fix="Resize it.")


def _open(argument: str, path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            picture.load()
            return picture
    except FileNotFoundError as error:
        raise InvalidInput(argument, expected="an existing picture", got=str(path)) from error
    except Exception as error:  # Pillow meets damage with errors of a dozen kinds
        raise InvalidInput(argument, expected="a readable picture", got=f"{path} ({error})") from error
