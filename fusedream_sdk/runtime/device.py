"""Which number format the models run in, and how much memory there is."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime.checks import check_kind

Precision = Callable[[], AbstractContextManager[object]]
"""Makes a context in which models run."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def resolve_device(device: str | torch.device) -> torch.device:
    """A device that exists; "auto" is CUDA if it is there, or the CPU.

    Raises:
        InvalidInput: the name is not a device, or this machine has none of the kind.
    """
    expected, fix = "a device of this machine", "Use 'cpu', or install a torch build for your accelerator."
    check_kind("device", device, (str, torch.device), expected, fix)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        resolved = torch.empty(0, device=torch.device(device)).device  # with its index: "cuda" is "cuda:0"
    except (RuntimeError, AssertionError, NotImplementedError, TypeError, ValueError, OverflowError) as error:
        raise InvalidInput("device", expected=expected, got=str(device), fix=fix) from error
    if resolved.type == "meta":  # of tensors without numbers
        raise InvalidInput("device", expected=expected, got=str(device), fix=fix)
    return resolved


def resolve_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """The format for `dtype`: `"float32"`, `"bfloat16"`, `"float16"`, or `"auto"`.

    `"auto"` is float32 on a CPU: a processor's flags are no promise (one that announces bf16 units ran a product of two
    matrices three times slower with them than in float32). On CUDA it is bfloat16 where that is supported, else float16.
    """
    check_dtype(dtype)
    if dtype != "auto":
        return DTYPES[dtype]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float32


def check_dtype(dtype: object) -> None:
    """The name of a number format, or "auto". Raises InvalidInput: no model need be loaded for that."""
    if not isinstance(dtype, str) or dtype not in ("auto", *DTYPES):
        fix = "Leave it out, or give a name as text."
        raise InvalidInput("dtype", expected=f"'auto' or one of {sorted(DTYPES)}", got=dtype, fix=fix)


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Run in `dtype` what gains from it and is safe."""
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype=dtype)


def rows_alone(device: torch.device) -> bool:
    """Whether rows go through the models one by one, so that a row is the same to the bit whatever else is asked for.

    Kernels round differently for another number of rows, and an optimisation amplifies that. The price on a CPU is what a
    batch would save, a quarter of a row's time and more (`python -m tests.benchmarks.rows`, docs/results.md). On an
    accelerator it would be many times that, so there rows run together, and agree up to rounding.
    """
    return device.type == "cpu"


def free_memory(device: torch.device) -> int:
    """Bytes that a new allocation may take."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 4 << 30
