"""What looks at each picture of a folder once, and says in the end what the folder is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.evaluation.bootstrap import INFINITE, Array, Bootstrap, Interval
from fusedream_sdk.evaluation.distances import (
    FrechetResamples,
    frechet,
    inception_resamples,
    inception_score,
    kernel_distance,
)
from fusedream_sdk.evaluation.evidence import Measured
from fusedream_sdk.evaluation.features import Features
from fusedream_sdk.evaluation.gallery import Gallery
from fusedream_sdk.evaluation.ranking import Ranking, encoded, place_of_own, scores_of, see
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.protocols import Scorer

LARGE, OF_LARGE = 512, 100  # rows of a matrix whose eigenvalues take a second, and how many resamples of it are enough
LEAST = {"fid": 0.0, "is": 1.0, "kid": -INFINITE}  # unbiased, KID may be below 0
AT_LEAST = 2  # pictures that FID, IS and KID need


class Meter(Protocol):
    """Looks at pictures one by one."""

    def look(self, place: int, picture: Tensor) -> None:
        """At the picture of that number in the gallery, (3, H, W) in [0, 1]."""
        ...


class PrecisionMeter:
    """R-precision of one gallery by one judge.

    Args:
        judge: what ranks.
        gallery: whose pictures are ranked.
        pool: all captions, each once.
        ranking: how many of them, and how often.
    """

    def __init__(self, judge: Loaded, gallery: Gallery, pool: Sequence[str], ranking: Ranking) -> None:
        self._judge, self._gallery, self._pool = judge.model, gallery, list(pool)
        self._others = ranking.others(gallery.captions, self._pool)
        self._own = {caption: place for place, caption in enumerate(self._pool)}
        self._known = encoded(judge.model, self._pool) if isinstance(judge.model, Scorer) else None
        self._hits: dict[int, float] = {}

    def look(self, place: int, picture: Tensor) -> None:
        """As of `Meter`."""
        seen, own = see(self._judge, picture[None])[0], self._own[self._gallery.captions[place]]
        places = [place_of_own(self._scores(seen, [own, *others.tolist()])) for others in self._others[place]]
        self._hits[place] = sum(place == 0 for place in places) / len(places)

    def _scores(self, seen: Tensor, index: list[int]) -> Tensor:
        """Of the captions at those places of the pool."""
        if self._known is not None:
            return self._known[index] @ seen
        return scores_of(self._judge, seen, [self._pool[i] for i in index])

    def interval(self, bootstrap: Bootstrap) -> Interval:
        """The share of pictures whose own caption is ranked first."""
        captions = [self._gallery.captions[place] for place in self._hits]
        return bootstrap.mean(list(self._hits.values()), captions, (0, 1))

    @property
    def counts(self) -> tuple[int, int]:
        """Of captions and of pictures."""
        return len({self._gallery.captions[place] for place in self._hits}), len(self._hits)


@dataclass
class FeatureMeter:
    """Features of one gallery's pictures.

    Attributes:
        by: what makes them. gallery: whose pictures.
    """

    by: Features
    gallery: Gallery
    _seen: dict[int, Tensor] = field(default_factory=dict)

    def look(self, place: int, picture: Tensor) -> None:
        """As of `Meter`."""
        self._seen[place] = self.by.see(picture)

    @property
    def features(self) -> Tensor:
        """(N, F)."""
        return self.by.features(self._whole)

    def logits(self, pool: Sequence[str]) -> Tensor:
        """(N, K)."""
        return self.by.logits(self._whole, pool)

    @property
    def units(self) -> list[object]:
        """What a resample draws: the caption of each picture; the picture itself where there are none."""
        return [self.gallery.captions[place] if self.gallery.captions else place for place in self._seen]

    @property
    def counts(self) -> tuple[int, int]:
        """Of captions, 0 where none are known, and of pictures."""
        return len(set(self.units)) if self.gallery.captions else 0, len(self._seen)

    @property
    def _whole(self) -> Tensor:
        if len(self._seen) < AT_LEAST:
            expected, got = f"at least {AT_LEAST} pictures for FID, IS and KID", f"{len(self._seen)} in {self.gallery.name}"
            raise InvalidInput("folder", expected=expected, got=got)
        return torch.stack(list(self._seen.values()))


def distance_figure(
    metric: str, meter: FeatureMeter, other: FeatureMeter | None, bootstrap: Bootstrap, pool: Sequence[str]
) -> Measured:
    """FID, KID or IS of a gallery with its interval, captions resampled and the reference as it is.

    Args:
        metric: "fid", "kid" or "is".
        meter: of the gallery. other: of the reference; "is" needs none.
        bootstrap: of the interval.
        pool: captions that differ: the classes of a scorer that has no others.
    """
    by = f" by {meter.by.name} features" if meter.by.name else ""
    weighing, notes = _Weights(meter.units, bootstrap), []
    if metric == "is":
        by = f" by {meter.by.name} with captions as classes" if meter.by.name else ""
        logits = meter.logits(pool)
        value, parts = inception_score(logits, bootstrap.seed)
        notes += [f"a mean over {parts} parts of the pictures, as published"] if parts > 1 else []
        found = inception_resamples(logits, iter(weighing.blocks()))
    else:
        reference, own = _needed(other).features, meter.features
        if metric == "kid":
            value, found = float(kernel_distance(own, reference, iter([np.ones((1, len(own)))]))[0]), np.zeros(0)
            found = kernel_distance(own, reference, iter(weighing.blocks()))
        else:
            value, found = frechet(own, reference), _frechet_resamples(own, reference, weighing)
            few = min(len(own), len(reference))
            if few <= own.shape[1]:
                notes.append(
                    f"only {few:,} pictures for {own.shape[1]:,} features, so it is too large: compare it with that of as many"
                )
        notes += _sizes(meter.gallery, _needed(other).gallery)
    interval = bootstrap.around(value, found, weighing.count, LEAST[metric])
    return Measured(meter.gallery.name, metric, f"{metric.upper()}{by}", interval, *meter.counts, "; ".join(notes))


def _needed(other: FeatureMeter | None) -> FeatureMeter:
    if other is None:
        raise InvalidInput("reference", expected="a folder of pictures to compare with", got="none", fix="Give one.")
    return other


def _sizes(gallery: Gallery, reference: Gallery) -> list[str]:
    """A note where pictures are compared that were scaled otherwise."""
    if gallery.size == reference.size:
        return []
    (h, w), (tall, wide) = gallery.size, reference.size
    return [f"pictures of {w} x {h} against {wide} x {tall}: scaling alone makes a difference"]


def _frechet_resamples(own: Tensor, reference: Tensor, weighing: _Weights) -> Array:
    large = min(own.shape) > LARGE
    distance = FrechetResamples(own, reference)
    drawn = (weights for block in weighing.blocks(OF_LARGE if large else None) for weights in block)
    return np.array([distance(weights) for weights in drawn if (weights > 0).sum() >= AT_LEAST])


class _Weights:
    """How often each picture is in each resample of the captions."""

    def __init__(self, units: Sequence[object], bootstrap: Bootstrap) -> None:
        names = {unit: place for place, unit in enumerate(dict.fromkeys(units))}
        self._place, self.count, self._bootstrap = np.array([names[unit] for unit in units]), len(names), bootstrap

    def blocks(self, most: int | None = None) -> list[Array]:
        """(b, N) each; at most so many resamples in all. Without those of a single picture, of which nothing can be said."""
        resamples = self._bootstrap.resamples if most is None else min(most, self._bootstrap.resamples)
        blocks = [block[:, self._place] for block in self._bootstrap.counts(self.count, resamples)]
        return [block[(block > 0).sum(axis=1) >= AT_LEAST] for block in blocks]
