"""Several scorers as one: the weighted mean of what they think of a picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.resize import shrink_views
from fusedream_sdk.models import registry
from fusedream_sdk.models.checks import device_of, identity
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.protocols import Reward, Scorer
from fusedream_sdk.runtime.bounds import FACTOR
from fusedream_sdk.runtime.checks import is_number

ScorerLike: TypeAlias = str | Scorer | Reward | Sequence[str | Scorer | Reward] | Mapping[str, float]
"""One scorer, by name or as an object; several of them; or names with their weights."""


def load_scorer(
    name: str | Sequence[str | Scorer | Reward] | Mapping[str, float], *, weights: Any = None, **options: Any
) -> Scorer | Reward:
    """Load a scorer, or several as one.

        fd.load_scorer("openai/clip-vit-base-patch32")
        fd.load_scorer(["openai/clip-vit-base-patch32", "google/siglip-base-patch16-224"], weights=[1, 0.5])

    Args:
        name: a plugin's name (`clip`); a hub id or folder of a transformers dual encoder; an OpenCLIP model
            (`ViT-B-32:laion2b_s34b_b79k`); or, for an ensemble, a list of these and of loaded scorers, or a dictionary from
            names to weights.
        weights: of a list, a number from 0 for each member, all 1 by default; a member of weight 0 is left out. For a single
            name it goes to the plugin.
        **options: passed to the plugin of every named member, such as `device`.

    Returns:
        Of several, an `Ensemble`; a `RewardEnsemble` if some member is only a `Reward`.

    Raises:
        InvalidInput: an ensemble of nothing, weights that do not fit, or members on different devices.
        UnknownPlugin, PluginImportError, DuplicatePlugin, WeightsError: as for `load_generator`.
    """
    if isinstance(name, str) or not isinstance(name, (Sequence, Mapping)):
        return registry.load("scorers", name, **({} if weights is None else {"weights": weights}), **options)
    if isinstance(name, Mapping) and weights is not None:
        raise InvalidInput("weights", expected="None, as the dictionary has them", got=weights, fix="Leave it out.")
    members = list(name)
    shares = check_weights(len(members), name.values() if isinstance(name, Mapping) else weights)
    kept = [(member, share) for member, share in zip(members, shares, strict=True) if share]
    return combine([(registry.load("scorers", m, **options) if isinstance(m, str) else m, share) for m, share in kept])


def combine(members: Sequence[tuple[Any, float]]) -> Ensemble | RewardEnsemble:
    """Loaded scorers with shares that add up to 1, as one scorer; or as one reward. Raises InvalidInput."""
    for member, _ in members:
        if not isinstance(member, (Scorer, Reward)):
            expected = "names, or objects with the members of Scorer or Reward"
            raise InvalidInput("scorer", expected=expected, got=f"a {type(member).__name__}")
    places = list(dict.fromkeys(str(device_of(member)) for member, _ in members))
    if len(places) > 1:
        raise InvalidInput("device", expected="all scorers on one device", got=" and ".join(places), fix="Move some of them.")
    return (Ensemble if all(isinstance(member, Scorer) for member, _ in members) else RewardEnsemble)(members)


def name_of(scorer: object) -> Any:
    """What a recipe keeps of a scorer as the user gave it, and what loads it again: None where there are objects in it."""
    names = [scorer] if isinstance(scorer, str) else list(scorer) if isinstance(scorer, (Sequence, Mapping)) else [scorer]
    if not all(isinstance(name, str) for name in names):
        return None
    if isinstance(scorer, Mapping):
        return {name: float(weight) for name, weight in scorer.items()}
    return scorer if isinstance(scorer, str) else names


def check_weights(count: int, weights: Any) -> list[float]:
    """A share for each of `count` members, adding up to 1. Raises InvalidInput."""
    if not count:
        fix = "Name one, such as 'clip'."
        raise InvalidInput("scorer", expected="at least one scorer", got="an ensemble of nothing", fix=fix)
    given = [1.0] * count if weights is None else weights
    fix = "Give a list as long as that of the scorers: [1, 0.5]."
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise InvalidInput("weights", expected="a number for each scorer", got=weights, fix=fix)
    values = list(given)
    if not all(map(is_number, values)):
        raise InvalidInput("weights", expected="a number for each scorer", got=values, fix=fix)
    if len(values) != count:
        raise InvalidInput("weights", expected=f"one for each of {count} scorers", got=f"{len(values)} of them", fix=fix)
    if not all(abs(value) <= FACTOR.most for value in values):  # nor NaN
        fix = "Only their proportions count."
        raise InvalidInput("weights", expected=f"finite numbers of at most {FACTOR.most:,}", got=values, fix=fix)
    values = [float(value) for value in values]
    if min(values) < 0:
        fix = "To steer away from something, give a negative prompt instead."
        raise InvalidInput("weights", expected="numbers from 0", got=values, fix=fix)
    if not sum(values):
        fix = "Give those that count a weight above 0."
        raise InvalidInput("weights", expected="at least one above 0", got=values, fix=fix)
    return [value / sum(values) for value in values]


class _Members:
    """What both kinds of ensemble are made of."""

    def __init__(self, members: Sequence[tuple[Any, float]]) -> None:
        self.members = list(members)
        self.resolution: int = max(member.resolution for member, _ in members)

    @property
    def device(self) -> torch.device:
        """Where its members are."""
        return device_of(self.members[0][0])

    @cached_property
    def fingerprint(self) -> str:
        """Identity of the members and their shares."""
        return fingerprint_of({}, {"ensemble": [[identity(member), share] for member, share in self.members]})


class Ensemble(_Members):
    """Dual encoders as one: its score is the weighted mean of their cosine similarities.

    The embedding is the members' own unit vectors side by side, each times the root of its share w_i / (w_1 + ... + w_n). So
    it is a unit vector too, the inner product of two is the weighted mean of the members' inner products, and a bank
    serves an ensemble as it serves a single scorer. Views are drawn once, at the largest resolution, and are scaled down
    for the members that read less: every member sees the same views.

    Args:
        members: scorers on one device, with shares above 0 that add up to 1; see `load_scorer`.

    Attributes:
        members: as given.
        resolution: the largest of the members', in pixels.
        fingerprint: identity of the members and their shares.
        device: where the members are.
    """

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        """P prompts to (P, D), unit norm; D is the sum of the members' sizes."""
        return torch.cat([math.sqrt(share) * member.encode_text(prompts).float() for member, share in self.members], dim=1)

    def encode_image(self, images: Tensor) -> Tensor:
        """(B, 3, resolution, resolution) in about [0, 1] to (B, D), unit norm; differentiable; rows independent."""
        parts = [
            math.sqrt(share) * member.encode_image(shrink_views(images, member.resolution)).float()
            for member, share in self.members
        ]
        return torch.cat(parts, dim=1)


class RewardEnsemble(_Members):
    """The weighted mean of scores, where some member has no embeddings; views and attributes as of `Ensemble`."""

    def __init__(self, members: Sequence[tuple[Scorer | Reward, float]]) -> None:
        super().__init__(members)
        self._texts: dict[tuple[int, str], Tensor] = {}  # prompts are the same in every step

    def score(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        """Images (B, 3, resolution, resolution) in about [0, 1] and B prompts to (B,), higher is better; differentiable."""
        self._remember(list(dict.fromkeys(prompts)))
        scores = []
        for i, (member, share) in enumerate(self.members):
            views = shrink_views(images, member.resolution)
            if isinstance(member, Scorer):
                text = torch.stack([self._texts[i, prompt] for prompt in prompts])
                scores.append(share * (member.encode_image(views).float() * text).sum(dim=1))
            else:
                scores.append(share * member.score(views, prompts).float())
        return torch.stack(scores).sum(dim=0)

    def _remember(self, prompts: list[str]) -> None:
        """Encode the prompts for the members that have embeddings, unless that is done."""
        for i, (member, _) in enumerate(self.members):
            for prompt in prompts:
                if isinstance(member, Scorer) and (i, prompt) not in self._texts:
                    with torch.no_grad():
                        self._texts[i, prompt] = member.encode_text([prompt]).float()[0]
