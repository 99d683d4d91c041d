"""Several scorers as one: the weighted mean of what dual encoders think of a picture, or the weighted sum of any scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeAlias

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.resize import shrink_views
from fusedream_sdk.models import registry
from fusedream_sdk.models.checks import device_of, identity
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.models.weighted import Member, PlainViews, Weighted, members_of, split_views
from fusedream_sdk.models.weighted import name_of as name_of
from fusedream_sdk.protocols import Reward, Scorer

ScorerLike: TypeAlias = str | Scorer | Reward | Sequence[str | Scorer | Reward | Weighted] | Mapping[str, float]
"""One scorer, by name or as an object; several of them, each with or without a weight; or names with their weights."""


def load_scorer(
    name: str | Sequence[str | Scorer | Reward | Weighted] | Mapping[str, float], *, weights: Any = None, **options: Any
) -> Scorer | Reward:
    """Load a scorer, or several as one.

        fd.load_scorer("openai/clip-vit-base-patch32")
        fd.load_scorer(["openai/clip-vit-base-patch32", "google/siglip-base-patch16-224"], weights=[1, 0.5])
        fd.load_scorer(["clip", fd.Weighted("imagereward", 0.5, views=fd.NO_VIEWS)])

    Args:
        name: a plugin's name (`clip`); a hub id or folder of a transformers dual encoder; an OpenCLIP model
            (`ViT-B-32:laion2b_s34b_b79k`); or, for an ensemble, a list of these, of loaded scorers and of `Weighted`, or a
            dictionary from names to weights. A name may carry views of its own: `clip?views=false` is the picture itself.
        weights: of a list, a number for each member, all 1 by default; a member of weight 0 is left out. For a single
            name it goes to the plugin.
        **options: passed to the plugin of every named member, such as `device`.

    Returns:
        Of dual encoders with weights above 0 and no views of their own an `Ensemble`, of all others a `RewardEnsemble`.

    Raises:
        InvalidInput: an ensemble of nothing, weights or views that cannot be used, or members on different devices.
        UnknownPlugin, PluginImportError, DuplicatePlugin, WeightsError: as for `load_generator`.
    """
    if isinstance(name, str) or not isinstance(name, (Sequence, Mapping)):
        options |= {} if weights is None else {"weights": weights}
        if not isinstance(name, str) or split_views(name)[1] is None:
            return registry.load("scorers", name, **options)
        members = members_of([name])
    else:
        members = members_of(name, weights)
    return combine([loaded_member(member, options) for member in members])


def loaded_member(member: Member, options: Mapping[str, Any]) -> Member:
    """A member that has a name loaded, with these options of its plugin; another as it is."""
    if not isinstance(member.scorer, str):
        return member
    return replace(member, scorer=registry.load("scorers", member.scorer, **options))


def combine(members: Sequence[Member]) -> Ensemble | RewardEnsemble:
    """Loaded scorers as one scorer, where they can be, or else as one reward. Raises InvalidInput."""
    for member in members:
        if not isinstance(member.scorer, (Scorer, Reward)):
            expected = "names, or objects with the members of Scorer or Reward"
            raise InvalidInput("scorer", expected=expected, got=f"a {type(member.scorer).__name__}")
    places = list(dict.fromkeys(str(device_of(member.scorer)) for member in members))
    if len(places) > 1:
        raise InvalidInput("device", expected="all scorers on one device", got=" and ".join(places), fix="Move some of them.")
    if all(isinstance(member.scorer, Scorer) and member.weight > 0 and member.views is None for member in members):
        whole = sum(member.weight for member in members)
        return Ensemble([(member.scorer, member.weight / whole) for member in members])
    return RewardEnsemble(members)


class Ensemble:
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

    def __init__(self, members: Sequence[tuple[Scorer, float]]) -> None:
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


class RewardEnsemble:
    """The weighted sum of scores of any kind: cosine similarities of dual encoders, and whatever rewards say.

    Members with views of their own are scored on these by AugCLIP and all that follows it; `score` itself sees the pictures
    that it is given. A member that is such a sum is taken apart: its members bring their weights and views.

    Args:
        members: loaded scorers and rewards on one device; see `load_scorer`.

    Attributes:
        members: as given, none of them a `RewardEnsemble`.
        resolution: the largest of the members', in pixels.
        fingerprint: identity of the members, their weights and their views.
        device: where the members are.
        reads_prompt: whether the score of any member depends on the prompt.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = [each for member in members for each in taken_apart(member)]
        self.resolution: int = max(member.scorer.resolution for member in self.members)
        self.reads_prompt = any(reads_prompt(member.scorer) for member in self.members)
        self._texts: dict[tuple[int, str], Tensor] = {}  # prompts are the same in every step

    @property
    def device(self) -> torch.device:
        """Where its members are."""
        return device_of(self.members[0].scorer)

    @cached_property
    def fingerprint(self) -> str:
        """Identity of the members, their weights and their views."""
        return fingerprint_of({}, {"sum": [[identity(m.scorer), m.weight, m.views] for m in self.members]})

    @cached_property
    def by_views(self) -> dict[PlainViews, RewardEnsemble]:
        """The members that share their views, as plain values; None are those of the settings."""
        return self._parts(lambda member: member.views)

    @cached_property
    def by_reading(self) -> dict[bool, RewardEnsemble]:
        """The members whose score depends on the prompt, and those whose score does not."""
        return self._parts(lambda member: reads_prompt(member.scorer))

    def score(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        """Images (B, 3, resolution, resolution) in about [0, 1] and B prompts to (B,), higher is better; differentiable."""
        self._remember(list(dict.fromkeys(prompts)))
        scores = []
        for i, member in enumerate(self.members):
            views = shrink_views(images, member.scorer.resolution)
            if isinstance(member.scorer, Scorer):
                text = torch.stack([self._texts[i, prompt] for prompt in prompts])
                scores.append(member.weight * (member.scorer.encode_image(views).float() * text).sum(dim=1))
            else:
                scores.append(member.weight * member.scorer.score(views, prompts).float())
        return torch.stack(scores).sum(dim=0)

    def _parts(self, key: Callable[[Member], Any]) -> dict[Any, RewardEnsemble]:
        """The members that share a key; itself where all do."""
        keys = list(dict.fromkeys(map(key, self.members)))
        if len(keys) == 1:
            return {keys[0]: self}
        return {each: RewardEnsemble([member for member in self.members if key(member) == each]) for each in keys}

    def _remember(self, prompts: list[str]) -> None:
        """Encode the prompts for the members that have embeddings, unless that is done."""
        for i, member in enumerate(self.members):
            for prompt in prompts:
                if isinstance(member.scorer, Scorer) and (i, prompt) not in self._texts:
                    with torch.no_grad():
                        self._texts[i, prompt] = member.scorer.encode_text([prompt]).float()[0]


def taken_apart(member: Member) -> list[Member]:
    """A member, or those of a sum, with the products of the weights; views that they lack are those of the sum."""
    if not isinstance(member.scorer, RewardEnsemble):
        return [member]
    return [
        Member(each.scorer, member.weight * each.weight, member.views if each.views is None else each.views)
        for each in member.scorer.members
    ]


def reads_prompt(scorer: Any) -> bool:
    """Whether a score depends on the prompt: it does unless the reward says `reads_prompt = False`."""
    return getattr(scorer, "reads_prompt", True) is not False
