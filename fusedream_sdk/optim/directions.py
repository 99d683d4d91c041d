"""How losses become the direction of a step, row by row (section 3.3, and appendix B for the rivals)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.protocols import Direction, Params
from fusedream_sdk.runtime.bounds import FACTOR
from fusedream_sdk.runtime.checks import check_function, check_kind, is_number, positive


class Descent:
    """The gradient of the primary (first) loss; rows do not mix, so the sum over rows is only a way to get them all."""

    def __call__(self, losses: Mapping[str, Tensor], params: Params) -> Params:
        return gradient(next(iter(losses.values())), params)


class WeightedSum:
    """The gradient of a weighted sum of losses (eq. 7): f + c g is `WeightedSum({"consistency": 1, "augclip": c})`.

    Args:
        weights: name of a loss -> its weight; a loss that is not named has none.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573, appendix B.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        expected, fix = "name of a loss -> a finite number", "Give a dictionary: {'consistency': 1, 'augclip': 10}."
        check_kind("weights", weights, Mapping, expected, fix)
        if not weights or not all(is_number(w) and abs(w) <= FACTOR.most for w in weights.values()):
            raise InvalidInput("weights", expected=f"{expected} of at most {FACTOR.most:,}", got=dict(weights), fix=fix)
        self.weights = {name: float(weight) for name, weight in weights.items()}

    def __call__(self, losses: Mapping[str, Tensor], params: Params) -> Params:
        total = sum((w * pick(losses, name) for name, w in self.weights.items()), torch.zeros(()))
        return gradient(total, params)


class DynamicBarrier:
    """Minimise a secondary loss f among the minima of a primary loss g (eq. 5), by dynamic barrier descent (eq. 6).

        v = grad f + lam grad g,   lam = max((phi - <grad f, grad g>) / |grad g|^2, 0)

    in each row by itself, over all its parameters. So <grad g, v> >= phi >= 0: a small step along -v never raises g, and
    v is grad f wherever the two do not conflict. With the roles of the losses exchanged it is the inverse problem (eq. 8).

    Args:
        primary, secondary: names of g and f.
        alpha: phi = alpha |grad g|^2, positive (paper: 1).
        floor: a lower bound of g; then phi = min(alpha (g - floor), beta |grad g|^2), the general form of the method
            (Gong, Liu & Liu, 2021), which lets f rule once g is near its floor. -1 is one for a cosine similarity.
        beta: of the general form, positive.

    Raises:
        InvalidInput: alpha or beta is not a positive number. On use: a loss of that name is missing.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573, section 3.3.
        Gong, Liu & Liu (2021). Bi-objective trade-off with dynamic barrier gradient descent. NeurIPS 2021.
    """

    def __init__(
        self,
        primary: str = "augclip",
        secondary: str = "consistency",
        *,
        alpha: float = 1.0,
        floor: float | None = None,
        beta: float = 1.0,
    ) -> None:
        self.primary, self.secondary = primary, secondary
        for name, value in (("primary", primary), ("secondary", secondary)):
            check_kind(name, value, str, "the name of a loss")
        if floor is not None and not (is_number(floor) and abs(floor) <= FACTOR.most):
            raise InvalidInput("floor", expected="a finite number, or None", got=floor, fix="-1 is one for a cosine.")
        self.alpha, self.beta = positive("alpha", alpha, FACTOR.most), positive("beta", beta, FACTOR.most)
        self.floor = floor

    def __call__(self, losses: Mapping[str, Tensor], params: Params) -> Params:
        f, g = pick(losses, self.secondary), pick(losses, self.primary)
        grad_f, grad_g = gradient(f, params, again=True), gradient(g, params)
        square = inner(grad_g, grad_g)
        lam = (self.barrier(g.detach(), square) - inner(grad_f, grad_g)) / square.clamp_min(torch.finfo(square.dtype).tiny)
        lam = torch.where(square > 0, lam.clamp_min(0), torch.zeros_like(lam))  # a flat primary asks for nothing
        return {name: x + lam.view(-1, *[1] * (x.dim() - 1)).to(x.dtype) * grad_g[name] for name, x in grad_f.items()}

    def barrier(self, g: Tensor, square: Tensor) -> Tensor:
        """phi of each row, from its primary loss g and |grad g|^2: (B,)."""
        if self.floor is None:
            return self.alpha * square
        return torch.minimum(self.alpha * (g - self.floor).clamp_min(0), self.beta * square)


class Clipped:
    """Another direction, no longer in any row than a bound: the norm over all of a row's parameters.

    Args:
        direction: whose outcome is shortened; `Descent` by default.
        norm: the bound, positive.

    References:
        Pascanu, Mikolov & Bengio (2012). On the difficulty of training recurrent neural networks. arXiv:1211.5063.
    """

    def __init__(self, norm: float, direction: Direction | None = None) -> None:
        if direction is not None:
            check_function("direction", direction, "a Direction")
        self.norm, self.direction = positive("norm", norm, FACTOR.most), direction or Descent()

    def __call__(self, losses: Mapping[str, Tensor], params: Params) -> Params:
        found = self.direction(losses, params)
        length = inner(found, found).sqrt()
        share = torch.where(length > self.norm, self.norm / length, torch.ones_like(length))
        return {name: x * share.view(-1, *[1] * (x.dim() - 1)).to(x.dtype) for name, x in found.items()}


def gradient(loss: Tensor, params: Params, *, again: bool = False) -> Params:
    """The gradient of each row's loss in that row's parameters, zeros where it does not depend on one.

    Args:
        loss: (B,), attached to the parameters.
        params: name -> (B, ...).
        again: keep the graph for another loss.
    """
    found = torch.autograd.grad(loss.sum(), list(params.values()), allow_unused=True, retain_graph=again)
    return {name: torch.zeros_like(x) if g is None else g for (name, x), g in zip(params.items(), found, strict=True)}


def inner(a: Params, b: Params) -> Tensor:
    """The inner product of each row over all its parameters: (B,)."""
    return torch.stack([(a[name] * b[name]).reshape(len(a[name]), -1).sum(dim=1) for name in a]).sum(dim=0)


def pick(losses: Mapping[str, Tensor], name: str) -> Tensor:
    """A loss by its name. Raises InvalidInput where there is none."""
    if name not in losses:
        raise InvalidInput("losses", expected=f"one named {name!r}", got=f"{sorted(losses)}")
    return losses[name]
