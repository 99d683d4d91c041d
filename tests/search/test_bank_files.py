"""The files of banks: written whole, mapped, refused where they are damaged or of others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from fusedream_sdk.errors import FingerprintMismatch, FuseDreamError, WeightsError
from fusedream_sdk.scoring.views import NO_VIEWS, Views
from fusedream_sdk.search import bank as bank_module
from fusedream_sdk.search.bank import BankRecipe, LatentBank, write_embeddings
from fusedream_sdk.search.building import build_bank
from fusedream_sdk.testing import ToyGenerator, ToyScorer

GENERATOR, SCORER = ToyGenerator(16), ToyScorer(8)
RECIPE = BankRecipe("toy generator", "toy scorer", size=100, seed=3, count=2)
BANK = build_bank(GENERATOR, SCORER, RECIPE)
TEXT = SCORER.encode_text(["red", "blue", "a cat"])


def random_bank(size: int, width: int, seed: int = 0) -> LatentBank:
    rows = torch.nn.functional.normalize(torch.randn(size, width, generator=torch.Generator().manual_seed(seed)), dim=1)
    return LatentBank(BankRecipe("g", "s", size=size), rows.half())


def test_a_bank_is_saved_and_loaded_unchanged(tmp_path: Path):
    BANK.save(tmp_path / "bank.safetensors")
    loaded = LatentBank.load(tmp_path / "bank.safetensors", RECIPE)
    assert torch.equal(loaded.embeddings, BANK.embeddings)
    assert (loaded.recipe, loaded.path) == (RECIPE, tmp_path / "bank.safetensors")
    assert os.listdir(tmp_path) == ["bank.safetensors"]


@given(arrays(np.float16, st.tuples(st.integers(1, 70), st.integers(1, 9)), elements=st.floats(-1, 1, width=16)))
def test_a_file_is_what_the_library_of_its_format_reads(tmp_path_factory: pytest.TempPathFactory, numbers: np.ndarray):
    path, rows = tmp_path_factory.mktemp("bank") / "bank.safetensors", torch.from_numpy(numbers)
    recipe = BankRecipe("g", "s", size=len(rows))
    write_embeddings(path, rows.split(3), rows.shape[1], recipe, "a 'model' – with \"another\"")
    assert torch.equal(load_file(path)["embeddings"], rows)
    with safe_open(path, framework="pt") as file:
        assert file.metadata() == {"fingerprint": recipe.fingerprint, "models": "a 'model' – with \"another\""}
    assert LatentBank.load(path, recipe).embeddings.dtype == torch.float16
    LatentBank(recipe, rows).save(path.with_name("other"), models="a 'model' – with \"another\"")
    assert path.with_name("other").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("size", [99, 101])
def test_a_file_with_too_few_rows_or_too_many_is_not_written(tmp_path: Path, size: int):
    with pytest.raises(WeightsError, match=f"expected 100 embeddings, got {size}"):
        write_embeddings(tmp_path / "b", random_bank(size, 4).embeddings.split(8), 4, RECIPE)
    assert not os.listdir(tmp_path)


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


@pytest.mark.parametrize(
    "embeddings",
    [torch.zeros(99, 24).half(), torch.zeros(100).half(), torch.full((100, 24), torch.nan).half(), torch.zeros(100, 24)],
    ids=["few", "flat", "NaN", "float32"],
)
def test_tampered_embeddings_under_the_right_fingerprint_are_refused(tmp_path: Path, embeddings: torch.Tensor):
    save_file({"embeddings": embeddings}, tmp_path / "b", {"fingerprint": RECIPE.fingerprint})
    with pytest.raises(WeightsError, match="expected 100 finite embeddings"):
        LatentBank.load(tmp_path / "b", RECIPE)


@given(arrays(np.uint16, 9))
def test_any_number_that_is_not_finite_is_found(tmp_path_factory: pytest.TempPathFactory, bits: np.ndarray):
    path, rows = tmp_path_factory.mktemp("bank") / "b", torch.from_numpy(bits.view(np.float16)).view(3, 3)
    recipe = BankRecipe("g", "s", size=3)
    LatentBank(recipe, rows).save(path)
    if np.isfinite(bits.view(np.float16)).all():
        assert torch.equal(LatentBank.load(path, recipe).embeddings, rows)
    else:
        with pytest.raises(WeightsError, match="expected 3 finite embeddings"):
            LatentBank.load(path, recipe)


def test_a_large_bank_is_mapped_and_damage_is_told_by_the_search_that_meets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bank_module, "SMALL", 100)
    embeddings = BANK.embeddings.clone()
    embeddings[70, 3] = torch.nan
    LatentBank(RECIPE, embeddings).save(tmp_path / "b")
    mapped = LatentBank.load(tmp_path / "b", RECIPE)
    with pytest.raises(WeightsError, match=r"bank .*b: its embeddings are damaged\. Delete it; build it again\."):
        mapped.top(TEXT, 2)


MEASURED = """
import resource, sys
from pathlib import Path
import torch
from fusedream_sdk.search.bank import BankRecipe, LatentBank, write_embeddings

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

path, size, width = Path(sys.argv[1]), 300_000, 256
recipe = BankRecipe("g", "s", size=size)
rows = torch.randn(1000, width).half()
text = torch.randn(3, width)
LatentBank(BankRecipe("g", "s", size=1000), rows).top(text, 5)
before = peak()
write_embeddings(path, (rows for _ in range(size // 1000)), width, recipe)
written = peak()
bank = LatentBank.load(path, recipe)
opened = peak()
bank.top(text, 5)
bank.top(text, 5, seeds=[1, 2, 3], samples=1000)
print(written - before, opened - written, peak() - opened)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory otherwise")
def test_a_large_bank_is_written_opened_and_searched_without_a_copy_of_it_in_memory(tmp_path: Path, child_env: dict[str, str]):
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path / "b")], env=child_env, check=True, capture_output=True, text=True
    )
    written, opened, searched = map(int, done.stdout.split())
    half, mega = 300_000 * 256 * 2, 1 << 20
    assert written < 16 * mega
    assert opened < 4 * mega
    assert (
        searched < half + 32 * mega
    )  # the pages of the file, which the system takes back when it likes; float32 is twice that


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from fusedream_sdk.search import bank

real, written = bank.half_bytes, []

def half(rows):
    if len(written) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    written.append(rows)
    return real(rows)

bank.half_bytes, bank.CHUNK = half, 80
bank.LatentBank(bank.BankRecipe("g", "s", size=50), torch.ones(50, 8).half()).save(sys.argv[1])
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
