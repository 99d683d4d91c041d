"""Who draws the rows of a batch."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from fusedream_sdk.batch.dispatch import Dispatch
from fusedream_sdk.batch.executor import Here
from fusedream_sdk.batch.plan import wanted_rows
from fusedream_sdk.dream import workers
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.stream import as_captions, jobs_of
from fusedream_sdk.dream.workers import Loader, NamedModels, Staff, Workers, banks_for, device_at
from fusedream_sdk.errors import FingerprintMismatch, InvalidInput
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.run.recipe import MethodRecord

PRINTS = "generator", "scorer"


def test_a_worker_loads_what_this_process_has_and_draws_the_same(toys: Path):
    named = NamedModels("toy", settings={"steps": 2})
    dream, method = named.load(), load_method("fusedream")
    assert dream.settings.steps == 2
    engine = dream.engine
    load = Loader(named, MethodRecord("fusedream", {}), (engine.generator.fingerprint, engine.scorer.fingerprint))
    jobs = jobs_of(dream.settings, method, wanted_rows(as_captions(["red"]), 0), {})
    draw = pickle.loads(pickle.dumps(load))(0, banks_for(dream, method, jobs, progress=False))
    assert torch.equal(draw(jobs).images, dream.generate("red", progress=False).images)


def test_other_weights_on_another_machine_are_told(toys: Path):
    with pytest.raises(FingerprintMismatch, match="Install the same packages and weights on every machine"):
        Loader(NamedModels("toy"), MethodRecord(), PRINTS)(0, ())


def test_a_bank_that_is_handed_over_is_looked_for_in_no_file(toys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    dream, method = NamedModels("toy").load(), load_method("fusedream")
    captions = as_captions(["red", "blue"])
    jobs = jobs_of(dream.settings, method, wanted_rows(captions, 0), {})
    (bank,) = banks_for(dream, method, jobs, progress=False)
    monkeypatch.setenv("FUSEDREAM_CACHE", str(tmp_path / "elsewhere"))
    other = NamedModels("toy").load()
    other.engine.share_bank(bank)
    assert other.engine.known_bank(jobs[0].settings) is bank
    assert not list((tmp_path / "elsewhere").rglob("*.safetensors"))


def test_no_bank_is_built_where_no_row_is_searched(dream: FuseDream):
    method = load_method("fusedream")
    jobs = jobs_of(dream.settings, method, wanted_rows(as_captions("red"), 0), {"samples": 1, "basis": 1})
    assert banks_for(dream, method, jobs, progress=False) == []


def test_one_worker_is_this_process_and_more_are_others(dream: FuseDream, toys: Path):
    method = load_method("fusedream")
    jobs = jobs_of(dream.settings, method, wanted_rows(as_captions("red"), 0), {"samples": 1, "basis": 1})
    for count, kind in ((None, Here), (1, Here), (2, Dispatch)):
        holder = [dream]
        staff = Staff(Workers(count), NamedModels("toy"), method)
        assert isinstance(staff.executor(holder, jobs, progress=False), kind)
        assert holder == []  # so that the models of this process go where others do the work


@pytest.mark.parametrize("given", [{"count": 0}, {"count": 2.5}, {"threads": 0}, {"count": 10**6}, {"ray": True}])
def test_numbers_of_workers_have_bounds(given: dict[str, Any]):
    with pytest.raises(InvalidInput, match=r"workers|threads|ray"):
        Workers(**given)


def test_workers_of_a_machine_with_several_gpus_take_turns(monkeypatch: pytest.MonkeyPatch):
    assert device_at("cpu", 3) == "cpu"
    monkeypatch.setattr(workers.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(workers.torch.cuda, "device_count", lambda: 2)
    assert [device_at("auto", place) for place in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]
    assert (device_at("cuda:1", 0), device_at("cpu", 0)) == ("cuda:1", "cpu")
