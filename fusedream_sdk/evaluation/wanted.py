"""Which figures are asked for, and the models that they take, each loaded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from fusedream_sdk.errors import FuseDreamError, InvalidInput, did_you_mean
from fusedream_sdk.evaluation.evidence import BETTER, SHARES
from fusedream_sdk.evaluation.features import INCEPTION, NEEDS, Embeddings, Features, Inception
from fusedream_sdk.evaluation.gallery import Gallery
from fusedream_sdk.models import registry
from fusedream_sdk.models.ensemble import reads_prompt
from fusedream_sdk.models.loading import Loaded, ModelPair, loaded_scorer
from fusedream_sdk.models.missing import require
from fusedream_sdk.protocols import Reward, Scorer
from fusedream_sdk.runtime.checks import check_kind

CLIP_METRIC, CLIP = "clip-r-precision", "clip"
WITH_REFERENCE = ("fid", "kid")
JudgeLike: TypeAlias = str | Scorer | Reward | None
"""A scorer by its name or as an object; None for the judge of the pair that drew."""


@dataclass(frozen=True)
class WantedFigure:
    """A figure that is asked for.

    Attributes:
        metric: "fid", for one. by: the model, by name or as an object; None where the folder's own pair is to say it.
    """

    metric: str
    by: Any

    @property
    def ranks(self) -> bool:
        """Whether it is a share of pictures that a judge ranks first."""
        return self.metric in SHARES


def wanted_of(metrics: Sequence[str], judge: JudgeLike, features: str | Scorer) -> list[WantedFigure]:
    """What names of metrics ask for, each once, as "fid" or "fid@emoji". Raises InvalidInput: no name, or none of a metric."""
    check_kind("metrics", metrics, (list, tuple), f"a list of {', '.join(BETTER)}", "Put a single one in a list.")
    if not metrics:
        raise InvalidInput("metrics", expected=f"at least one of {', '.join(BETTER)}", got="an empty list")
    found = [_wanted(name, judge, features) for name in dict.fromkeys(map(str, metrics))]
    if any(not one.ranks for one in found):
        require(*NEEDS)
    return found


def _wanted(name: str, judge: JudgeLike, features: str | Scorer) -> WantedFigure:
    metric, _, by = name.partition("@")
    if metric not in BETTER:
        fix = did_you_mean(metric, BETTER)
        raise InvalidInput("metrics", expected=f"some of {', '.join(BETTER)}", got=metric or "nothing", fix=fix)
    if metric in SHARES:
        return WantedFigure(metric, by or (CLIP if metric == CLIP_METRIC else judge))
    return WantedFigure(metric, by or features)


class Models:
    """Judges and features, each loaded on its first use.

    Args:
        device: where.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._loaded: dict[Any, Any] = {}

    def judge(self, wanted: WantedFigure, gallery: Gallery) -> Loaded:
        """What ranks the captions of a gallery's pictures.

        Raises:
            InvalidInput: none is named, and the folder does not say; or a reward that reads no prompt. Errors of `load_scorer`.
        """
        by = wanted.by if wanted.by is not None else judge_of(gallery)
        if by is None:
            expected = f"the scorer that ranks the pictures of {gallery.name}"
            fix = "Name one that was not optimised, such as judge='emoji-judge' (--judge emoji-judge)."
            raise InvalidInput("judge", expected=expected, got="none", fix=fix)
        loaded: Loaded = self._once(("scorer", self._key(by)), lambda: loaded_scorer(by, self.device))
        if not isinstance(loaded.model, (Scorer, Reward)) or not reads_prompt(loaded.model):
            fix = "Choose a scorer that compares pictures with texts."
            raise InvalidInput("judge", expected="a scorer that reads captions", got=loaded.label, fix=fix)
        return loaded

    def features(self, wanted: WantedFigure) -> Features:
        """What pictures are compared by. Raises WeightsError, errors of `load_scorer`, InvalidInput: without embeddings."""
        by = wanted.by
        if isinstance(by, str) and by.partition(":")[0] == INCEPTION:
            return self._once(("features", by), lambda: Inception(by.partition(":")[2] or None, self.device))
        loaded: Loaded = self._once(("scorer", self._key(by)), lambda: loaded_scorer(by, self.device))
        if not isinstance(loaded.model, Scorer):
            expected = f"{INCEPTION!r}, or a scorer with embeddings"
            raise InvalidInput("features", expected=expected, got=loaded.label, fix="A reward has none.")
        return self._once(("features", self._key(by)), lambda: Embeddings(loaded.label, loaded.model))

    def optimised(self, wanted: WantedFigure, loaded: Loaded | Features, gallery: Gallery) -> bool:
        """Whether that model was optimised in making a gallery's pictures, as far as is known."""
        if isinstance(loaded, Embeddings):
            loaded = self._loaded[("scorer", self._key(wanted.by))]
        if not isinstance(loaded, Loaded) or not gallery.scorers:
            return False
        return loaded.label in gallery.scorers or loaded.fingerprint in gallery.scorers

    def _once(self, key: Any, load: Callable[[], Any]) -> Any:
        if key not in self._loaded:
            self._loaded[key] = load()
        return self._loaded[key]

    @staticmethod
    def _key(by: Any) -> Any:
        return by if isinstance(by, str) else id(by)


def judge_of(gallery: Gallery) -> str | None:
    """The judge of the pair of models that drew a folder of ours, if it has one that is installed."""
    for name in registry.list_models():
        with suppress(FuseDreamError):
            pair = registry.load("models", name)
            if isinstance(pair, ModelPair) and pair.judge and (pair.generator, pair.scorer) == gallery.models:
                return pair.judge
    return None
