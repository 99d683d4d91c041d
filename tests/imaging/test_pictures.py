"""Between tensors and picture files."""

from __future__ import annotations

import json
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.imaging.pictures import KEY, from_pil, grid, png_bytes, read_recipe, save_png, to_pil

RECIPE = {"prompt": 'ein grüner Hund 🐶\n"quoted"', "seed": 2**63 - 1, "settings": {"lr": 0.05, "patience": None}}
PICTURE = Image.new("RGB", (5, 4), (10, 20, 30))


def test_pixels_are_rounded_clamped_and_never_stretched():
    image = torch.tensor([-0.5, 0.0, 0.4 / 255, 0.6 / 255, 0.5, 1.0, 7.0]).expand(3, 1, 7)
    assert to_pil(image).getchannel("R").tobytes() == bytes([0, 0, 0, 1, 128, 255, 255])


def test_a_picture_of_bytes_survives_the_way_there_and_back():
    image = torch.randint(0, 256, (3, 6, 5), generator=torch.Generator().manual_seed(0)) / 255
    torch.testing.assert_close(from_pil(to_pil(image)), image)


def test_transparency_is_laid_over_white():
    clear = Image.new("RGBA", (2, 2), (255, 0, 0, 0))
    assert from_pil(clear).eq(1).all()


def test_a_grid_sets_every_picture_in_its_place():
    images = torch.arange(5).view(5, 1, 1, 1).expand(5, 3, 4, 6) / 255
    sheet = grid(images, columns=2, gap=1)
    assert sheet.size == (13, 14)
    assert [sheet.getpixel(((i % 2) * 7, (i // 2) * 5)) for i in range(5)] == [(i, i, i) for i in range(5)]
    assert sheet.getpixel((6, 0)) == sheet.getpixel((7, 10)) == (255, 255, 255)


def test_png_bytes_are_a_png():
    assert Image.open(BytesIO(png_bytes(PICTURE))).tobytes() == PICTURE.tobytes()


def test_the_recipe_survives_in_the_png_beside_the_pixels(tmp_path: Path):
    save_png(PICTURE, tmp_path / "a.png", RECIPE)
    assert read_recipe(tmp_path / "a.png") == RECIPE
    assert Image.open(tmp_path / "a.png").tobytes() == PICTURE.tobytes()


def test_only_png_takes_a_recipe(tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"out: expected a file that ends in .png \(it carries the recipe\), got .*a.jpg"):
        save_png(PICTURE, tmp_path / "a.jpg", RECIPE)
    assert not list(tmp_path.iterdir())


def test_an_existing_picture_is_kept_unless_overwriting_is_allowed(tmp_path: Path):
    save_png(PICTURE, tmp_path / "a.png", {"seed": 1})
    with pytest.raises(OutputError, match="exists"):
        save_png(PICTURE, tmp_path / "a.png", {"seed": 2}, overwrite=False)
    assert read_recipe(tmp_path / "a.png") == {"seed": 1}


def foreign(path: Path, text: str | None) -> Path:
    info = PngImagePlugin.PngInfo()
    if text is not None:
        info.add_itxt(KEY, text)
    PICTURE.save(path, pnginfo=info)
    return path


def test_pictures_without_a_recipe_are_refused_each_with_its_reason(tmp_path: Path):
    fix = "Give a PNG that fusedream saved and that no other program has saved again since"
    PICTURE.save(tmp_path / "a.jpg")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    cases = {
        tmp_path / "none.png": r"picture: expected an existing file, got .*none.png",
        tmp_path: "picture: expected a readable PNG",
        tmp_path / "text.png": f"picture: expected a readable PNG, got .*text.png .* {fix}",
        tmp_path / "empty.png": "picture: expected a readable PNG",
        tmp_path / "a.jpg": f"picture: expected a PNG with a fusedream recipe, got .*a.jpg without one. {fix}",
        foreign(tmp_path / "foreign.png", None): "picture: expected a PNG with a fusedream recipe",
        foreign(tmp_path / "half.png", '{"prompt": "a r'): "picture: expected a whole recipe, got .* with a damaged one",
        foreign(tmp_path / "list.png", json.dumps([1])): "picture: expected a whole recipe, got .* with something else",
    }
    for path, message in cases.items():
        with pytest.raises(InvalidInput, match=message):
            read_recipe(path)


@given(st.integers(0, 10_000), st.integers(0, 255), st.booleans())
@hypothesis_settings(max_examples=150)
def test_a_damaged_png_gives_its_recipe_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, cut: bool
):
    path = tmp_path_factory.mktemp("png") / "a.png"
    save_png(PICTURE, path, RECIPE)
    content = bytearray(path.read_bytes())
    at %= len(content)
    path.write_bytes(content[:at] if cut else bytes([*content[:at], byte, *content[at + 1 :]]))
    with suppress(InvalidInput):
        assert read_recipe(path) == RECIPE
