"""Muon (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/): momentum whose matrices are made orthogonal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic Newton-Schulz iteration, from the same source


def orthogonalise(matrix: Tensor, steps: int = 5, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """The nearest (semi-)orthogonal matrix, roughly: singular values land in about [0.7, 1.2]. (rows, columns).

    Multiplied in `dtype`: bfloat16 where the processor has it, which others take tens of times as long for.
    """
    a, b, c = COEFFICIENTS
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = (x / (x.norm() + 1e-7)).to(dtype)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.T if matrix.shape[0] > matrix.shape[1] else x).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """For weights of two or more dimensions; all but the first are flattened. `dtype`: as of `orthogonalise`."""

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float,
        momentum: float = 0.95,
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step from the gradients at hand; a step moves the spectral norm by about lr x sqrt(rows / columns)."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                update = torch.lerp(weight.grad, state["momentum"], group["momentum"]).flatten(1)
                rows, columns = update.shape
                step = orthogonalise(update, dtype=self.dtype) * max(1.0, rows / columns) ** 0.5
                weight.add_(step.view_as(weight), alpha=-group["lr"])
