"""Banks are built block by block, and go on where a build was ended."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.latents import Latents, select
from fusedream_sdk.runtime import room
from fusedream_sdk.runtime.files import TEMPORARY
from fusedream_sdk.scoring.views import NO_VIEWS
from fusedream_sdk.search import building
from fusedream_sdk.search.bank import BankRecipe, draw_block
from fusedream_sdk.search.building import build_bank, check_size
from fusedream_sdk.testing import ToyGenerator, ToyScorer
from tests.conftest import toy_dream

GENERATOR, SCORER = ToyGenerator(16), ToyScorer(8)
RECIPE = BankRecipe("toy generator", "toy scorer", size=100, seed=3, count=2)
LARGE = replace(RECIPE, size=300)
BANK = build_bank(GENERATOR, SCORER, RECIPE)


@pytest.mark.parametrize("batch", [1, 7, 64, 1000])
def test_the_batch_size_does_not_change_the_bank(batch: int):
    torch.testing.assert_close(build_bank(GENERATOR, SCORER, RECIPE, batch=batch).embeddings, BANK.embeddings)


@pytest.mark.parametrize("size", [1, 64, 65])
def test_a_larger_bank_begins_with_the_smaller_one(size: int):
    smaller = build_bank(GENERATOR, SCORER, replace(RECIPE, size=size))
    assert len(smaller.embeddings) == size
    torch.testing.assert_close(smaller.embeddings, BANK.embeddings[:size])


def test_without_views_the_embedding_is_that_of_the_picture():
    bank = build_bank(GENERATOR, SCORER, replace(RECIPE, size=3, views=NO_VIEWS, count=9))
    images = GENERATOR(select(draw_block(GENERATOR, 3, 0), [0, 1, 2]))
    torch.testing.assert_close(bank.embeddings, SCORER.encode_image(shrink(images, SCORER.resolution)))


def test_progress_counts_every_latent():
    seen: list[tuple[int, int]] = []
    build_bank(GENERATOR, SCORER, RECIPE, batch=30, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(30, 100), (60, 100), (64, 100), (94, 100), (100, 100)]


class Ending(ToyGenerator):
    """Ends a build, as a kill does, at its n-th picture; counts them."""

    def __init__(self, last: int = 10**9) -> None:
        super().__init__(16)
        self.last, self.drawn = last, 0

    def __call__(self, latents: Latents) -> Tensor:
        self.drawn += len(latents["z"])
        if self.drawn > self.last:
            raise KeyboardInterrupt
        return super().__call__(latents)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "KEPT_EVERY", 1)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize(("last", "kept"), [(10, 0), (64, 64), (200, 192), (290, 256)])
def test_a_build_that_was_ended_goes_on_to_the_very_same_bank(tmp_path: Path, last: int, kept: int):
    unfinished = tmp_path / "bank.unfinished"
    with pytest.raises(KeyboardInterrupt):
        build_bank(Ending(last), SCORER, LARGE, unfinished=unfinished)
    again = Ending()
    bank = build_bank(again, SCORER, LARGE, unfinished=unfinished)
    assert again.drawn == 300 - kept
    assert torch.equal(bank.embeddings, build_bank(GENERATOR, SCORER, LARGE).embeddings)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("damage", ["another bank", "cut short"])
def test_what_another_build_left_or_was_damaged_is_not_gone_on_with(tmp_path: Path, damage: str):
    unfinished = tmp_path / "bank.unfinished"
    recipe = replace(LARGE, seed=4) if damage == "another bank" else LARGE
    with pytest.raises(KeyboardInterrupt):
        build_bank(Ending(200), SCORER, recipe, unfinished=unfinished)
    if damage == "cut short":
        unfinished.write_bytes(unfinished.read_bytes()[:-9])
    again = Ending()
    bank = build_bank(again, SCORER, LARGE, unfinished=unfinished)
    assert again.drawn == 300
    assert torch.equal(bank.embeddings, build_bank(GENERATOR, SCORER, LARGE).embeddings)


@pytest.mark.usefixtures("often")
def test_a_bank_that_is_done_leaves_nothing_else_behind(own_cache: Path):
    settings: dict[str, Any] = {"bank": 200, "samples": 100}
    with pytest.raises(KeyboardInterrupt):
        toy_dream(Ending(150), settings=settings).bank(progress=False)
    assert [path.suffix for path in (own_cache / "banks").iterdir()] == [".unfinished"]
    toy_dream(Ending(), settings=settings).bank(progress=False)
    assert [path.suffix for path in (own_cache / "banks").iterdir()] == [".safetensors"]


def test_temporary_files_of_killed_writers_are_swept_by_the_next_build_and_those_of_the_living_are_not(own_cache: Path):
    banks = own_cache / "banks"
    banks.mkdir()
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)  # so that there is no such process any more
    dead, living = (banks / f".bank{TEMPORARY}{process}-abc.safetensors" for process in (child, os.getpid()))
    for path in (dead, living):
        path.touch()
    toy_dream().bank(progress=False)
    assert not dead.exists()
    assert living.exists()


def test_a_bank_that_fits_neither_the_memory_nor_the_disk_is_refused_after_its_first_block(monkeypatch: pytest.MonkeyPatch):
    recipe = BankRecipe("generator", "scorer", 10_000_000)
    monkeypatch.setattr(room, "total_memory", lambda: 16_000_000_000)
    monkeypatch.setattr(room, "free_disk", lambda folder: 3_000_000_000)
    check_size(recipe, 64)
    with pytest.raises(OutputError, match=r"bank: expected room for about 5.1 GB, but .* has 3 GB free\. .* FUSEDREAM_CACHE"):
        check_size(recipe, 128)
    with pytest.raises(InvalidInput, match="bank: expected what fits the 16 GB of this machine's memory, got 10,000,000"):
        check_size(recipe, 512)
