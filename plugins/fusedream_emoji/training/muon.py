"""Muon (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/): momentum whose matrices are made orthogonal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic Newton-Schulz iteration, from the same source


def orthogonalise(matrices: Tensor, steps: int = 5, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """The nearest (semi-)orthogonal matrices, roughly: singular values land in about [0.7, 1.2]. (N, rows, columns).

    Multiplied in `dtype`: bfloat16 where the processor has it, which others take tens of times as long for.
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)).to(dtype)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).to(matrices.dtype)


def spectral(rows: int, columns: int) -> float:
    """A step moves the spectral norm by about the rate times sqrt(rows / columns)."""
    return max(1.0, rows / columns) ** 0.5


def as_adam(rows: int, columns: int) -> float:
    """A step moves as far as one of AdamW at its usual rates (Liu et al., 2025, arXiv:2502.16982)."""
    return 0.2 * max(rows, columns) ** 0.5


class Muon(torch.optim.Optimizer):
    """For weights of two or more dimensions; all but the first are flattened. Weights of one shape are taken together.

    Args:
        parameters: as of every optimiser.
        lr: its rate.
        momentum: of the gradients.
        weight_decay: times the rate, as of AdamW.
        like_adam: whether the length of a step is `as_adam`'s, not `spectral`'s.
        dtype: as of `orthogonalise`.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        like_adam: bool = False,
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        told = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "like_adam": like_adam, "dtype": dtype}
        super().__init__(parameters, told)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step from the gradients at hand."""
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    alike[len(weight), weight[0].numel()].append(weight)
            for shape, weights in alike.items():
                self.move(weights, shape, group)

    def move(self, weights: list[Tensor], shape: tuple[int, int], group: dict[str, Any]) -> None:
        """A step of weights of one shape, (rows, columns)."""
        for weight in weights:
            if not self.state[weight]:
                self.state[weight]["momentum"] = torch.zeros_like(weight)
        means, slopes = [self.state[weight]["momentum"] for weight in weights], [cast("Tensor", w.grad) for w in weights]
        torch._foreach_lerp_(means, slopes, 1 - group["momentum"])  # pyright: ignore[reportPrivateImportUsage]
        mean, slope = (torch.stack([x.reshape(shape) for x in parts]) for parts in (means, slopes))
        length = as_adam(*shape) if group["like_adam"] else spectral(*shape)
        steps = orthogonalise(slope.lerp(mean, group["momentum"]), dtype=group["dtype"]) * length
        if group["weight_decay"]:
            torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])  # pyright: ignore[reportPrivateImportUsage]
        moved = [step.view(weight.shape) for step, weight in zip(steps.unbind(), weights, strict=True)]
        torch._foreach_add_(weights, moved, alpha=-group["lr"])  # pyright: ignore[reportPrivateImportUsage]
