"""The latent banks that ship with the emoji pairs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import fusedream_sdk as fd
from fusedream_emoji import BANKS
from fusedream_emoji.training.banks import PAIRS
from fusedream_sdk.models import registry
from fusedream_sdk.search.bank import BLOCK
from fusedream_sdk.search.building import embed_block

ROUNDED = 1e-3  # two steps of half precision
AGAIN = "python -m fusedream_emoji.training.banks builds them again"


@pytest.fixture(params=PAIRS)
def dream(request: pytest.FixtureRequest) -> fd.FuseDream:
    if request.param == "emoji-vqgan":
        pytest.importorskip("taming")
    return fd.FuseDream(request.param, device="cpu", dtype="float32")


def test_every_pair_of_the_plugin_ships_a_bank_and_no_other_is_there():
    pairs = [p for p in (registry.load("models", name) for name in fd.list_models()) if Path(p.banks or "/") == BANKS]
    assert len(pairs) == len(PAIRS) == len(list(BANKS.iterdir())), AGAIN


def test_the_shipped_bank_of_a_pair_fits_it_and_is_what_its_models_make(dream: fd.FuseDream, own_cache: Path):
    bank = dream.bank(progress=False)
    assert bank.path == BANKS / bank.recipe.path.name, AGAIN
    assert not list(own_cache.rglob("*.*"))
    how = (32, dream.engine.precision, lambda done, total: None)
    last = (bank.recipe.size - 1) // BLOCK
    for block in {0, last}:
        rows = embed_block(dream.generator, dream.scorer, bank.recipe, block, how)  # pyright: ignore[reportArgumentType]
        kept = bank.embeddings[block * BLOCK : (block + 1) * BLOCK]
        torch.testing.assert_close(rows, kept, atol=ROUNDED, rtol=0, msg=AGAIN)


def test_an_emoji_picture_is_drawn_and_drawn_again_without_building_a_bank(tmp_path: Path, own_cache: Path):
    dream = fd.FuseDream("emoji-tiny", device="cpu", dtype="float32")
    (picture,) = dream.generate("a red apple", progress=False).save(tmp_path / "apple.png")
    again = fd.replay(picture, device="cpu", progress=False)
    assert torch.equal(again.images, dream.generate("a red apple", progress=False).images)
    assert not list(own_cache.rglob("*.*"))
