"""How sure a figure is: intervals by resampling captions, each with all of its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.checks import in_bounds
from fusedream_sdk.runtime.randomness import RESAMPLES, keyed

Array = NDArray[np.float64]
BLOCK = 64  # resamples at a time: of 30,000 captions they take 15 MB
NAN, INFINITE = float("nan"), float("inf")


@dataclass(frozen=True)
class Interval:
    """A figure and where it may lie.

    Attributes:
        value: the figure.
        low, high: ends of the interval; NaN where there is none, as of a single caption.
    """

    value: float
    low: float = NAN
    high: float = NAN

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return self.low == self.low and self.high == self.high

    def excludes(self, value: float) -> bool:
        """Whether a value lies outside; never where there is no interval."""
        return self.known and not self.low <= value <= self.high


@dataclass(frozen=True)
class Bootstrap:
    """Confidence intervals by resampling captions with replacement.

    Pictures of one caption are alike, so a caption is drawn with all its pictures (the cluster bootstrap): more seeds make a
    figure steadier, but do not stand in for more captions.

    Args:
        resamples: how many (1,000).
        level: of confidence, from 0.5 to below 1 (0.95).
        seed: of the resampling; the same pictures give the same interval.

    Raises:
        InvalidInput: a number outside its bounds.

    References:
        Efron and Tibshirani (1993). An introduction to the bootstrap.
        Hesterberg (2015). What teachers should know about the bootstrap. The American Statistician 69(4).
    """

    resamples: int = 1000
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in in_bounds(self, bounds.BOOTSTRAP).items():
            object.__setattr__(self, name, value)

    def counts(self, captions: int, resamples: int | None = None) -> Iterator[Array]:
        """How often each caption is drawn: (b, captions) of b resamples at a time, until all are there."""
        rng = keyed(self.seed, RESAMPLES)
        left, even = self.resamples if resamples is None else resamples, np.full(captions, 1 / captions)
        while left > 0:
            some = min(left, BLOCK)
            yield rng.multinomial(captions, even, size=some).astype(np.float64)
            left -= some

    def mean(self, values: Sequence[float], captions: Sequence[object], bounds: tuple[float, float] | None = None) -> Interval:
        """The mean of a value of each picture, and its interval.

        The percentiles are spread as Student's t asks for (Hesterberg's expanded percentiles): without that the interval of
        ten captions covers nine times of ten what it should nineteen times of twenty.

        Where all captions have one value, a resampling finds no spread, but a further caption may have another. Then, between
        `bounds`, the interval is as wide as that of a share of 0 or 1 by Clopper and Pearson.

        Args:
            values: of each picture. captions: the caption of each.
            bounds: the least and the most that a value can be, of a share (0, 1), of a difference of shares (-1, 1).
        """
        known = np.asarray(values, dtype=np.float64)
        names = {caption: place for place, caption in enumerate(dict.fromkeys(captions))}
        place = np.array([names[caption] for caption in captions], dtype=np.int64)
        count = len(names)
        value = float(known.mean()) if len(known) else NAN
        if count < 2 or not np.isfinite(known).all():
            return Interval(value)
        totals, sizes = np.bincount(place, known, minlength=count), np.bincount(place, minlength=count).astype(np.float64)
        if np.ptp(known) == 0 and bounds is not None:
            apart = (bounds[1] - bounds[0]) * (1 - ((1 - self.level) / 2) ** (1 / count)) / (2 if bounds[0] < 0 else 1)
            return Interval(value, max(bounds[0], value - apart), min(bounds[1], value + apart))
        found = np.concatenate([(drawn @ totals) / (drawn @ sizes) for drawn in self.counts(count)])
        tail = expanded_tail(self.level, count)
        return Interval(value, float(np.quantile(found, tail)), float(np.quantile(found, 1 - tail)))

    def around(self, value: float, found: Array, captions: int, least: float = -INFINITE) -> Interval:
        """The interval of a figure that is biased in the number of pictures, such as FID: the spread of its resamples.

        A resample has fewer different pictures, so its own figure is off by more than the whole's; only how much they differ
        among each other is used, around the figure of all pictures; not below the `least` that it can be.
        """
        if captions < 2 or not np.isfinite(found).all():
            return Interval(value)
        tail = expanded_tail(self.level, captions)
        low, high = (float(np.quantile(found, q)) - float(found.mean()) for q in (tail, 1 - tail))
        return Interval(value, max(least, value + low), value + high)


def expanded_tail(level: float, count: int) -> float:
    """The share of resamples beyond each end, for so many captions: Phi(-t sqrt(n / (n - 1))), t of Student with n - 1."""
    z, freedom = NormalDist().inv_cdf((1 + level) / 2), count - 1
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    student = z + first / freedom + second / freedom**2  # Abramowitz and Stegun 26.7.5
    return NormalDist().cdf(-student * sqrt(count / freedom))
