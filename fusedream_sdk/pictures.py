"""Between image tensors and picture files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.files import atomic_path

KEY = "fusedream"  # the PNG text chunk that carries the recipe


def to_pil(image: Tensor) -> Image.Image:
    """(3, H, W) in [0, 1] to an RGB picture, rounded to 8 bits and never stretched."""
    pixels = (image.detach().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())


def from_pil(picture: Image.Image) -> Tensor:
    """A picture to (3, H, W) in [0, 1]; transparency is laid over white."""
    rgba = picture.convert("RGBA")
    rgb = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return torch.from_numpy(np.array(rgb)).permute(2, 0, 1).float() / 255


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
    try:
        with Image.open(Path(path).expanduser()) as picture:
            picture.load()  # text chunks may follow the pixels
            text = getattr(picture, "text", {}).get(KEY)
    except FileNotFoundError as error:
        raise InvalidInput("picture", expected="an existing file", got=str(path)) from error
    except Exception as error:  # Pillow meets damage with errors of a dozen kinds
        raise InvalidInput("picture", expected="a readable PNG", got=f"{path} ({error})", fix=fix) from error
    if text is None:
        raise InvalidInput("picture", expected="a PNG with a fusedream recipe", got=f"{path} without one", fix=fix)
    try:
        recipe = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput("picture", expected="a whole recipe", got=f"{path} with a damaged one", fix=fix) from error
    if not isinstance(recipe, dict):
        raise InvalidInput("picture", expected="a whole recipe", got=f"{path} with something else", fix=fix)
    return recipe
