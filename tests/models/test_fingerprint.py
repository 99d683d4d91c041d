"""The identity of a model."""

from __future__ import annotations

import torch
from torch import nn

from fusedream_sdk.models.fingerprint import fingerprint_of

WEIGHTS = {
    "a": torch.arange(6.0).view(2, 3),
    "b": torch.tensor(3),
    "c": torch.ones(2, dtype=torch.bfloat16),
    "d": torch.zeros(0),
}


def test_order_memory_layout_and_packing_do_not_matter():
    shuffled = {name: WEIGHTS[name] for name in reversed(WEIGHTS)}
    strided = {**WEIGHTS, "a": WEIGHTS["a"].t().contiguous().t()}
    assert fingerprint_of(WEIGHTS) == fingerprint_of(shuffled) == fingerprint_of(strided)
    layer = nn.Linear(2, 3)
    assert fingerprint_of(layer) == fingerprint_of(layer.state_dict())
    assert len(fingerprint_of(layer)) == 64


def test_a_value_a_name_a_shape_a_type_and_a_setting_each_matter():
    variants = [
        {**WEIGHTS, "a": WEIGHTS["a"] + 1e-6},
        {**WEIGHTS, "a": WEIGHTS["a"].view(3, 2)},
        {**WEIGHTS, "a": WEIGHTS["a"].double()},
        {**{k: v for k, v in WEIGHTS.items() if k != "b"}, "e": WEIGHTS["b"]},
    ]
    found = {fingerprint_of(WEIGHTS), fingerprint_of(WEIGHTS, {"truncation": 1.0}), *map(fingerprint_of, variants)}
    assert len(found) == 6
