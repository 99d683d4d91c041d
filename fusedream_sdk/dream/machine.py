"""Where models run, and how: checked before any is loaded."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from typing_extensions import TypedDict, Unpack

from fusedream_sdk.models.compiled import check_compiler
from fusedream_sdk.runtime.bounds import MEMORY_GB
from fusedream_sdk.runtime.checks import check_flag, check_names
from fusedream_sdk.runtime.device import check_dtype, resolve_device


class Machine(TypedDict, total=False):
    """How a `FuseDream` runs its models.

    Attributes:
        device: where named models are loaded; "auto" is CUDA if it is there, or the CPU.
        dtype: "float32", "bfloat16", "float16", or "auto": bfloat16 where this machine is faster with it.
        memory_gb: bound on the memory of the rows that run together on an accelerator; half of what is free by default.
        compile: run them compiled in every step, by torch.compile.
    """

    device: str
    dtype: str
    memory_gb: float | None
    compile: bool


@dataclass(frozen=True)
class Resolved:
    """The same, as a machine has it: bytes for the rows, None for half of what is free."""

    device: torch.device
    dtype: str
    budget: float | None
    compiles: bool


def resolve_machine(**given: Unpack[Machine]) -> Resolved:
    """What was asked for, checked. Raises InvalidInput: an unknown name, device or dtype, or a machine that cannot compile."""
    check_names(given, list(Machine.__annotations__), "an argument")
    memory, dtype, compiles = given.get("memory_gb"), given.get("dtype", "auto"), given.get("compile", False)
    budget = None if memory is None else 1e9 * MEMORY_GB.check("memory_gb", memory, "Leave it out.")
    check_dtype(dtype)
    check_flag("compile", compiles)
    device = resolve_device(given.get("device", "auto"))
    if compiles:
        check_compiler(device)
    return Resolved(device, dtype, budget, compiles)
