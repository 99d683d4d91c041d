"""What the tests of the loop share: a bowl to descend, what breaks it, and runs over it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fusedream_sdk.latents import Box, Latents, LatentSpec
from fusedream_sdk.optim.loop import iterate, optimise
from fusedream_sdk.optim.optimisers import adam
from fusedream_sdk.optim.parametrise import Direct
from fusedream_sdk.optim.state import Outcome, State
from fusedream_sdk.protocols import Evaluation

SPACE = {"x": LatentSpec((3,), Box(-2.0, 2.0))}
START = torch.tensor([[1.0, -1.5, 0.5], [0.0, 0.3, -0.2], [-2.0, 2.0, 1.0]])


class Bowl:
    """Squared distance to a goal, plus what a step adds to a row: noise, NaN, a wall."""

    def __init__(self, goal: float = 5.0, added: Callable[[Tensor, int], Tensor] | None = None) -> None:
        self.goal, self.added = goal, added
        self.points: list[Tensor] = []

    def __call__(self, latents: Latents, *, step: int) -> Evaluation:
        x = latents["x"]
        self.points.append(x.detach().clone())
        loss = (x - self.goal).square().sum(dim=1)
        if self.added is not None:
            loss = loss + self.added(x, step)
        return Evaluation(latents, torch.zeros(len(x), 3, 1, 1), {"bowl": loss})


def states(objective: Bowl, start: Tensor = START, *, steps: int = 8, lr: float = 0.1, **options: object) -> list[State]:
    direct = Direct(SPACE, {"x": start})
    options = {"make_optimiser": adam(lr), **options}
    return list(iterate(objective, direct, direct.params, steps=steps, **options))  # pyright: ignore[reportArgumentType]


def run(objective: Bowl, start: Tensor = START, **options: object) -> Outcome:
    return optimise(iter(states(objective, start, **options)))  # pyright: ignore[reportArgumentType]


def nan_loss(x: Tensor, step: int) -> Tensor:
    return torch.where(torch.arange(len(x)) == 1, torch.nan if step >= 4 else 0.0, 0.0)


def nan_gradient(x: Tensor, step: int) -> Tensor:
    """A finite value whose gradient is not."""
    zero = torch.zeros(1)
    return torch.cat([zero, 0 * (x[1:2, 0] - x[1:2, 0].detach()).sqrt(), zero]) if step >= 4 else torch.zeros(3)
