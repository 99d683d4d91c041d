"""How free parameters become latents: directly, or as a mix of basis latents (eq. 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import torch

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents, Space, concatenate, map_latents, rows
from fusedream_sdk.protocols import Params
from fusedream_sdk.runtime.checks import check_choice, check_kind

Mix: TypeAlias = Literal["best", "paper", "random"]
"""Weights of the basis at the beginning; see `BasisMix`."""

BEST_SHARE = 0.9  # weight of the best basis latent in the mixture "best"


class Direct:
    """The parameters are the latents themselves (eq. 2).

    Args:
        space: of the generator. Frozen entries are held aside.
        start: the latents to begin with, (B, ...) each.
    """

    def __init__(self, space: Space, start: Latents) -> None:
        self.space = space
        self.frozen = {name: x for name, x in start.items() if space[name].frozen}
        self.params: Params = {name: x.clone() for name, x in start.items() if not space[name].frozen}

    def __call__(self, params: Params) -> Latents:
        return {**self.frozen, **params}

    def project(self, params: Params) -> Params:
        return {name: self.space[name].constraint.project(x) for name, x in params.items()}


class BasisMix:
    """An over-parameterised latent: k basis latents and their weights, optimised together (eq. 4).

    Each coordinate of each latent has its own k weights, a softmax of free logits over the basis axis, as in the public
    code; so a mix of points inside a convex constraint stays inside it. An entry that may not be mixed (`LatentSpec.mixes`),
    such as a one-hot label, begins at the first basis latent's value and has no weights. Three mixtures to begin with:

    * `"paper"`: every weight 1/k (section 3.2).
    * `"random"`: logits ~ N(0, 1) per coordinate, from the row's seed (the public code).
    * `"best"`: 0.9 on the best basis latent, the rest shared: begin at the best picture that the search has seen.

    Args:
        space: of the generator. A frozen entry takes the first basis latent's value.
        basis: k latents for each row, best first: (B, k, ...) each.
        mix: one of the above.
        seeds: one per row; needed by `"random"`.

    Attributes:
        params: `basis.<name>` and `weight.<name>`, (B, k, ...) each; of what is not mixed only the former, (B, 1, ...).

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573, section 3.2.
    """

    def __init__(self, space: Space, basis: Latents, *, mix: Mix = "paper", seeds: Sequence[int] = ()) -> None:
        check_kind("space", space, Mapping, "latents' specs by their names", "Give generator.space.")
        check_kind("basis", basis, Mapping, "tensors by their names")
        check_choice("mix", mix, get_args(Mix))
        self.space = space
        self.frozen = {name: x[:, 0] for name, x in basis.items() if space[name].frozen}
        self.params: Params = {}
        for name, x in basis.items():
            if not space[name].frozen:
                self.params[f"basis.{name}"] = (x if space[name].mixes else x[:, :1]).clone()
        logits = initial_logits({n: x for n, x in basis.items() if space[n].mixes}, mix, seeds)
        self.params |= {f"weight.{name}": x for name, x in logits.items()}

    def __call__(self, params: Params) -> Latents:
        mixed = dict(self.frozen)
        for name, spec in self.space.items():
            if spec.mixes:
                mixed[name] = (params[f"weight.{name}"].softmax(dim=1) * params[f"basis.{name}"]).sum(dim=1)
            elif not spec.frozen:
                mixed[name] = params[f"basis.{name}"][:, 0]
        return mixed

    def project(self, params: Params) -> Params:
        projected = dict(params)
        for name, spec in self.space.items():
            if not spec.frozen:
                projected[f"basis.{name}"] = spec.constraint.project(params[f"basis.{name}"])
        return projected


def initial_logits(basis: Latents, mix: Mix, seeds: Sequence[int]) -> Latents:
    """The logits of a `BasisMix` at its start, shaped as the basis; none where nothing is mixed."""
    if not basis:
        return {}
    if mix == "paper":
        return map_latents(torch.zeros_like, basis)
    if mix == "random":
        count = rows(basis)
        if len(seeds) != count:
            raise InvalidInput("seeds", expected=f"one for each of {count} rows", got=f"{len(seeds)} seeds")
        drawn = [_normal({n: x[i : i + 1] for n, x in basis.items()}, seed) for i, seed in enumerate(seeds)]
        return concatenate(drawn)
    logits = map_latents(torch.zeros_like, basis)
    k = next(iter(basis.values())).shape[1]
    for x in logits.values():
        x[:, 0] = float(torch.logit(torch.tensor(BEST_SHARE))) + float(torch.log(torch.tensor(max(k - 1, 1))))
    return logits


def _normal(like: Latents, seed: int) -> Latents:
    rng = torch.Generator().manual_seed(seed)
    return {name: torch.randn(x.shape, generator=rng).to(x.device, x.dtype) for name, x in like.items()}
