"""How many rows fit: measured on two rows, not guessed from names of models."""

from __future__ import annotations

import gc
from collections.abc import Callable

import torch
from torch import Tensor

from fusedream_sdk.latents import Latents, select
from fusedream_sdk.protocols import Objective
from fusedream_sdk.runtime.device import free_memory
from fusedream_sdk.runtime.room import out_of_memory


def bytes_of_graph(objective: Objective, latents: Latents) -> int:
    """Memory that the graph of all rows holds between forward and backward, the models' own weights included."""
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


def bytes_of_row(build: Callable[[int], Objective], latents: Latents) -> int:
    """Memory that one row more takes while its gradient is computed, at least 2.

    Args:
        build: the objective over the first n rows; weights are in every graph, so two rows less one row is one row.
        latents: of two rows.
    """
    one, two = (bytes_of_graph(build(n), select(latents, slice(0, n))) for n in (1, 2))
    return 2 * max(two - one, 1)  # the backward pass needs about as much again for gradients


def rows_that_fit(build: Callable[[int], Objective], latents: Latents, budget: float | None) -> int:
    """How many rows to run at once, at least 1.

    Args:
        build, latents: as of `bytes_of_row`. Where two rows do not fit, one row is tried.
        budget: bytes; half of what is free by default.
    """
    device = next(iter(latents.values())).device
    limit = free_memory(device) / 2 if budget is None else budget
    try:
        return max(1, int(limit // bytes_of_row(build, latents)))
    except Exception as error:
        if not out_of_memory(error):
            raise
    free_cache()
    return 1


def free_cache() -> None:
    """Give back what nothing holds any more, so that a smaller allocation finds room."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
