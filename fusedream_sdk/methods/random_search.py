"""Random search over generations: the simplest method without a gradient, and the smallest example of a population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from fusedream_sdk.methods.base import Method
from fusedream_sdk.protocols import Params
from fusedream_sdk.run.settings import OF_A_SEARCH
from fusedream_sdk.run.task import direct, drawn
from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.randomness import GENERATIONS, keyed


def random_search(*, population: int = 16, spread: float = 0.5, cooling: float = 0.97) -> Method:
    """Keep the best of a generation; the next one is it and Gaussian steps around it, which grow smaller.

    An evolution strategy (1 + lambda) without adaptation. The views change with the generation, and the whole of a
    generation sees the same, so its members are compared fairly; the best is always one of the next generation.

    Args:
        population: members of a generation, from 2 to 100,000.
        spread: standard deviation of the first steps, in every coordinate of the latents, at most a million.
        cooling: factor of the spread from one generation to the next, at most 1.

    The constants are ours, chosen by eye on the toy models: there is no paper to take them from.

    References:
        Rechenberg (1973). Evolutionsstrategie: Optimierung technischer Systeme nach Prinzipien der biologischen Evolution.
        Mania, Guy & Recht (2018). Simple random search provides a competitive approach to reinforcement learning.
        arXiv:1803.07055.
    """
    population = bounds.POPULATION.check("population", population, "The default is 16.")
    spread = bounds.FACTOR.check("spread", spread, "The default is 0.5.")
    cooling = bounds.COOLING.check("cooling", cooling, "The default is 0.97.")
    return Method(
        starts=partial(drawn, k=population),
        parametrise=direct,
        population=partial(RandomSearch, members=population, spread=spread, cooling=cooling),
        members=population,
        settings={"samples": 1, "basis": 1, "noise": 0.0},
        unused=OF_A_SEARCH | {"lr", "noise"},
        name="random-search",
    )


class RandomSearch:
    """A population whose groups search by themselves.

    Args:
        starts: the first generation, name -> (B, k, ...); where k is less than the members, the others are steps from the
            first of them.
        seeds: one per group.
        members: M, of each group.
        spread, cooling: as of `random_search`.
    """

    def __init__(self, starts: Params, seeds: Sequence[int], *, members: int, spread: float, cooling: float) -> None:
        self.starts, self.seeds, self.members = starts, list(seeds), members
        self.spread, self.cooling = spread, cooling
        self.leaders = {name: x[:, :1] for name, x in starts.items()}  # (B, 1, ...)
        self.generation = 0

    def ask(self) -> Params:
        """The next generation: name -> (B, M, ...)."""
        asked: Params = {}
        sigma = self.spread * self.cooling**self.generation
        draws = [keyed(seed, GENERATIONS + self.generation) for seed in self.seeds]
        for name, leader in self.leaders.items():
            known = leader if self.generation else self.starts[name][:, : self.members]
            shape = (self.members - known.shape[1], *leader.shape[2:])
            noise = torch.from_numpy(np.stack([d.standard_normal(shape, dtype=np.float32) for d in draws])).to(leader)
            asked[name] = torch.cat([known, leader + sigma * noise], dim=1)
        return asked

    def tell(self, params: Params, losses: Mapping[str, Tensor]) -> None:
        """The best of each group leads the next generation; where none is finite, the leader stays."""
        loss, best = next(iter(losses.values())).min(dim=1)
        group, finite = torch.arange(len(best), device=best.device), torch.isfinite(loss)
        for name, x in params.items():
            found = x[group, best].unsqueeze(1)
            wide = finite.view(-1, *[1] * (found.dim() - 1))
            self.leaders[name] = torch.where(wide, found, self.leaders[name])
        self.generation += 1
