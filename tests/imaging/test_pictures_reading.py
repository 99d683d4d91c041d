"""Pictures of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image, PngImagePlugin

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pictures import MODES, from_pil, read_picture

PICTURE = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("as_text", [False, True])
def test_a_file_is_read_as_it_is(tmp_path: Path, as_text: bool):
    image = Image.effect_noise((30, 20), 90).convert("RGB")
    image.save(tmp_path / "a.png")
    path = tmp_path / "a.png"
    assert torch.equal(read_picture("background", str(path) if as_text else path), from_pil(image))


@pytest.mark.parametrize("mode", MODES)
def test_every_usual_mode_is_read(mode: str):
    assert read_picture("background", Image.new(mode, (20, 24))).shape == (3, 24, 20)


def test_transparency_is_laid_over_white():
    assert (read_picture("background", Image.new("RGBA", (20, 20), (0, 0, 0, 0))) == 1).all()


def test_a_tensor_is_taken_without_its_gradient():
    picture = read_picture("background", PICTURE.clone().requires_grad_())
    assert torch.equal(picture, PICTURE)
    assert not picture.requires_grad


@pytest.mark.parametrize("mode", ["CMYK", "I", "F", "HSV", "LAB", "YCbCr", "I;16"])
def test_another_mode_is_refused_with_the_fix(mode: str):
    message = rf"background: expected a picture in RGB, RGBA or grey, got mode {mode}. Convert it: picture.convert\('RGB'\)"
    with pytest.raises(InvalidInput, match=message):
        read_picture("background", Image.new(mode, (20, 20)))


@pytest.mark.parametrize("size", [(15, 20), (20, 15), (4097, 20), (20, 4097)])
def test_another_size_is_refused(size: tuple[int, int]):
    message = f"background: expected a picture with sides from 16 to 4096 pixels, got {size[0]} x {size[1]}. Resize it"
    with pytest.raises(InvalidInput, match=message):
        read_picture("background", Image.new("L", size))
    with pytest.raises(InvalidInput, match=message):
        read_picture("background", torch.zeros(3, size[1], size[0]))


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (torch.zeros(1, 20, 20), r"a picture of shape \(3, H, W\), got \(1, 20, 20\)"),
        (torch.zeros(2, 3, 20, 20), r"a picture of shape \(3, H, W\), got \(2, 3, 20, 20\)"),
        (torch.zeros(20, 20), r"a picture of shape \(3, H, W\), got \(20, 20\)"),
        (7, r"a picture of shape \(3, H, W\), got int"),
        (torch.full((3, 20, 20), 200, dtype=torch.uint8), r"floating-point colours in .*, got torch.uint8, .* Divide bytes"),
        (2 * PICTURE, r"floating-point colours in \[0, 1\], got torch.float32, from .* to 2"),
        (PICTURE - 0.5, r"floating-point colours in \[0, 1\], got torch.float32, from -0.5"),
        (torch.full((3, 20, 20), torch.nan), r"floating-point colours in \[0, 1\], got torch.float32, from nan"),
    ],
    ids=["channels", "batch", "flat", "number", "bytes", "bright", "dark", "nan"],
)
def test_a_tensor_of_another_shape_or_range_is_refused(picture: object, message: str):
    with pytest.raises(InvalidInput, match=f"background: expected {message}"):
        read_picture("background", picture)


def test_a_missing_file_a_folder_and_a_file_of_something_else_are_refused(tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"foreground: expected an existing picture, got .*none.png"):
        read_picture("foreground", tmp_path / "none.png")
    with pytest.raises(InvalidInput, match="foreground: expected a readable picture, got"):
        read_picture("foreground", tmp_path)
    Image.effect_noise((64, 64), 90).save(tmp_path / "half.png")
    half = (tmp_path / "half.png").read_bytes()[:900]
    for content in (b"", b"no picture", half):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(InvalidInput, match=r"foreground: expected a readable picture, got .*a.png"):
            read_picture("foreground", tmp_path / "a.png")


def test_a_huge_file_is_refused_before_it_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Image.new("1", (12_000, 9_000)).save(tmp_path / "huge.png")

    def decoded(*args: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", decoded)
    message = r"image: expected a picture with sides from 16 to 4096 pixels, got 12000 x 9000. Resize it"
    with pytest.raises(InvalidInput, match=message):
        read_picture("image", tmp_path / "huge.png")


def test_a_decompression_bomb_is_refused(tmp_path: Path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    with pytest.raises(InvalidInput, match=r"image: expected a .*picture.*, got .*bomb.png"):
        read_picture("image", tmp_path / "bomb.png")
