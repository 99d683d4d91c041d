"""The latent bank."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.latents import concatenate, select
from fusedream_sdk.scoring.views import PUBLIC_VIEWS, Stream, Views
from fusedream_sdk.search import bank as bank_module
from fusedream_sdk.search.bank import BankRecipe, LatentBank, draw_block, products
from fusedream_sdk.search.building import build_bank
from fusedream_sdk.testing import ToyGenerator, ToyScorer

GENERATOR, SCORER = ToyGenerator(16), ToyScorer(8)
RECIPE = BankRecipe("toy generator", "toy scorer", size=100, seed=3, count=2)
BANK = build_bank(GENERATOR, SCORER, RECIPE)
TEXT = SCORER.encode_text(["red", "blue", "a cat"])
ROUNDED = 5e-4  # what half precision can change in the product of two unit vectors: 2 ** -11


def test_the_bank_equals_brute_force_over_the_same_views():
    latents = concatenate([draw_block(GENERATOR, 3, block) for block in range(2)])
    scores = torch.empty(3, RECIPE.size)
    for i in range(RECIPE.size):
        small = shrink(GENERATOR(select(latents, [i])), SCORER.resolution)
        views = Views()(small, seeds=[i], step=3, count=2, stream=Stream.BANK)
        scores[:, i] = (TEXT @ SCORER.encode_image(views).T).mean(dim=1)
    index, best = BANK.top(TEXT, 7)
    expected = scores.topk(7, dim=1)
    torch.testing.assert_close(best, expected.values, atol=ROUNDED, rtol=0)
    torch.testing.assert_close(scores.gather(1, index), expected.values, atol=ROUNDED, rtol=0)  # those near a tie may change


def test_a_search_scores_the_rounded_embeddings_in_float32():
    index, best = BANK.top(TEXT, 7)
    expected = (TEXT.double() @ BANK.embeddings.double().T).topk(7, dim=1)
    torch.testing.assert_close(best.double(), expected.values, atol=1e-6, rtol=0)
    assert torch.equal(index, expected.indices)


def test_latents_drawn_again_are_those_that_were_embedded():
    index = torch.tensor([[99, 0, 64], [63, 63, 1]])
    latents = BANK.latents(GENERATOR, index)
    assert {name: tuple(x.shape) for name, x in latents.items()} == {"z": (2, 3, 4), "colour": (2, 3, 3)}
    for row, column in ((0, 0), (1, 1), (0, 2)):
        one = {name: x[row, column].unsqueeze(0) for name, x in latents.items()}
        i = int(index[row, column])
        views = Views()(shrink(GENERATOR(one), SCORER.resolution), seeds=[i], step=3, count=2, stream=Stream.BANK)
        torch.testing.assert_close(SCORER.encode_image(views).mean(dim=0), BANK.embeddings[i].float(), atol=ROUNDED, rtol=1e-3)


@given(st.lists(st.integers(0, 299), min_size=6, max_size=6))
def test_latents_come_in_the_order_of_their_indices_whatever_their_blocks(indices: list[int]):
    bank = LatentBank(replace(RECIPE, size=300), torch.zeros(300, 24).half())
    every = concatenate([draw_block(GENERATOR, 3, block) for block in range(5)])
    found = bank.latents(GENERATOR, torch.tensor(indices).view(2, 3))
    assert all(torch.equal(x.flatten(0, 1), every[name][indices]) for name, x in found.items())


def test_another_seed_gives_other_latents():
    assert not torch.allclose(build_bank(GENERATOR, SCORER, replace(RECIPE, seed=4)).embeddings, BANK.embeddings)


@given(st.integers(0, 2**63 - 1), st.integers(2, 99))
def test_each_seed_sees_its_own_samples_whatever_the_batch(seed: int, samples: int):
    index, scores = BANK.top(TEXT[[0, 0]], samples, seeds=[seed, (seed + 1) % 2**63], samples=samples)
    assert all(len(set(row)) == samples for row in index.tolist())
    assert torch.isfinite(scores).all()
    assert set(index[0].tolist()) != set(index[1].tolist())
    alone, _ = BANK.top(TEXT[:1], samples, seeds=[seed], samples=samples)
    assert set(alone[0].tolist()) == set(index[0].tolist())


@given(st.integers(0, 2**63 - 1), st.integers(1, 100))
def test_what_is_visible_to_a_seed_is_where_its_best_come_from(seed: int, samples: int):
    seen = BANK.visible(seed, samples)
    assert seen.shape == (100,)
    assert int(seen.sum()) == samples
    index, _ = BANK.top(TEXT[:1], samples, seeds=[seed], samples=samples)
    assert set(index[0].tolist()) == set(seen.nonzero().flatten().tolist())


def random_bank(size: int, width: int, seed: int = 0) -> LatentBank:
    rows = torch.nn.functional.normalize(torch.randn(size, width, generator=torch.Generator().manual_seed(seed)), dim=1)
    return LatentBank(BankRecipe("g", "s", size=size), rows.half())


@pytest.fixture
def chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search in many chunks, and a few rows at a time."""
    monkeypatch.setattr(bank_module, "CHUNK", 700)
    monkeypatch.setattr(bank_module, "HELD", 2000)


@pytest.mark.usefixtures("chunks")
@pytest.mark.parametrize("samples", [900, 899, 50])
def test_a_row_alone_has_the_indices_and_scores_that_it_has_among_others_to_the_bit(samples: int):
    bank, text = random_bank(900, 33), random_bank(11, 33, seed=1).embeddings.float()
    seeds = range(20, 31)
    index, scores = bank.top(text, 6, seeds=seeds, samples=samples)
    for row, seed in enumerate(seeds):
        alone = bank.top(text[row : row + 1], 6, seeds=[seed], samples=samples)
        assert torch.equal(alone[0][0], index[row])
        assert torch.equal(alone[1][0], scores[row])


@pytest.mark.usefixtures("chunks")
@given(st.integers(1, 90), st.integers(1, 40), st.integers(1, 4), st.data())
def test_products_over_chunks_are_those_of_the_whole(size: int, width: int, count: int, data: st.DataObject):
    embeddings = random_bank(size, width).embeddings
    text = random_bank(count, width, seed=1).embeddings.float()
    among = torch.tensor(data.draw(st.lists(st.integers(0, size - 1), min_size=1, unique=True)))
    expected = text.double() @ embeddings.double().T
    torch.testing.assert_close(products(embeddings, text).double(), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(products(embeddings, text, among).double(), expected[:, among], atol=1e-6, rtol=0)


def test_a_seed_sees_what_it_saw_in_the_first_version():
    for size, samples in ((100, 7), (100, 99), (5000, 4096)):
        bank = random_bank(size, 2)
        picks = np.random.Generator(np.random.Philox(key=np.array([12, bank_module.PICKS], np.uint64)))
        seen = torch.ones(size, dtype=torch.bool)
        seen[torch.from_numpy(picks.permutation(size)[samples:])] = False
        assert torch.equal(bank.visible(12, samples), seen)
    assert random_bank(100, 2).visible(12, 100).all()


def test_with_all_samples_every_seed_sees_the_same():
    index, _ = BANK.top(TEXT[[0, 0]], 5, seeds=[1, 2])
    assert torch.equal(index[0], index[1])


@pytest.mark.parametrize(("k", "samples"), [(0, 10), (11, 10), (5, 101)])
def test_impossible_sizes_are_refused(k: int, samples: int):
    with pytest.raises(InvalidInput, match=f"basis: expected 1 <= basis <= samples <= 100, got basis {k}, samples {samples}"):
        BANK.top(TEXT, k, seeds=[0, 1, 2], samples=samples)


def test_a_row_without_a_seed_is_refused():
    with pytest.raises(InvalidInput, match="seeds: expected one for each of 3 rows, got 1 seeds"):
        BANK.top(TEXT, 2, seeds=[0], samples=10)


@pytest.mark.parametrize("changes", [{"size": 0}, {"count": 0}, {"seed": -1}, {"seed": 2**48}])
def test_a_recipe_that_cannot_be_built_is_refused(changes: dict[str, int]):
    with pytest.raises(InvalidInput, match="bank: expected"):
        replace(RECIPE, **changes)  # pyright: ignore[reportArgumentType]


def test_the_fingerprint_of_a_bank_is_that_of_the_second_format_so_that_one_of_the_first_is_not_found():
    families = "colour=True,translation=True,resize=True,cutout=True"
    strengths = "brightness=0.25,saturation=1.0,contrast=0.5,shift=0.125,zoom=0.2,hole=0.5"
    text = f"2|64|g|s|20|0|{families},{strengths}|4|float32"
    assert BankRecipe("g", "s", size=20).fingerprint == hashlib.sha256(text.encode()).hexdigest()
    first = hashlib.sha256(f"1{text[1:]}".encode()).hexdigest()
    assert BankRecipe("g", "s", size=20).path.name != f"{first[:32]}.safetensors"
    assert BankRecipe("g", "s", size=20, views=PUBLIC_VIEWS).fingerprint != BankRecipe("g", "s", size=20).fingerprint
