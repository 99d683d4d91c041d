"""What a layer of a composed scene is made of: a generator with or without an own prompt, or a picture of yours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pictures import PictureLike, read_picture
from fusedream_sdk.latents import Latents, LatentSpec
from fusedream_sdk.models.checks import device_of
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.protocols import Generator
from fusedream_sdk.runtime.checks import check_kind, kind_of
from fusedream_sdk.scoring.prompt import Prompt, check_prompt


@dataclass(frozen=True)
class Layer:
    """A layer of a scene.

    Args:
        prompt: what the search looks for in this layer's start; of the whole scene's prompt by default.
        generator: draws it: an object, or a name for `load_generator`; the one in use by default.
        picture: a fixed picture in place of a generator: a file, a Pillow image, or (3, H, W) in [0, 1].
    """

    prompt: str | Prompt | None = None
    generator: str | Generator | None = None
    picture: PictureLike | None = None

    def __post_init__(self) -> None:
        if self.prompt is not None:
            check_prompt("prompt", self.prompt, fix="Leave it out.")
        if self.generator is not None and not isinstance(self.generator, (str, Generator)):
            expected = "a name, or an object with the members of Generator"
            raise InvalidInput("generator", expected=expected, got=kind_of(self.generator), fix="Leave it out.")
        if self.picture is not None:
            check_kind("picture", self.picture, (str, Path, Image.Image, Tensor), "a file, a Pillow image or a tensor")
        if self.picture is not None and (self.prompt is not None or self.generator is not None):
            fix = "A fixed picture has neither a prompt nor a generator."
            raise InvalidInput("Layer", expected="a picture or a generator", got="both", fix=fix)


LayerLike: TypeAlias = Layer | str | Prompt | Path | Image.Image | Tensor | Generator | None
"""A `Layer`, its prompt, its picture (a `Path`, a Pillow image, a tensor), or its generator."""


def as_layer(argument: str, value: Any) -> Layer:
    """A layer from the short forms of `LayerLike`. Raises InvalidInput for anything else."""
    if value is None or isinstance(value, Layer):
        return value or Layer()
    if isinstance(value, (str, Prompt)):
        check_prompt(argument, value, fix="Leave it out.")
        return Layer(prompt=value)
    if isinstance(value, (Path, Image.Image, Tensor)):
        return Layer(picture=value)
    if isinstance(value, Generator):
        return Layer(generator=value)
    expected = "a Layer, a prompt, a picture (Path, image, tensor) or a generator"
    raise InvalidInput(argument, expected=expected, got=kind_of(value), fix="Leave it out.")


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


def read_still(argument: str, picture: PictureLike, like: Any = None) -> Still:
    """A picture of the user's as a generator, on the device of the model `like`. Raises InvalidInput as `read_picture`."""
    return Still(read_picture(argument, picture).to(device_of(like)))
