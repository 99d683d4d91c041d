"""CMA-ES over the latents: no gradient, and steps whose sizes and directions are learnt from what they came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fusedream_sdk.latents import Latents
from fusedream_sdk.methods.base import Method
from fusedream_sdk.optim.population import as_vectors, from_vectors, ranked
from fusedream_sdk.protocols import Params
from fusedream_sdk.run.task import Task, direct, drawn, searched
from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.checks import check_flag
from fusedream_sdk.runtime.randomness import GENERATIONS, keyed

MEMBERS, SIGMA, UPDATES = 18, 0.5, 200
DENSE = 1024  # coordinates: more than that, and a matrix of all pairs of them would take long


def cma(*, population: int = MEMBERS, sigma: float = SIGMA, diagonal: bool | None = None) -> Method:
    """CMA-ES around the best of the search, by pycma, on the objective of the settings: AugCLIP, as FuseDream's.

    Its mean begins at the best sample of the search (with `samples=1` at one draw), its steps at `sigma` standard deviations of
    what the generator draws, in each latent by itself. A generation sees one set of views, the next one another. A member
    outside the constraints is put back, and pycma is told the point that was scored, as a point from elsewhere.

    Args:
        population: members of a generation, from 4 to 100,000. 18 is what pycma takes for 128 coordinates, 4 + 3 ln 128, and so
            what pix2latent takes for BigGAN; for more coordinates it takes a few more, 22 for 512.
        sigma: spread of the first generation, at most a million. 0.5 is pix2latent's around a guess, the encoder's; without
            a guess it takes 1 around 0.
        diagonal: learn a step size for each coordinate, and no directions across them; by default above 1,024 coordinates.

    200 updates are those of pix2latent's example. Needs the extra `populations`.

    Raises:
        InvalidInput: an option outside its bounds. ModuleNotFoundError: pycma is not installed.

    References:
        Hansen & Ostermeier (2001). Completely derandomized self-adaptation in evolution strategies. Evolutionary Computation 9.
        Hansen (2016). The CMA evolution strategy: a tutorial. arXiv:1604.00772.
        Ros & Hansen (2008). A simple modification in CMA-ES achieving linear time and space complexity. PPSN X: the diagonal.
        Huh et al. (2020). Transforming and projecting images into class-conditional generative networks. arXiv:2005.01703;
        repository minyoungg/pix2latent: `invert_biggan_cma.py`, and `demo.py` of the first version for the spread.
    """
    options = options_of(population, sigma, diagonal)
    return Method(
        starts=partial(around, k=options["members"]),
        parametrise=direct,
        population=partial(CMA, **options),
        members=options["members"],
        settings={"steps": UPDATES, "basis": 1, "noise": 0.0},
        unused=frozenset({"basis", "mix", "lr", "noise"}),
        name="cma",
    )


def options_of(population: int, sigma: float, diagonal: bool | None) -> dict[str, Any]:
    """The options of a `CMA`, checked. Raises as `cma`."""
    members = bounds.CMA_POPULATION.check("population", population, f"The default is {MEMBERS}.")
    spread = bounds.FACTOR.check("sigma", sigma, f"The default is {SIGMA}.")
    if diagonal is not None:
        check_flag("diagonal", diagonal)
    import_module("cma")  # so that whoever lacks it is told before models are loaded
    return {"members": members, "sigma": spread, "diagonal": diagonal}


def around(task: Task, k: int) -> Latents:
    """The best sample of each row's search, and k draws, which tell how far apart latents are: (B, 1 + k, ...) each."""
    best, draws = searched(task), drawn(task, k)
    return {name: torch.cat([x[:, :1], draws[name]], dim=1) for name, x in best.items()}


class CMA:
    """A population whose groups are evolution strategies, each by itself.

    Args:
        starts: name -> (B, k, ...); the first is where a group's mean begins, the spread of all is its unit.
        seeds: one per group.
        members: M, of each group.
        sigma: spread of the first generation, in that unit.
        diagonal: as of `cma`.
        basins: what is told are the losses of where the members ended after they were refined, and the strategy counts them as
            those of where they began. Otherwise it is told the points that were scored.
    """

    def __init__(
        self,
        starts: Params,
        seeds: Sequence[int],
        *,
        members: int,
        sigma: float,
        diagonal: bool | None = None,
        basins: bool = False,
    ) -> None:
        self.like, self.basins = starts, basins
        self.means = as_vectors({name: x[:, :1] for name, x in starts.items()})[:, 0]  # (B, N)
        wide = self.means.shape[1] > DENSE if diagonal is None else diagonal
        how = {"sigma": sigma, "members": members, "diagonal": wide}
        self.groups = [
            strategy(mean, units({name: x[row] for name, x in starts.items()}), seed, **how)
            for row, (mean, seed) in enumerate(zip(self.means, seeds, strict=True))
        ]
        self.sampled: np.ndarray = np.zeros((len(seeds), 0, 0))  # in full precision
        self.asked: Params = {}

    def ask(self) -> Params:
        """The next generation: name -> (B, M, ...)."""
        self.sampled = np.stack([np.stack(group.ask()) for group in self.groups])  # (B, M, N)
        self.asked = from_vectors(self.sampled[:, :, : self.means.shape[1]], self.like)
        return self.asked

    def tell(self, params: Params, losses: Mapping[str, Tensor]) -> None:
        """Every strategy learns from its own group; a coordinate that was put elsewhere is told as it is."""
        points, values = self.sampled, next(iter(losses.values()))
        if not self.basins:
            came, went = as_vectors({name: params[name] for name in self.asked}), as_vectors(self.asked)
            points[:, :, : came.shape[2]] = np.where(came == went, points[:, :, : came.shape[2]], came)
        for group, own, loss in zip(self.groups, points, values, strict=True):
            group.tell(list(own), ranked(loss).tolist())


def units(starts: Params) -> np.ndarray:
    """The standard deviation of each latent of one group over starts and coordinates, (k, ...) each: (N,); 1 where it is 0."""
    found = [np.full(x[0].numel(), float(x.double().std(correction=0)) or 1.0) for x in starts.values()]
    return np.concatenate(found)


def strategy(mean: np.ndarray, unit: np.ndarray, seed: int, *, sigma: float, members: int, diagonal: bool) -> Any:
    """A strategy of pycma's that says nothing, writes nothing, and draws from a seed of its own alone.

    Its step size is adapted by the length of its path. Beyond 299 coordinates a diagonal one of pycma's would compare two
    points instead, which draws global random numbers, and cannot be told other points than it asked for.
    """
    from cma import CMAEvolutionStrategy
    from cma.sigma_adaptation import CMAAdaptSigmaCSA

    if len(mean) == 1:  # it needs two coordinates; nobody reads the other
        mean, unit = np.append(mean, 0.0), np.append(unit, 1.0)
    numbers = keyed(seed, GENERATIONS)
    own = {
        "popsize": members,
        "CMA_stds": unit,
        "CMA_diagonal": diagonal,
        "AdaptSigma": CMAAdaptSigmaCSA,
        "CMA_mirrors": 0,
        "randn": lambda count, width: numbers.standard_normal((count, width)),
        "seed": np.nan,  # "do nothing": another value seeds all of NumPy
    }
    quiet = {"verbose": -9, "verb_log": 0, "verb_disp": 0, "signals_filename": ""}
    return CMAEvolutionStrategy(mean, sigma, {**own, **quiet})
