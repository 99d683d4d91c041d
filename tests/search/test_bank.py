"""The latent bank."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from fusedream_sdk.errors import FingerprintMismatch, FuseDreamError, InvalidInput, WeightsError
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.latents import concatenate, select
from fusedream_sdk.scoring.views import NO_VIEWS, PUBLIC_VIEWS, Stream, Views
from fusedream_sdk.search.bank import BankRecipe, LatentBank, draw_block
from fusedream_sdk.search.building import build_bank
from fusedream_sdk.testing import ToyGenerator, ToyScorer

GENERATOR, SCORER = ToyGenerator(16), ToyScorer(8)
RECIPE = BankRecipe("toy generator", "toy scorer", size=100, seed=3, count=2)
BANK = build_bank(GENERATOR, SCORER, RECIPE)
TEXT = SCORER.encode_text(["red", "blue", "a cat"])


def test_the_bank_equals_brute_force_over_the_same_views():
    latents = concatenate([draw_block(GENERATOR, 3, block) for block in range(2)])
    scores = torch.empty(3, RECIPE.size)
    for i in range(RECIPE.size):
        small = shrink(GENERATOR(select(latents, [i])), SCORER.resolution)
        views = Views()(small, seeds=[i], step=3, count=2, stream=Stream.BANK)
        scores[:, i] = (TEXT @ SCORER.encode_image(views).T).mean(dim=1)
    index, best = BANK.top(TEXT, 7)
    expected = scores.topk(7, dim=1)
    torch.testing.assert_close(best, expected.values)
    assert torch.equal(index, expected.indices)


def test_latents_drawn_again_are_those_that_were_embedded():
    index = torch.tensor([[99, 0, 64], [63, 63, 1]])
    latents = BANK.latents(GENERATOR, index)
    assert {name: tuple(x.shape) for name, x in latents.items()} == {"z": (2, 3, 4), "colour": (2, 3, 3)}
    for row, column in ((0, 0), (1, 1), (0, 2)):
        one = {name: x[row, column].unsqueeze(0) for name, x in latents.items()}
        i = int(index[row, column])
        views = Views()(shrink(GENERATOR(one), SCORER.resolution), seeds=[i], step=3, count=2, stream=Stream.BANK)
        torch.testing.assert_close(SCORER.encode_image(views).mean(dim=0), BANK.embeddings[i])


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


def test_a_bank_is_saved_and_loaded_unchanged(tmp_path: Path):
    BANK.save(tmp_path / "bank.safetensors")
    loaded = LatentBank.load(tmp_path / "bank.safetensors", RECIPE)
    assert torch.equal(loaded.embeddings, BANK.embeddings)
    assert loaded.recipe == RECIPE
    assert os.listdir(tmp_path) == ["bank.safetensors"]


@pytest.mark.parametrize(
    "changes",
    [
        *({"generator": "another"}, {"scorer": "another"}, {"views": NO_VIEWS}, {"views": Views(hole=0.4)}, {"count": 3}),
        *({"seed": 4}, {"size": 99}, {"precision": "bfloat16"}),
    ],
    ids=str,
)
def test_a_bank_of_other_models_or_settings_is_refused(tmp_path: Path, changes: dict[str, object]):
    BANK.save(tmp_path / "bank.safetensors")
    other = replace(RECIPE, **changes)  # pyright: ignore[reportArgumentType]
    message = f"expected fingerprint {other.fingerprint[:12]}.*got {RECIPE.fingerprint[:12]}"
    with pytest.raises(FingerprintMismatch, match=message):
        LatentBank.load(tmp_path / "bank.safetensors", other)


@given(st.integers(0, 10_000), st.binary(max_size=40))
def test_a_truncated_or_overwritten_file_is_refused_and_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes
):
    path = tmp_path_factory.mktemp("bank") / "bank.safetensors"
    BANK.save(path)
    content = path.read_bytes()
    at %= len(content)
    path.write_bytes(content[:at] + junk)
    with pytest.raises(FuseDreamError):
        LatentBank.load(path, RECIPE)


def test_a_missing_file_is_told_by_name(tmp_path: Path):
    with pytest.raises(WeightsError, match=r"none.safetensors: not a readable bank file"):
        LatentBank.load(tmp_path / "none.safetensors", RECIPE)


@pytest.mark.parametrize("embeddings", [torch.zeros(99, 24), torch.zeros(100), torch.full((100, 24), torch.nan)])
def test_tampered_embeddings_under_the_right_fingerprint_are_refused(tmp_path: Path, embeddings: torch.Tensor):
    save_file({"embeddings": embeddings}, tmp_path / "b", {"fingerprint": RECIPE.fingerprint})
    with pytest.raises(WeightsError, match="expected 100 finite embeddings"):
        LatentBank.load(tmp_path / "b", RECIPE)


KILLED = """
import os, signal, sys
from pathlib import Path
import safetensors.torch, torch
from fusedream_sdk.search.bank import BankRecipe, LatentBank

real = safetensors.torch.save_file

def half(tensors, path, metadata):
    real(tensors, path, metadata)
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[: len(content) // 2])
    os.kill(os.getpid(), signal.SIGKILL)

safetensors.torch.save_file = half
LatentBank(BankRecipe("g", "s", size=50), torch.ones(50, 8)).save(sys.argv[1])
"""


@pytest.mark.parametrize("existing", [False, True])
def test_a_process_killed_in_the_middle_of_a_save_leaves_the_old_file_or_none(
    tmp_path: Path, child_env: dict[str, str], existing: bool
):
    path = tmp_path / "bank.safetensors"
    if existing:
        path.write_bytes(b"what was there")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], env=child_env, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (path.read_bytes() == b"what was there") if existing else not path.exists()


def test_the_fingerprint_of_a_bank_is_that_of_the_first_version():
    families = "colour=True,translation=True,resize=True,cutout=True"
    strengths = "brightness=0.25,saturation=1.0,contrast=0.5,shift=0.125,zoom=0.2,hole=0.5"
    text = f"1|64|g|s|20|0|{families},{strengths}|4|float32"
    assert BankRecipe("g", "s", size=20).fingerprint == hashlib.sha256(text.encode()).hexdigest()
    assert BankRecipe("g", "s", size=20, views=PUBLIC_VIEWS).fingerprint != BankRecipe("g", "s", size=20).fingerprint
