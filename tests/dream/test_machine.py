"""Where and how models run, checked before any is loaded."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from fusedream_sdk.dream.machine import Resolved, resolve_machine
from fusedream_sdk.errors import InvalidInput


def test_without_a_word_everything_is_left_to_the_machine():
    found = resolve_machine()
    assert (found.dtype, found.budget, found.compiles) == ("auto", None, False)
    assert resolve_machine(memory_gb=None).budget is None


def test_what_was_asked_for_is_resolved():
    assert resolve_machine(device="cpu", dtype="float32", memory_gb=2) == Resolved(torch.device("cpu"), "float32", 2e9, False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"device": "moon"}, "device: expected a device of this machine"),
        ({"dtype": "float8"}, "dtype: expected 'auto' or one of"),
        ({"memory_gb": 0}, "memory_gb: expected a positive number"),
        ({"compile": "yes"}, "compile: expected True or False, got yes"),
        ({"devise": "cpu"}, "devise: expected an argument: device, dtype, memory_gb, compile, .* Did you mean 'device'?"),
    ],
)
def test_what_cannot_be_used_is_refused(given: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        resolve_machine(**given)
