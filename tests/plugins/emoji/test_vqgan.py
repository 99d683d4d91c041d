"""The shipped VQGAN of the emoji world, as a user meets it."""

from __future__ import annotations

from typing import Any

import torch

import fusedream_sdk as fd
from fusedream_emoji import WEIGHTS
from fusedream_emoji.training.generator import rehearse
from fusedream_sdk.latents import contains
from fusedream_sdk.testing import check_generator


def test_the_generator_keeps_its_contract_on_a_canvas_that_is_not_square() -> None:
    generator = fd.load_generator("emoji-vqgan", canvas=(32, 64))
    check_generator(generator, rows=2)
    assert generator.resolution == (32, 64)


def test_pictures_come_back_nearer_than_plain_grey() -> None:
    generator = fd.load_generator("emoji-vqgan")
    sprites = torch.ones(3, 4, 4, 64, 64)
    sprites[:, :, :3] *= torch.rand(3, 4, 3, 1, 1, generator=torch.Generator().manual_seed(0))
    pictures = (rehearse(sprites, 8, 0, 0)[2] + 1) / 2
    drawn = generator(generator.encode(pictures))  # pyright: ignore[reportAttributeAccessIssue]
    assert (drawn - pictures).abs().mean() < (pictures - 0.5).abs().mean()


def test_the_pair_dreams_inside_the_range_of_its_codes() -> None:
    dream = fd.FuseDream("emoji-vqgan", device="cpu")
    quick: dict[str, Any] = {"steps": 2, "views": 2, "samples": 4, "bank": 4, "check_views": 2, "report_views": 2}
    result = dream.generate("a red apple", progress=False, **quick)
    assert contains(result.latents, dream.generator.space)
    assert result.images.shape == (1, 3, 64, 64)


def test_its_weights_stay_under_ten_megabytes() -> None:
    assert (WEIGHTS / "vqgan" / "model.safetensors").stat().st_size < 10e6
