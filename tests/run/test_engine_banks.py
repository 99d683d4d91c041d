"""The latent bank of an engine: built, found, shipped, refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents, LatentSpec
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring.views import NO_VIEWS
from fusedream_sdk.search import bank as bank_module
from fusedream_sdk.search.bank import LatentBank
from fusedream_sdk.testing import ToyGenerator, ToyReward
from tests.run.toys import Drawing, engine

SETTINGS = Settings(bank=48, samples=32, basis=2, bank_views=2)


class Conditioned(ToyGenerator):
    """Its condition depends on the prompt."""

    space = {**ToyGenerator.space, "letters": LatentSpec((1,), frozen=True)}  # noqa: RUF012

    def sample(self, n: int, *, rng: torch.Generator, prompts: tuple[str, ...] = ()) -> Latents:
        return {**super().sample(n, rng=rng), "letters": torch.ones(n, 1)}


def test_a_bank_is_of_the_models_and_settings_that_it_is_made_for():
    made = engine(Drawing(), dtype=torch.bfloat16)
    recipe = made.bank_recipe(SETTINGS.replace(augment=NO_VIEWS))
    assert (recipe.generator, recipe.scorer) == ("drawing", made.scorer.fingerprint)
    assert (recipe.size, recipe.count, recipe.views, recipe.precision) == (48, 2, NO_VIEWS, "bfloat16")


def test_a_bank_is_built_once_and_the_next_engine_reads_it_from_the_cache():
    toy = Drawing()
    made = engine(toy)
    bank = made.bank(SETTINGS, progress=False)
    assert toy.drawn == 48
    assert made.bank(SETTINGS, progress=False) is bank
    assert made.bank(SETTINGS.replace(steps=3, samples=20), progress=False) is bank  # what it does not depend on
    later = Drawing()
    again = engine(later).bank(SETTINGS, progress=False)
    assert torch.equal(again.embeddings, bank.embeddings)
    assert (toy.drawn, later.drawn) == (48, 0)


def test_a_bank_that_is_there_is_known_and_none_is_built():
    toy = Drawing()
    made = engine(toy)
    assert made.known_bank(SETTINGS) is None
    assert toy.drawn == 0
    bank = made.bank(SETTINGS, progress=False)
    assert made.known_bank(SETTINGS) is bank
    read = engine(Drawing()).known_bank(SETTINGS)
    assert read is not None
    assert torch.equal(read.embeddings, bank.embeddings)
    assert made.known_bank(SETTINGS.replace(bank=49)) is None


def test_other_settings_have_another_bank():
    toy = Drawing()
    made = engine(toy)
    made.bank(SETTINGS, progress=False)
    assert len(made.bank(SETTINGS.replace(bank=64), progress=False).embeddings) == 64
    assert toy.drawn == 48 + 64


@pytest.mark.parametrize("content", [b"", b"junk" * 99])
def test_a_damaged_bank_in_the_cache_is_built_again(content: bytes):
    toy = Drawing()
    bank = engine(toy).bank(SETTINGS, progress=False)
    path = engine(toy).bank_recipe(SETTINGS).path
    path.write_bytes(content)
    again = engine(toy).bank(SETTINGS, progress=False)
    assert torch.equal(again.embeddings, bank.embeddings)
    assert toy.drawn == 2 * 48
    assert len(path.read_bytes()) > len(content)


def test_a_bank_of_the_first_format_in_the_cache_is_not_found_and_one_is_built(monkeypatch: pytest.MonkeyPatch):
    toy = Drawing()
    with monkeypatch.context() as first:
        first.setattr(bank_module, "FORMAT", "1")
        recipe = engine(toy).bank_recipe(SETTINGS)
        path = recipe.path
        save_file({"embeddings": torch.zeros(48, 24)}, path, {"fingerprint": recipe.fingerprint})
    bank = engine(toy).bank(SETTINGS, progress=False)
    assert toy.drawn == 48
    assert bank.embeddings.dtype == torch.float16
    assert bank.path != path


def shipped(folder: Path, **changes: Any) -> LatentBank:
    """A bank of the toys in a folder that ships with them."""
    return engine(Drawing()).new_bank(SETTINGS.replace(**changes), folder, progress=False)


def test_a_bank_that_ships_with_the_models_is_used_where_the_cache_has_none(tmp_path: Path):
    kept = shipped(tmp_path)
    toy = Drawing()
    made = engine(toy, banks=tmp_path)
    assert made.bank(SETTINGS, progress=False).path == kept.path
    assert made.drawing_with(Loaded(toy, None)).known_bank(SETTINGS) is not None
    assert engine(toy).known_bank(SETTINGS) is None
    assert toy.drawn == 0
    engine(Drawing()).bank(SETTINGS, progress=False)
    cached = engine(toy, banks=tmp_path).bank(SETTINGS, progress=False)
    assert cached.path == cached.recipe.path  # the cache comes first; they are the same numbers
    assert torch.equal(cached.embeddings, kept.embeddings)


def test_a_bank_that_ships_with_an_installed_pair_is_found_without_its_name(tmp_path: Path, install: Callable[..., Path]):
    (tmp_path / "banks").mkdir()
    kept = shipped(tmp_path / "banks")
    source = f"""
        from fusedream_sdk.models.loading import ModelPair
        def pair(): return ModelPair('a', 'b', banks={str(tmp_path / "banks")!r})
    """
    entries = "[fusedream_sdk.models]\naa-broken = nowhere:pair\ntoy-shipped = toy_shipped:pair\n"
    install("toys", entries, toy_shipped=source)
    found = engine(Drawing()).known_bank(SETTINGS)
    assert found is not None
    assert found.path == kept.path


@pytest.mark.parametrize("stale", ["other models", "damaged", "renamed"])
def test_a_shipped_bank_that_does_not_fit_is_not_used(tmp_path: Path, stale: str):
    kept = shipped(tmp_path, **({} if stale == "damaged" else {"bank_views": 3}))
    path = tmp_path / engine(Drawing()).bank_recipe(SETTINGS).path.name
    if stale == "damaged":
        path.write_bytes(path.read_bytes()[:-3])
    if stale == "renamed":
        assert kept.path is not None
        kept.path.rename(path)
    toy = Drawing()
    bank = engine(toy, banks=tmp_path).bank(SETTINGS, progress=False)
    assert toy.drawn == 48
    assert bank.path == bank.recipe.path


def test_a_new_bank_is_built_into_a_folder_whatever_there_is(tmp_path: Path):
    toy = Drawing()
    made = engine(toy)
    first = made.bank(SETTINGS, progress=False)
    again = made.new_bank(SETTINGS, tmp_path, progress=False)
    assert toy.drawn == 2 * 48
    assert again.path == tmp_path / first.recipe.path.name
    assert torch.equal(again.embeddings, first.embeddings)
    assert [path.name for path in tmp_path.iterdir()] == [first.recipe.path.name]


def test_two_engines_that_need_one_bank_at_once_build_it_once():
    class Slow(Drawing):
        def __call__(self, latents: Latents) -> Tensor:
            time.sleep(0.01)
            return super().__call__(latents)

    toys = [Slow() for _ in range(3)]
    banks: list[LatentBank] = []
    threads = [threading.Thread(target=lambda t=toy: banks.append(engine(t).bank(SETTINGS, progress=False))) for toy in toys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(toy.drawn for toy in toys) == [0, 0, 48]
    assert all(torch.equal(bank.embeddings, banks[0].embeddings) for bank in banks)


@pytest.mark.parametrize("models", [{"generator": Conditioned(16)}, {"scorer": ToyReward()}], ids=["conditioned", "reward"])
def test_models_that_no_bank_can_serve_are_refused_one(models: dict[str, Any]):
    assert engine().has_bank
    made = engine(**models)
    assert not made.has_bank
    with pytest.raises(InvalidInput, match="bank: expected a scorer with embeddings and a generator that ignores the prompt"):
        made.bank(SETTINGS, progress=False)


def test_the_bank_is_seen_by_the_views_of_the_search():
    made = engine(ToyGenerator(16))
    plain = made.bank_recipe(SETTINGS.replace(augment=NO_VIEWS))
    assert made.bank_recipe(SETTINGS.replace(search_augment=NO_VIEWS)) == plain
    assert made.bank_recipe(SETTINGS.replace(augment=NO_VIEWS, search_augment=SETTINGS.augment)) == made.bank_recipe(SETTINGS)
