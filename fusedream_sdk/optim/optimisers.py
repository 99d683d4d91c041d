"""What takes the step: makers of torch optimisers whose update is elementwise, so that rows stay rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime.bounds import LR, MOMENTUM, STEPS
from fusedream_sdk.runtime.checks import check_flag

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

    lr = LR.check("lr", lr, "The default is 0.005.")
    if falls_over is not None:
        falls_over = STEPS.check("falls_over", falls_over)

    def make(params: list[Tensor]) -> torch.optim.Optimizer:
        optimiser = torch.optim.Adam(params, lr=lr)
        if falls_over is not None:
            optimiser.register_step_pre_hook(partial(_fall, lr=lr, steps=falls_over))
        return optimiser

    return make


def sgd(lr: float, *, momentum: float = 0.0, nesterov: bool = False) -> MakeOptimiser:
    """Gradient descent, with momentum where it is asked for; nothing rescales a direction's coordinates.

    Args:
        lr: learning rate.
        momentum: share of the last step that is kept, from 0 to 1.
        nesterov: look ahead along it.

    Raises:
        InvalidInput: Nesterov's without momentum, or a number outside its bounds.

    References:
        Sutskever et al. (2013). On the importance of initialization and momentum in deep learning. ICML 2013.
    """
    lr, momentum = LR.check("lr", lr, "0.01 is usual."), MOMENTUM.check("momentum", momentum, "0.9 is usual.")
    check_flag("nesterov", nesterov)
    if nesterov and not momentum:
        expected, fix = "momentum above 0 to look ahead along", "0.9 is usual."
        raise InvalidInput("nesterov", expected=expected, got=f"momentum {momentum}", fix=fix)
    return lambda params: torch.optim.SGD(params, lr=lr, momentum=momentum, nesterov=nesterov)


def _fall(optimiser: torch.optim.Optimizer, *_: object, lr: float, steps: int) -> None:
    """The learning rate of a step, by how many Adam has taken: what goes on from a state falls on from there."""
    for group in optimiser.param_groups:
        taken = max(float(optimiser.state[x].get("step", 0)) for x in group["params"])
        group["lr"] = lr * (1 + math.cos(math.pi * taken / steps)) / 2
