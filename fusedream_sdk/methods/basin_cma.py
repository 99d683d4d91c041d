"""BasinCMA: CMA-ES over where Adam begins, so that basins are searched and not points."""

from __future__ import annotations

from functools import partial

from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.cma import CMA, MEMBERS, SIGMA, around, options_of
from fusedream_sdk.optim.population import Refinement
from fusedream_sdk.run.task import direct

GENERATIONS, UPDATES, LAST, LR = 30, 30, 300, 0.05


def basin_cma(
    *,
    population: int = MEMBERS,
    sigma: float = SIGMA,
    updates: int = UPDATES,
    last: int = LAST,
    diagonal: bool | None = None,
) -> Method:
    """CMA-ES outside, Adam inside: the rival that FuseDream's authors found about 20 times slower than Adam (section 3.2).

    Every member of a generation takes `updates` steps of Adam by itself, and the strategy is told their losses as those of the
    points that it had asked for, as in pix2latent. (The code that was published with the paper told it the points where they
    ended.) After the last update of the strategy one more generation takes `last` steps; its best is the picture, unless an
    earlier leader was better on held-out views. A step of the run is one generation.

    What is ours: it moves all latents, where pix2latent leaves the class to Adam; it begins at the best of the search (with
    `samples=1` at one draw), as `cma`; one learning rate for all latents, where pix2latent has 0.01 for the class; and the
    constraints are those of the generator.

    Args:
        population: members of a generation, from 4 to 100,000; see `cma`.
        sigma: spread of the first generation; see `cma`.
        updates: of Adam, in each generation, at most a million.
        last: of Adam, in the last one, at most a million. (`demo.py` of the first version has 500.)
        diagonal: as of `cma`.

    30 updates of the strategy, 30 of Adam in each at a learning rate of 0.05, 300 in the end and 18 members are those of
    pix2latent's example, which names the first two for the paper's results too. Needs the extra `populations`.

    Raises:
        InvalidInput: an option outside its bounds. ModuleNotFoundError: pycma is not installed.

    References:
        Huh et al. (2020). Transforming and projecting images into class-conditional generative networks. arXiv:2005.01703;
        repository minyoungg/pix2latent: `basincma_optimizer.py` and `invert_biggan_basincma.py`; `optimizers.py` of the first.
        Wampler & Popovic (2009). Optimal gait and form for animal locomotion. ACM Transactions on Graphics 28.
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573.
    """
    options = options_of(population, sigma, diagonal)
    return Method(
        starts=partial(around, k=options["members"]),
        parametrise=direct,
        population=partial(CMA, **options, basins=True),
        members=options["members"],
        refine=Refinement(updates, last),
        settings={"steps": GENERATIONS, "basis": 1, "noise": 0.0, "lr": LR, "check_every": 1},
        unused=frozenset({"basis", "mix", "noise"}),
        name="basin-cma",
    )
