from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.run.task import direct, drawn


class Annealing:
    """Walkers that take every step down, and a step up the more rarely the colder it is (Kirkpatrick et al., 1983)."""

    def __init__(
        self, starts: fd.Latents, seeds: Sequence[int], *, walkers: int, spread: float, temperature: float, cooling: float
    ) -> None:
        k = next(iter(starts.values())).shape[1]  # 1 where a picture says where to begin
        self.at = {name: x[:, [w % k for w in range(walkers)]] for name, x in starts.items()}  # (B, W, ...)
        self.random = [torch.Generator().manual_seed(2**63 + seed) for seed in seeds]  # a row's own, and nobody else's
        self.spread, self.temperature, self.cooling = spread, temperature, cooling

    def ask(self) -> fd.Latents:
        """Where each walker stands and a step from there, side by side so that both are judged on the same views."""
        return {name: torch.cat([x, x + self.spread * self.draw(torch.randn, x)], dim=1) for name, x in self.at.items()}

    def tell(self, params: fd.Latents, losses: Mapping[str, Tensor]) -> None:
        """Take the step, or stand still: the rule of Metropolis et al. (1953)."""
        here, there = next(iter(losses.values())).chunk(2, dim=1)  # (B, W) each
        taken = self.draw(torch.rand, here) < torch.exp((here - there) / self.temperature)
        for name, x in params.items():
            stays, goes = x.chunk(2, dim=1)
            self.at[name] = torch.where(taken.view(*taken.shape, *[1] * (x.dim() - 2)), goes, stays)
        self.temperature *= self.cooling

    def draw(self, distribution: Callable[..., Tensor], like: Tensor) -> Tensor:
        """Random numbers of that shape, of each row from its own seed."""
        return torch.stack([distribution(like.shape[1:], generator=rng) for rng in self.random]).to(like)


def load(walkers: int = 4, spread: float = 0.3, temperature: float = 0.01, cooling: float = 0.95) -> fd.Method:
    return fd.Method(
        starts=partial(drawn, k=walkers),
        parametrise=direct,
        population=partial(Annealing, walkers=walkers, spread=spread, temperature=temperature, cooling=cooling),
        members=2 * walkers,
        settings={"samples": 1, "basis": 1, "noise": 0.0},
        unused=frozenset({"samples", "basis", "mix", "bank", "bank_views", "lr", "noise"}),
    )
