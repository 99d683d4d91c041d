"""CLIP-GLaSS: a genetic algorithm climbs plain CLIP, and the discriminator's opinion too where there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fusedream_sdk.latents import Box, Latents, LatentSpec, OneHot, Simplex, Space
from fusedream_sdk.methods.base import Method
from fusedream_sdk.optim.population import as_vectors, from_vectors, ranked
from fusedream_sdk.protocols import Evaluation, Objective, Params
from fusedream_sdk.run.settings import OF_A_SEARCH, OF_VIEWS
from fusedream_sdk.run.task import Task, augclip, direct, drawn
from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.device import Precision
from fusedream_sdk.runtime.randomness import GENERATIONS, keyed
from fusedream_sdk.scoring.views import NO_VIEWS

MEMBERS, GENERATIONS_IN_ALL = 64, 500
ETA, MATED, MUTATED = 3, 1.0, 0.5


def clip_glass(*, population: int = MEMBERS) -> Method:
    """The score of the picture itself (eq. 1) by pymoo's genetic algorithm, or by NSGA-II with the discriminator's opinion.

    The generator's own draws are the first generation. Parents are chosen by tournaments of two; simulated binary crossover
    mates all of them, polynomial mutation moves every coordinate with a probability of a half. The best of parents and children
    live on: by the score, or, where the generator has `realism`, by dominance in the score and in how far realism stays
    below 1 (the hinge loss of a GAN). A latent moves inside its box, as BigGAN's in [-2, 2].

    What is ours: a class is moved as the generator has it, an embedding or shares, where theirs is 1,000 bits, one in a hundred
    of which flips; a latent without a box moves within the range of the draws, where their StyleGAN2's, whose length does not
    matter, has [-10, 10]; and the picture is that with the best score of those on the front, where theirs is the most real one.

    Args:
        population: members of a generation, from 2 to 100,000. 64 is theirs for BigGAN at 256 pixels; they have 32 at 512, and
            16 for StyleGAN2.

    500 generations, the first included. Needs the extra `populations`.

    Raises:
        InvalidInput: the population is outside its bounds. ModuleNotFoundError: pymoo is not installed.

    References:
        Galatolo, Cimino & Vaglini (2021). Generating images from caption and vice versa via CLIP-guided generative latent space
        search. arXiv:2102.01645; repository galatolofederico/clip-glass: `config.py`, `operators.py`, `problem.py`, `run.py`.
        Deb et al. (2002). A fast and elitist multiobjective genetic algorithm: NSGA-II. IEEE Transactions on Evolutionary
        Computation 6.
    """
    population = bounds.POPULATION.check("population", population, f"The default is {MEMBERS}.")
    import_module("pymoo")  # so that whoever lacks it is told before models are loaded
    return Method(
        starts=partial(drawn, k=population),
        parametrise=direct,
        objective=score_and_realism,
        population=partial(Genetic, members=population),
        members=population,
        settings={"steps": GENERATIONS_IN_ALL - 1, "augment": NO_VIEWS, "samples": 1, "basis": 1, "noise": 0.0},
        unused=OF_VIEWS | OF_A_SEARCH | {"lr", "noise"},
        name="clip-glass",
    )


@dataclass(frozen=True)
class WithRealism:
    """Another objective, and the hinge of a discriminator's opinion as a second loss, "realism".

    Args:
        score: the first.
        realism: pictures (B, 3, H, W) in [0, 1] to (B,), higher is better, as `Generator` says.
        precision: context in which it runs.
    """

    score: Objective
    realism: Callable[[Tensor], Tensor]
    precision: Precision

    def __call__(self, latents: Latents, *, step: int) -> Evaluation:
        found = self.score(latents, step=step)
        with self.precision():
            opinion = self.realism(found.images).float()
        return replace(found, losses={**found.losses, "realism": torch.relu(1 - opinion)})


def score_and_realism(task: Task) -> Objective:
    """The score, and realism beside it where the generator has an opinion."""
    score, realism = augclip(task), getattr(task.generator, "realism", None)
    return score if realism is None else WithRealism(score, realism, task.engine.precision)


class Genetic:
    """A population whose groups are genetic algorithms, each by itself; NSGA-II where there is more than one loss.

    Args:
        starts: the first generation, name -> (B, k, ...); where k is less than the members, each is there several times.
        seeds: one per group.
        members: M, of each group.
        space: of the latents.
    """

    def __init__(self, starts: Params, seeds: Sequence[int], *, members: int, space: Space) -> None:
        self.seeds, self.members, self.space = list(seeds), members, space
        self.starts = {name: x[:, torch.arange(members) % x.shape[1]] for name, x in starts.items()}
        self.groups: list[Any] = []  # there is none before it is known how many losses there are
        self.asked: list[Any] = []

    def ask(self) -> Params:
        """The next generation: name -> (B, M, ...)."""
        if not self.groups:
            return self.starts
        self.asked = [offspring(group) for group in self.groups]
        every = [found.get("X")[np.arange(self.members) % len(found)] for found in self.asked]
        return from_vectors(np.stack(every), self.starts)

    def tell(self, params: Params, losses: Mapping[str, Tensor]) -> None:
        """The fittest of each group live on; a point that was put elsewhere is where it was put."""
        points = as_vectors({name: params[name] for name in self.starts})
        values = np.stack([[ranked(group) for group in loss] for loss in losses.values()], axis=2)  # (B, M, losses)
        if not self.groups:
            self.groups = [self._begun(row, own, values.shape[2]) for row, own in enumerate(points)]
            self.asked = [offspring(group) for group in self.groups]
        for group, asked, own, loss in zip(self.groups, self.asked, points, values, strict=True):
            group.tell(infills=told(group.problem, own[: len(asked)], loss[: len(asked)]))

    def _begun(self, row: int, points: np.ndarray, losses: int) -> Any:
        """pymoo's algorithm of one group, whose first generation is there: (M, N)."""
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.algorithms.soo.nonconvex.ga import GA
        from pymoo.core.problem import Problem
        from pymoo.core.termination import NoTermination
        from pymoo.operators.crossover.sbx import SBX
        from pymoo.operators.mutation.pm import PM

        sides = [limits(self.space[name], x[row]) for name, x in self.starts.items()]
        low, high = (np.concatenate(side) for side in zip(*sides, strict=True))
        how: dict[str, Any] = {"pop_size": self.members, "sampling": points, "eliminate_duplicates": True}
        ways = {"crossover": SBX(prob=MATED, eta=ETA), "mutation": PM(prob=1.0, prob_var=MUTATED, eta=ETA)}
        algorithm = (GA if losses == 1 else NSGA2)(**how, **ways)
        numbers = keyed(self.seeds[row], GENERATIONS).bit_generator
        problem = Problem(n_var=points.shape[1], n_obj=losses, xl=low, xu=high)
        return algorithm.setup(problem, termination=NoTermination(), seed=numbers)


def limits(spec: LatentSpec, draws: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Between which numbers a latent is mated and mutated: its box, or the range of its draws (k, ...); (N,) each."""
    far = torch.full(spec.shape, torch.inf, dtype=torch.float64)
    if isinstance(spec.constraint, Box):
        low, high = spec.constraint.project(-far), spec.constraint.project(far)
    elif isinstance(spec.constraint, (Simplex, OneHot)):
        low, high = torch.zeros_like(far), torch.ones_like(far)
    else:
        least, most = float(draws.min()), float(draws.max())
        room = 0.0 if least < most else 1.0
        low, high = torch.full_like(far, least - room), torch.full_like(far, most + room)
    return low.flatten().numpy(), high.flatten().numpy()


def offspring(algorithm: Any) -> Any:
    """Individuals that pymoo asks for, at most as many as there are members; those that live where it finds no new ones."""
    asked = algorithm.ask()
    return algorithm.pop if asked is None else asked


def told(problem: Any, points: np.ndarray, losses: np.ndarray) -> Any:
    """Individuals of pymoo's at points (M, N), with their losses (M, L)."""
    from pymoo.core.evaluator import Evaluator
    from pymoo.core.population import Population
    from pymoo.problems.static import StaticProblem

    return Evaluator().eval(StaticProblem(problem, F=losses), Population.new("X", points))
