"""What takes the step: makers of optimisers whose update is elementwise, so that rows stay rows.

Ours are Adam and gradient descent as torch.optim has them for one tensor, to the bit, and remember the same by the same names:
either goes on from what the other kept. Any optimiser of torch's will do as well, but the first one that is made imports
torch's compiler, which takes as long as torch itself.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime.bounds import LR, MOMENTUM, STEPS
from fusedream_sdk.runtime.checks import check_flag

BETAS, EPS = (0.9, 0.999), 1e-8  # of Adam: Kingma & Ba, and torch
RISE, FALL = 0.05, 0.25  # shares of the steps in which a ramped learning rate rises and falls (Karras et al., 2020)

Schedule = Callable[[float], float]
"""Steps taken to the share of the learning rate that the next one has."""


class Optimiser(Protocol):
    """What the loop asks of an optimiser; those of torch.optim have it."""

    @property
    def state(self) -> MutableMapping[Tensor, Any]:
        """What is kept of each parameter between steps: {} before the first."""
        ...

    def step(self) -> Any:
        """Move every parameter, in place, by its `grad`."""
        ...


MakeOptimiser = Callable[[list[Tensor]], Optimiser]
"""Parameters to an optimiser of them."""


def adam(lr: float = 5e-3, *, falls_over: int | None = None, ramps_over: int | None = None) -> MakeOptimiser:
    """Adam without weight decay (appendix A of the paper: lr 5e-3).

    Args:
        lr: learning rate.
        falls_over: steps over which it falls to 0, along a cosine; it stays as it is by default.
        ramps_over: steps over which it rises from 0 to `lr`, along a line in the first 5 %, and falls back to 0, along a
            cosine in the last 25 %: the schedule of StyleGAN2's projector, which StyleCLIP keeps.

    Raises:
        InvalidInput: both schedules, or a number outside its bounds.

    References:
        Kingma & Ba (2014). Adam: a method for stochastic optimization. arXiv:1412.6980.
        Loshchilov & Hutter (2016). SGDR: stochastic gradient descent with warm restarts. arXiv:1608.03983: the cosine.
        Karras et al. (2020). Analyzing and improving the image quality of StyleGAN. arXiv:1912.04958, appendix D: the ramps.
    """
    lr = LR.check("lr", lr, "The default is 0.005.")
    if falls_over is not None and ramps_over is not None:
        expected = "nothing, as falls_over is a schedule already"
        raise InvalidInput("ramps_over", expected=expected, got=ramps_over, fix="Leave out one of them.")
    schedule: Schedule = _steady
    if falls_over is not None:
        schedule = partial(_falling, steps=STEPS.check("falls_over", falls_over))
    elif ramps_over is not None:
        schedule = partial(_ramped, steps=STEPS.check("ramps_over", ramps_over))
    return lambda params: Adam(params, lr, schedule)


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
    return lambda params: Momentum(params, lr, momentum, nesterov=nesterov)


class Elementwise:
    """An optimiser that moves its parameters one at a time.

    Args:
        params: any shapes, leaves of the graph.

    Attributes:
        state: what is kept of each parameter.
    """

    def __init__(self, params: Sequence[Tensor]) -> None:
        self.params = list(params)
        self.state: MutableMapping[Tensor, dict[str, Any]] = defaultdict(dict)

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        for x in self.params:
            if x.grad is not None:
                self.move(x, x.grad, self.state[x])

    def move(self, x: Tensor, gradient: Tensor, kept: dict[str, Any]) -> None:
        """One step of one parameter, in place; `kept` is what is remembered of it."""
        raise NotImplementedError


def _steady(taken: float) -> float:
    """All of it, always."""
    return 1.0


def _falling(taken: float, *, steps: int) -> float:
    """From 1 to 0 along a cosine."""
    return (1 + math.cos(math.pi * taken / steps)) / 2


def _ramped(taken: float, *, steps: int) -> float:
    """From 0 to 1 along a line, and back to 0 along a cosine."""
    left = min(1.0, max(0.0, 1 - taken / steps) / FALL)
    return min(1.0, taken / steps / RISE) * (1 - math.cos(math.pi * left)) / 2


class Adam(Elementwise):
    """Adam, at a rate that stays or that follows a schedule: what goes on from a state follows it on from there."""

    def __init__(self, params: Sequence[Tensor], lr: float, schedule: Schedule = _steady) -> None:
        super().__init__(params)
        self.lr, self.schedule = lr, schedule

    def rate(self, taken: float) -> float:
        """The learning rate after so many steps."""
        return self.lr * self.schedule(taken)

    def move(self, x: Tensor, gradient: Tensor, kept: dict[str, Any]) -> None:
        """Algorithm 1 of the paper, in the order in which torch computes it."""
        if not kept:
            kept.update(step=torch.tensor(0.0), exp_avg=torch.zeros_like(x), exp_avg_sq=torch.zeros_like(x))
        rate = self.rate(float(kept["step"]))
        kept["step"] += 1
        (first, second), taken = BETAS, float(kept["step"])
        mean = kept["exp_avg"].lerp_(gradient, 1 - first)
        square = kept["exp_avg_sq"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        spread = (square.sqrt() / (1 - second**taken) ** 0.5).add_(EPS)
        x.addcdiv_(mean, spread, value=-rate / (1 - first**taken))


class Momentum(Elementwise):
    """Gradient descent with momentum, Nesterov's or plain, or with none."""

    def __init__(self, params: Sequence[Tensor], lr: float, momentum: float, *, nesterov: bool = False) -> None:
        super().__init__(params)
        self.lr, self.momentum, self.nesterov = lr, momentum, nesterov

    def move(self, x: Tensor, gradient: Tensor, kept: dict[str, Any]) -> None:
        """One step along the velocity, in the order in which torch computes it."""
        if self.momentum:
            if not kept:
                kept.update(momentum_buffer=gradient.clone())
            else:
                kept["momentum_buffer"].mul_(self.momentum).add_(gradient)
            velocity = kept["momentum_buffer"]
            gradient = gradient.add(velocity, alpha=self.momentum) if self.nesterov else velocity
        x.add_(gradient, alpha=-self.lr)
