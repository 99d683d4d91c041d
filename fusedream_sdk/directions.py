"""How losses become the direction of a step, row by row."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from fusedream_sdk.protocols import Params


class Descent:
    """The gradient of the primary (first) loss; rows do not mix, so the sum over rows is only a way to get them all."""

    def __call__(self, losses: Mapping[str, Tensor], params: Params) -> Params:
        primary = next(iter(losses.values()))
        gradients = torch.autograd.grad(primary.sum(), list(params.values()), allow_unused=True)
        pairs = zip(params.items(), gradients, strict=True)
        return {name: torch.zeros_like(x) if g is None else g for (name, x), g in pairs}
