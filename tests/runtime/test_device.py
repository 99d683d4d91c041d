"""Devices, number formats and memory."""

from __future__ import annotations

import pytest
import torch

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime import device as precision

CPU = torch.device("cpu")


def test_a_device_of_this_machine_is_taken():
    assert precision.resolve_device("cpu") == CPU


@pytest.mark.parametrize("device", ["warp", "cuda:99", "", None, 3.5])
def test_a_device_that_is_not_there_is_refused(device: str):
    with pytest.raises(InvalidInput, match="device: expected a device of this machine, got"):
        precision.resolve_device(device)


def test_named_formats_are_taken_and_others_refused():
    assert precision.resolve_dtype("float16", CPU) == torch.float16
    with pytest.raises(InvalidInput, match="dtype: expected 'auto' or one of"):
        precision.resolve_dtype("int8", CPU)


@pytest.mark.parametrize(("faster", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_takes_bfloat16_on_a_processor_only_where_it_is_faster(
    monkeypatch: pytest.MonkeyPatch, faster: bool, expected: torch.dtype
):
    monkeypatch.setattr(precision, "_cpu_prefers_bf16", lambda: faster)
    assert precision.resolve_dtype("auto", CPU) == expected


@pytest.mark.parametrize("supported", [True, False])
def test_a_processor_with_bf16_units_prefers_them_however_busy_it_is(monkeypatch: pytest.MonkeyPatch, supported: bool):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: supported, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
    assert precision._cpu_prefers_bf16() is supported


def test_products_run_in_the_format_that_was_asked_for():
    a = torch.ones(2, 2)
    with precision.autocast(CPU, torch.bfloat16):
        assert (a @ a).dtype == torch.bfloat16
    with precision.autocast(CPU, torch.float32):
        assert (a @ a).dtype == torch.float32


def test_free_memory_is_some_bytes():
    assert precision.free_memory(CPU) > 1 << 20
