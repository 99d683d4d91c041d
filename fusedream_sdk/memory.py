"""How many rows fit: measured on one row, not guessed from names of models."""

from __future__ import annotations

import torch
from torch import Tensor

from fusedream_sdk.latents import Latents
from fusedream_sdk.precision import free_memory
from fusedream_sdk.protocols import Objective


def bytes_of_a_row(objective: Objective, latents: Latents) -> int:
    """Memory that the graph of one row holds between forward and backward.

    Args:
        objective: over one row.
        latents: that row, (1, ...) each.
    """
    storages: dict[int, int] = {}

    def count(x: Tensor) -> Tensor:
        storage = x.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return x

    leaves = {name: x.detach().clone().requires_grad_(x.is_floating_point()) for name, x in latents.items()}
    with torch.autograd.graph.saved_tensors_hooks(count, lambda x: x):
        evaluation = objective(leaves, step=0)
    del evaluation
    return sum(storages.values())


def rows_that_fit(objective: Objective, latents: Latents, budget: float | None) -> int:
    """How many rows to run at once, at least 1.

    Args:
        objective, latents: of one row.
        budget: bytes; half of what is free by default.
    """
    device = next(iter(latents.values())).device
    limit = free_memory(device) / 2 if budget is None else budget
    row = 2 * bytes_of_a_row(objective, latents)  # the backward pass needs about as much again for gradients
    return max(1, int(limit // max(row, 1)))
