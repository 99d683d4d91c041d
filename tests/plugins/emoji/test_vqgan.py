"""The shipped VQGAN of the emoji world, as a user meets it."""

from __future__ import annotations

from typing import Any

import pytest

import fusedream_sdk as fd
from fusedream_emoji import WEIGHTS
from fusedream_emoji.art import load_sprites
from fusedream_emoji.training.vqgan import HELD_OUT, Plan, World
from fusedream_sdk.latents import contains
from fusedream_sdk.testing import check_generator

pytest.importorskip("taming")  # of the extra vqgan


def test_the_generator_keeps_its_contract_on_a_canvas_that_is_not_square() -> None:
    generator = fd.load_generator("emoji-vqgan", canvas=(32, 64))
    check_generator(generator, rows=2)
    assert generator.resolution == (32, 64)


def test_scenes_that_it_was_not_trained_on_come_back() -> None:
    generator = fd.load_generator("emoji-vqgan")
    pictures = World(load_sprites()).pictures(Plan(steps=1), HELD_OUT, 16)
    drawn = generator(generator.encode(pictures))  # pyright: ignore[reportAttributeAccessIssue]
    assert (drawn - pictures).abs().mean() < 0.06


def test_the_pair_dreams_inside_the_range_of_its_codes() -> None:
    dream = fd.FuseDream("emoji-vqgan", device="cpu")
    quick: dict[str, Any] = {"steps": 2, "views": 2, "samples": 8, "bank": 8, "check_views": 2, "report_views": 2}
    result = dream.generate("a red apple", progress=False, **quick)
    assert contains(result.latents, dream.generator.space)
    assert result.images.shape == (1, 3, 64, 64)


def test_its_weights_stay_under_ten_megabytes() -> None:
    assert (WEIGHTS / "vqgan" / "model.safetensors").stat().st_size < 10e6
