"""Many views in parts: the gradient of each part is taken at once and added up at the picture.

What a scorer keeps of a view for its gradient is many times the view: 50 views of a ViT-B/32 take 2.5 GB. The sum over views
needs none of it longer than one part, and the generator's own graph is run backward once, from the sum.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

AT_ONCE = 25  # views: as fast as 50 on a CPU; a number of its own, as what fits a memory must not change a picture

Total = Callable[[Tensor, slice], Tensor]
"""Pictures (B, ...) and which views to the sum of the scores of those views, (B,). Rows do not mix."""


def in_parts(total: Total, images: Tensor, count: int) -> Tensor:
    """The sum of the scores of `count` views: (B, ...) to (B,). Of more than 25 views differentiable once."""
    parts = even_parts(count)
    if len(parts) == 1:
        return total(images, parts[0])
    if not (torch.is_grad_enabled() and images.requires_grad):
        return torch.stack([total(images, part) for part in parts]).sum(dim=0)
    return SummedParts.apply(images, total, parts)  # pyright: ignore[reportReturnType]


def even_parts(count: int) -> list[slice]:
    """As few parts as can be, of nearly the same length: 60 are three times 20."""
    number = -(-count // AT_ONCE)
    ends = [count * i // number for i in range(number + 1)]
    return [slice(a, b) for a, b in pairwise(ends)]


class SummedParts(torch.autograd.Function):
    """The sum, whose gradient is ready as soon as it is."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, total: Total, parts: list[slice]) -> Tensor:
        """(B,); keeps the gradient of its sum."""
        sums, gradient = [], torch.zeros_like(images)
        for part in parts:
            with torch.enable_grad():
                own = images.detach().requires_grad_()
                score = total(own, part)
                gradient += torch.autograd.grad(score.sum(), own)[0]
            sums.append(score.detach())
        ctx.save_for_backward(gradient)
        return torch.stack(sums).sum(dim=0)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  (the decorator hides the name of ctx)
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor, None, None]:
        """Each row's gradient, times what is wanted of that row."""
        (gradient,) = ctx.saved_tensors
        return gradient * gradients[0].view(-1, *[1] * (gradient.dim() - 1)), None, None
