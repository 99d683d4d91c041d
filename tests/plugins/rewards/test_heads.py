"""Heads of linear layers, folded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fusedream_rewards.heads import linear_head, wanted_entries
from fusedream_sdk.errors import WeightsError
from tests.plugins.rewards.conftest import head, randomise


@pytest.mark.parametrize("width", [16, 768])
def test_the_folded_head_is_the_authors_layer_by_layer(width: int):
    own = head(width)
    randomise(own, 0)
    weight, bias = linear_head({f"layers.{n}": x for n, x in own.state_dict().items()}, width, Path("head"), reward="toy")
    x = torch.randn(5, width, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close((x * weight).sum(dim=1) + bias, own(x)[:, 0], atol=1e-4, rtol=1e-4)


def test_the_entries_are_those_of_the_published_file():
    shapes = {name: tuple(x.shape) for name, x in wanted_entries(768).items() if name.endswith("weight")}
    assert shapes == {
        "layers.0.weight": (1024, 768),
        "layers.2.weight": (128, 1024),
        "layers.4.weight": (64, 128),
        "layers.6.weight": (16, 64),
        "layers.7.weight": (1, 16),
    }


def test_a_head_of_another_width_is_refused():
    tensors = {f"layers.{n}": x for n, x in head(16).state_dict().items()}
    with pytest.raises(WeightsError, match=r"layers.0.weight: expected shape \(1024, 768\), got \(1024, 16\)"):
        linear_head(tensors, 768, Path("head.pth"), reward="aesthetic")
