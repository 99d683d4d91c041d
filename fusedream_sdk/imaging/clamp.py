"""Pictures put into [0, 1] so that the gradient finds its way back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx


class _SoftClamp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        (x,) = ctx.saved_tensors
        (gradient,) = gradients
        return gradient * (gradient * (x - x.clamp(0, 1)) >= 0)


def soft_clamp(x: Tensor) -> Tensor:
    """Clamp to [0, 1]; the gradient of a value outside passes where descending it leads back in, and is 0 elsewhere.

    For networks that overshoot, without a tanh at their end. A plain clamp would leave saturated pixels without a way back, and
    a sigmoid would change pictures that are right as they are.
    """
    return _SoftClamp.apply(x)  # pyright: ignore[reportReturnType]
