"""What takes the step: makers of torch optimisers whose update is elementwise, so that rows stay rows."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

MakeOptimiser = Callable[[list[Tensor]], torch.optim.Optimizer]
"""Parameters to an optimiser of them."""


def adam(lr: float = 5e-3, *, falls_over: int | None = None) -> MakeOptimiser:
    """Adam without weight decay (appendix A of the paper: lr 5e-3).

    Args:
        lr: learning rate.
        falls_over: steps over which it falls to 0, along a cosine; it stays as it is by default.

    References:
        Kingma & Ba (2014). Adam: a method for stochastic optimization. arXiv:1412.6980.
        Loshchilov & Hutter (2016). SGDR: stochastic gradient descent with warm restarts. arXiv:1608.03983: the cosine.
    """

    def make(params: list[Tensor]) -> torch.optim.Optimizer:
        optimiser = torch.optim.Adam(params, lr=lr)
        if falls_over is not None:
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, falls_over)
            optimiser.register_step_post_hook(lambda *_: schedule.step())
        return optimiser

    return make


def sgd(lr: float, *, momentum: float = 0.0, nesterov: bool = False) -> MakeOptimiser:
    """Gradient descent, with momentum where it is asked for; nothing rescales a direction's coordinates.

    Args:
        lr: learning rate.
        momentum: share of the last step that is kept, from 0.
        nesterov: look ahead along it.
    """
    return lambda params: torch.optim.SGD(params, lr=lr, momentum=momentum, nesterov=nesterov)
