"""Which number format the models run in, and how much memory there is."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch

from fusedream_sdk.errors import InvalidInput

Precision = Callable[[], AbstractContextManager[object]]
"""Makes a context in which models run."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def resolve_device(device: str | torch.device) -> torch.device:
    """A device that exists; "auto" is CUDA if it is there, or the CPU.

    Raises:
        InvalidInput: the name is not a device, or this machine has none of the kind.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    fix = "Use 'cpu', or install a torch build for your accelerator."
    try:
        resolved = torch.empty(0, device=torch.device(device)).device  # with its index: "cuda" is "cuda:0"
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        raise InvalidInput("device", expected="a device of this machine", got=str(device), fix=fix) from error
    return resolved


def resolve_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """The format for `dtype`: `"float32"`, `"bfloat16"`, `"float16"`, or `"auto"`.

    `"auto"` takes bfloat16 where it is faster: on an accelerator that supports it, and on a processor with bf16 units
    (a product of two matrices is 4 times as fast with them as in float32, and 3 times as slow without them).
    """
    if dtype != "auto":
        if dtype not in DTYPES:
            raise InvalidInput("dtype", expected=f"'auto' or one of {sorted(DTYPES)}", got=dtype)
        return DTYPES[dtype]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "cpu" and _cpu_prefers_bf16():
        return torch.bfloat16
    return torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Run in `dtype` what gains from it and is safe."""
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype=dtype)


def _cpu_prefers_bf16() -> bool:
    """Whether the processor has bf16 units.

    Asked of its flags rather than timed: a busy moment must not change the format that pictures and banks depend on.
    """
    flags = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, flag, lambda: False)() for flag in flags)


def free_memory(device: torch.device) -> int:
    """Bytes that a new allocation may take."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 4 << 30
