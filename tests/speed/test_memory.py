"""The peak of a step, in a process of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.speed import memory
from fusedream_sdk.speed.memory import measured_here, peak
from fusedream_sdk.speed.steps import task_of


@pytest.fixture
def named(toys: Path) -> FuseDream:
    """Toy models that another process can load."""
    return FuseDream("toy", dtype="float32", device="cpu")


def test_that_of_the_public_loop_grows_with_the_views(named: FuseDream):
    few, many = (peak(task_of(named.engine, named.settings.replace(views=views), 1), "reference") for views in (2, 2000))
    assert few is not None
    assert many is not None
    assert many - few > 2000 * 3 * 16 * 16 * 4  # one float32 of each pixel of each view


def test_ours_is_a_number_too(named: FuseDream):
    found = peak(task_of(named.engine, named.settings.replace(views=500), 1), "ours")
    assert found is not None
    assert found > 0


def test_models_without_names_cannot_be_loaded_by_another_process(dream: FuseDream):
    assert peak(task_of(dream.engine, dream.settings, 1), "ours") is None


def test_a_process_that_fails_is_no_number(named: FuseDream, monkeypatch):
    task = task_of(named.engine, named.settings, 1)
    for done in (subprocess.CompletedProcess([], 1, "", "error"), subprocess.CompletedProcess([], 0, "\n", "")):
        monkeypatch.setattr(memory.subprocess, "run", lambda *args, found=done, **kwargs: found)
        assert peak(task, "ours") is None

    def endless(*args: object, **kwargs: object) -> None:
        raise subprocess.TimeoutExpired("python", 1)

    monkeypatch.setattr(memory.subprocess, "run", endless)
    assert peak(task, "ours") is None


def asked(kind: str) -> dict[str, object]:
    settings = Settings(views=3, steps=100, samples=5, basis=2).to_json()
    models = {"generator": "toy", "scorer": "toy", "dtype": "float32"}
    return {"kind": kind, **models, "settings": settings, "rows": 2, "threads": 1}


@pytest.mark.parametrize("kind", ["ours", "reference"])
def test_it_is_at_least_nothing(toys: Path, kind: str):
    assert measured_here(asked(kind)) >= 0


def test_a_system_without_these_files_says_its_highest_so_far(toys: Path, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(memory, "STATUS", tmp_path / "none" / "status")
    monkeypatch.setattr(memory, "REFS", tmp_path / "none" / "refs")
    assert measured_here(asked("ours")) >= 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_cuda_torch_says_it(named: FuseDream):
    found = FuseDream("toy", device="cuda", dtype="float32")
    assert (peak(task_of(found.engine, found.settings, 1), "ours") or 0) > 0
