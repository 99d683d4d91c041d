"""What a layer of a scene may be."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.layers import MODES, Layer, Still, as_layer, read_picture
from fusedream_sdk.pictures import from_pil
from fusedream_sdk.testing import ToyGenerator, random_latents

PICTURE = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))


def test_the_short_forms_are_layers():
    toy, image = ToyGenerator(), Image.new("RGB", (20, 20))
    assert as_layer("background", None) == Layer()
    assert as_layer("background", "a red ball") == Layer(prompt="a red ball")
    assert as_layer("background", Path("a.png")) == Layer(picture=Path("a.png"))
    assert as_layer("background", image).picture is image
    assert as_layer("background", PICTURE).picture is PICTURE
    assert as_layer("background", toy).generator is toy
    layer = Layer(prompt="red", generator="toy")
    assert as_layer("background", layer) is layer


def test_something_else_is_refused():
    with pytest.raises(InvalidInput, match=r"foreground: expected a Layer, a prompt, a picture .* or a generator, got 3"):
        as_layer("foreground", 3)
    with pytest.raises(InvalidInput, match=r"prompt: expected a sentence, got an empty one. Leave it out"):
        as_layer("foreground", " ")


@pytest.mark.parametrize("also", [{"prompt": "red"}, {"generator": ToyGenerator()}])
def test_a_fixed_picture_has_neither_a_prompt_nor_a_generator(also: dict):
    with pytest.raises(InvalidInput, match="Layer: expected a picture or a generator, got both"):
        Layer(picture=PICTURE, **also)


def test_a_still_draws_its_picture_and_its_latent_is_frozen():
    still = Still(PICTURE)
    latents = random_latents(still, 3)
    assert still.resolution == (20, 30)
    assert still.space["pixels"].frozen
    assert torch.equal(still(latents), PICTURE.expand(3, -1, -1, -1))


def test_the_identity_of_a_still_is_its_picture():
    assert Still(PICTURE).fingerprint == Still(PICTURE.clone()).fingerprint
    assert Still(PICTURE).fingerprint != Still(PICTURE + 1e-3).fingerprint


@pytest.mark.parametrize("as_text", [False, True])
def test_a_file_is_read_as_it_is(tmp_path: Path, as_text: bool):
    image = Image.effect_noise((30, 20), 90).convert("RGB")
    image.save(tmp_path / "a.png")
    path = tmp_path / "a.png"
    still = read_picture("background", str(path) if as_text else path)
    assert torch.equal(still.picture, from_pil(image))


@pytest.mark.parametrize("mode", MODES)
def test_every_usual_mode_is_read(mode: str):
    assert read_picture("background", Image.new(mode, (20, 24))).picture.shape == (3, 24, 20)


def test_transparency_is_laid_over_white():
    assert (read_picture("background", Image.new("RGBA", (20, 20), (0, 0, 0, 0))).picture == 1).all()


def test_a_tensor_is_taken_without_its_gradient():
    still = read_picture("background", PICTURE.clone().requires_grad_())
    assert torch.equal(still.picture, PICTURE)
    assert not still.picture.requires_grad


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
