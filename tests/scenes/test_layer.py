"""What a layer of a scene may be."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pictures import from_pil
from fusedream_sdk.scenes.layer import Layer, Still, as_layer, read_still
from fusedream_sdk.scoring.prompt import Prompt
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
    with pytest.raises(InvalidInput, match=r"foreground: expected a Layer, a prompt, a picture .* or a generator, got an int"):
        as_layer("foreground", 3)
    with pytest.raises(InvalidInput, match=r"foreground: expected a sentence, got an empty one. Leave it out"):
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


def test_a_picture_of_the_users_is_a_still(tmp_path: Path):
    image = Image.effect_noise((30, 20), 90).convert("RGB")
    image.save(tmp_path / "a.png")
    assert torch.equal(read_still("background", tmp_path / "a.png").picture, from_pil(image))
    with pytest.raises(InvalidInput, match="foreground: expected an existing picture"):
        read_still("foreground", tmp_path / "none.png")


def test_a_prompt_object_is_a_layer_as_a_sentence_is():
    prompt = Prompt("red") - Prompt("blue")
    assert as_layer("background", prompt) == Layer(prompt=prompt)
    with pytest.raises(InvalidInput, match=r"background: expected a part with a weight above 0, got 'red:-1 \|'. Leave it out"):
        as_layer("background", -Prompt("red"))
