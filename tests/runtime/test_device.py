"""Devices, number formats and memory."""

from __future__ import annotations

import pytest
import torch

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime import device as precision

CPU = torch.device("cpu")


def test_a_device_of_this_machine_is_taken():
    assert precision.resolve_device("cpu") == CPU


@pytest.mark.parametrize("device", ["warp", "cuda:99", f"cuda:{'9' * 30}", "meta", torch.device("meta"), "", None, 3.5, True])
def test_a_device_that_is_not_there_is_refused(device: str):
    with pytest.raises(InvalidInput, match="device: expected a device of this machine, got"):
        precision.resolve_device(device)


def test_named_formats_are_taken_and_others_refused():
    assert precision.resolve_dtype("float16", CPU) == torch.float16
    with pytest.raises(InvalidInput, match="dtype: expected 'auto' or one of"):
        precision.resolve_dtype("int8", CPU)


@pytest.mark.parametrize("dtype", ["int8", "", None, torch.float32, [], 5])
def test_a_format_needs_no_model_to_be_refused(dtype: object):
    precision.check_dtype("auto")
    with pytest.raises(
        InvalidInput, match=r"dtype: expected 'auto' or one of .*, got .*\. Leave it out, or give a name as text"
    ):
        precision.check_dtype(dtype)


@pytest.mark.parametrize("announced", [True, False])
def test_auto_is_float32_on_a_processor_whatever_it_announces(monkeypatch: pytest.MonkeyPatch, announced: bool):
    for flag in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, flag, lambda: announced, raising=False)
    assert precision.resolve_dtype("auto", CPU) == torch.float32


def test_rows_run_alone_on_a_processor_and_together_on_an_accelerator():
    assert precision.rows_alone(CPU)
    assert not precision.rows_alone(torch.device("cuda:0"))


def test_products_run_in_the_format_that_was_asked_for():
    a = torch.ones(2, 2)
    with precision.autocast(CPU, torch.bfloat16):
        assert (a @ a).dtype == torch.bfloat16
    with precision.autocast(CPU, torch.float32):
        assert (a @ a).dtype == torch.float32


def test_free_memory_is_some_bytes():
    assert precision.free_memory(CPU) > 1 << 20
