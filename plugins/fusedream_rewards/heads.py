"""Heads of several linear layers without an activation between them: one affine map, which they are folded into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from fusedream_sdk.models.weights import check_tensors

WIDTHS = (1024, 128, 64, 16, 1)
PLACES = (0, 2, 4, 6, 7)
"""Of the linear layers, among the others of the sequence: dropout, which does nothing once trained, stands between them."""


def linear_head(tensors: Mapping[str, Tensor], width: int, path: Path, *, reward: str) -> tuple[Tensor, Tensor]:
    """The five layers `layers.0`, `.2`, `.4`, `.6` and `.7` of ImageReward's head and of LAION's as one map x -> w x + b.

    The authors left the activations out, so the composition is affine; it is taken in float64, and agrees up to rounding.

    Args:
        tensors: weights (out, in) and biases (out,) under the names of the file.
        width: of what the head reads.
        path: of the file, for messages. reward: what a message calls it.

    Returns:
        (width,) and (), float32.

    Raises:
        WeightsError: an entry is missing, or has another shape.
    """
    wanted = wanted_entries(width)
    check_tensors(wanted, tensors, path, model=f"the head of {reward}", advice=f"Is it a file of {reward}?")
    whole, constant = torch.eye(width, dtype=torch.float64), torch.zeros(width, dtype=torch.float64)
    for place in PLACES:
        weight, bias = (tensors[f"layers.{place}.{part}"].double() for part in ("weight", "bias"))
        whole, constant = weight @ whole, weight @ constant + bias
    return whole[0].float(), constant[0].float()


def wanted_entries(width: int) -> dict[str, Tensor]:
    """The entries of such a head, without content."""
    sizes: Sequence[int] = (width, *WIDTHS)
    entries = {}
    for place, into, out in zip(PLACES, sizes, sizes[1:], strict=False):
        entries[f"layers.{place}.weight"] = torch.empty(out, into, device="meta")
        entries[f"layers.{place}.bias"] = torch.empty(out, device="meta")
    return entries
