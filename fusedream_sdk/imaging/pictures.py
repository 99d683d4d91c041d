"""Between image tensors and picture files."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, shown
from fusedream_sdk.runtime.files import atomic_path
from fusedream_sdk.runtime.paths import readable_file
from fusedream_sdk.runtime.plain import parse_json

KEY = "fusedream"  # the PNG text chunk that carries the recipe
MODES = ("RGB", "RGBA", "L", "LA", "P", "1")
SIDES = (16, 4096)  # of a picture of the user's, in pixels
MOST_PIXELS = 1 << 26  # of a picture with a recipe

PictureLike: TypeAlias = str | Path | Image.Image | Tensor
"""A picture of the user's: a file, a Pillow image, or (3, H, W) in [0, 1]."""


def to_pil(image: Tensor) -> Image.Image:
    """(3, H, W) in [0, 1] to an RGB picture, rounded to 8 bits and never stretched."""
    pixels = (image.detach().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())


def from_pil(picture: Image.Image) -> Tensor:
    """A picture to (3, H, W) in [0, 1]; transparency is laid over white."""
    rgba = picture.convert("RGBA")
    rgb = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return torch.from_numpy(np.array(rgb)).permute(2, 0, 1).float() / 255


def how_far(a: Image.Image, b: Image.Image) -> tuple[int, float]:
    """How far two pictures of one size differ: the largest difference of a colour, of 255, and the share of pixels that do."""
    first, second = (np.asarray(picture.convert("RGB")).astype(int) for picture in (a, b))
    apart = abs(first - second).max(axis=2)
    return int(apart.max()), float((apart > 0).mean())


def grid(images: Tensor, columns: int, *, gap: int = 2) -> Image.Image:
    """(B, 3, H, W) in rows of `columns` on white, `gap` pixels apart."""
    height, width = images.shape[-2:]
    lines = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * (width + gap) - gap, lines * (height + gap) - gap), "white")
    for i, image in enumerate(images):
        sheet.paste(to_pil(image), (i % columns * (width + gap), i // columns * (height + gap)))
    return sheet


def png_bytes(picture: Image.Image) -> bytes:
    """A picture as PNG."""
    buffer = BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def save_png(picture: Image.Image, path: str | Path, recipe: Mapping[str, Any], *, overwrite: bool = True) -> None:
    """Write a PNG that carries its recipe, whole or not at all."""
    if Path(path).suffix.lower() != ".png":
        raise InvalidInput("out", expected="a file that ends in .png (it carries the recipe)", got=str(path))
    info = PngImagePlugin.PngInfo()
    info.add_itxt(KEY, json.dumps(recipe, ensure_ascii=False), zip=True)
    with atomic_path(path, overwrite=overwrite) as temporary:
        picture.save(temporary, format="PNG", pnginfo=info)


def read_recipe(path: str | Path) -> dict[str, Any]:
    """The recipe in a PNG that the SDK wrote.

    Raises:
        InvalidInput: no such file, not a picture, or one without a recipe.
    """
    fix = "Give a PNG that fusedream saved and that no other program has saved again since."
    file = readable_file("picture", path, otherwise="a readable PNG")
    try:
        text = _text_of(file)
    except Exception as error:  # Pillow meets damage with errors of a dozen kinds
        raise InvalidInput("picture", expected="a readable PNG", got=f"{path} ({first(error)})", fix=fix) from error
    if text is None:
        raise InvalidInput("picture", expected="a PNG with a fusedream recipe", got=f"{path} without one", fix=fix)
    try:
        recipe = parse_json(text)
    except ValueError as error:
        got = f"{path} with a damaged one ({first(error)})"
        raise InvalidInput("picture", expected="a whole recipe", got=got, fix=fix) from error
    if not isinstance(recipe, dict):
        raise InvalidInput("picture", expected="a whole recipe", got=f"{path} with something else", fix=fix)
    return recipe


def _text_of(file: Path) -> str | None:
    """The text chunk of a picture, whether it stands before the pixels or after. Raises ValueError for too many pixels."""
    with quiet_about_size(), Image.open(file, formats=readers()) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise ValueError(f"{picture.width} x {picture.height} are too many pixels")
        picture.load()  # Pillow bounds what a compressed text may come to
        found = getattr(picture, "text", {}).get(KEY)
    return None if found is None else str(found)


@contextmanager
def quiet_about_size() -> Iterator[None]:
    """No warning of Pillow's own about large pictures: their size is checked before they are decoded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def readers() -> list[str]:
    """The formats that are read: all of Pillow's, but for the one that would run a program of its own on the file."""
    Image.init()
    return [name for name in Image.OPEN if name != "EPS"]


def first(error: Exception) -> str:
    """The beginning of what an error says, in one line."""
    return shown(" ".join(str(error).split()).rstrip(".") or type(error).__name__, 200)


def read_picture(argument: str, picture: Any) -> Tensor:
    """A picture of the user's, (3, H, W) in [0, 1].

    Args:
        argument: what an error calls it.
        picture: a file, a Pillow image (transparency is laid over white), or a tensor (3, H, W) in [0, 1].

    Raises:
        InvalidInput: no such file, not a picture, a mode that is not RGB, RGBA or grey, a side outside 16 to 4,096 pixels,
            or a tensor of another shape or range.
    """
    if isinstance(picture, (str, Path)):
        return _read_file(argument, readable_file(argument, picture, "an existing picture", "a readable picture"))
    if isinstance(picture, Image.Image):
        _check_header(argument, picture)
        return from_pil(picture)
    if not isinstance(picture, Tensor) or picture.dim() != 3 or picture.shape[0] != 3:
        got = tuple(picture.shape) if isinstance(picture, Tensor) else type(picture).__name__
        raise InvalidInput(argument, expected="a picture of shape (3, H, W)", got=f"{got}")
    _check_size(argument, *picture.shape[1:])
    if not picture.is_floating_point() or not bool(((picture >= 0) & (picture <= 1)).all()):
        got = f"{picture.dtype}, from {float(picture.min()):.3g} to {float(picture.max()):.3g}"
        raise InvalidInput(argument, expected="floating-point colours in [0, 1]", got=got, fix="Divide bytes by 255.")
    return picture.detach().float().cpu()


def read_pictures(argument: str, pictures: PictureLike | Sequence[PictureLike]) -> list[Tensor]:
    """One picture of the user's or several, (3, H, W) each. Raises InvalidInput for none, or one that cannot be read."""
    if not isinstance(pictures, (list, tuple)):
        return [read_picture(argument, pictures)]
    if not pictures:
        raise InvalidInput(argument, expected="at least one picture", got="an empty list")
    return [read_picture(f"{argument}[{i}]", picture) for i, picture in enumerate(pictures)]


def _read_file(argument: str, path: Path) -> Tensor:
    try:
        with quiet_about_size(), Image.open(path, formats=readers()) as picture:
            _check_header(argument, picture)
            return from_pil(picture)
    except InvalidInput:
        raise
    except Exception as error:  # Pillow meets damage with errors of a dozen kinds
        raise InvalidInput(argument, expected="a readable picture", got=f"{path} ({first(error)})") from error


def _check_header(argument: str, picture: Image.Image) -> None:
    if picture.mode not in MODES:
        fix = "Convert it: picture.convert('RGB')."
        raise InvalidInput(argument, expected="a picture in RGB, RGBA or grey", got=f"mode {picture.mode}", fix=fix)
    _check_size(argument, picture.height, picture.width)


def _check_size(argument: str, height: int, width: int) -> None:
    if not all(SIDES[0] <= side <= SIDES[1] for side in (height, width)):
        expected = f"a picture with sides from {SIDES[0]} to {SIDES[1]} pixels"
        raise InvalidInput(argument, expected=expected, got=f"{width} x {height}", fix="Resize it.")
