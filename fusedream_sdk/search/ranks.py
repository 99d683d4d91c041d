"""Which starts of a search are taken: the best, but for those that are dropped, or exactly those that are pinned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, islice
from numbers import Integral

from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents
from fusedream_sdk.runtime.checks import Bounds, grouped_digits, is_number

MOST_RANKS = 1_000  # as many as a basis has


@dataclass(frozen=True)
class Found:
    """What the search of some rows found, B rows of k starts each, best first.

    Attributes:
        latents: (B, k, ...) each, on the generator's device.
        index: (B, k), of the samples: in the bank, or among the draws of a row that has none.
        scores: (B, k), float32, by which they were ordered; higher is better.
    """

    latents: Latents
    index: Tensor
    scores: Tensor


def check_ranks(argument: str, value: object, samples: int) -> tuple[int, ...]:
    """Places in a search of so many samples, 0 the best, as plain integers.

    Args:
        argument: what an error calls them.
        value: one place, or several different ones, at most 1,000.
        samples: that a row sees.

    Raises:
        InvalidInput: a place that is not there, or comes twice; or there is no search.
    """
    listed = list(islice(value, MOST_RANKS + 1)) if isinstance(value, (list, tuple, range)) else [value]
    if listed and samples == 1:
        fix = "Search more samples, or leave it out."
        raise InvalidInput(argument, expected="nothing, as 1 sample is not searched", got=value, fix=fix)
    places = Bounds(0, samples - 1, whole=True)
    found: list[int] = []
    for rank in listed:
        if not is_number(rank) or not isinstance(rank, Integral) or not places.holds(int(rank)):
            expected = f"places in the search, {places.span}, as a row sees {grouped_digits(samples)} samples"
            raise InvalidInput(argument, expected=expected, got=rank, fix="See them: dream.basis(...), --preview-basis.")
        found.append(int(rank))
    ranks = tuple(found)
    twice = sorted({rank for rank in ranks if ranks.count(rank) > 1}) if len(ranks) <= MOST_RANKS else []
    if twice:
        raise InvalidInput(argument, expected="each place once", got=f"{twice[0]} twice")
    if len(ranks) > MOST_RANKS:
        raise InvalidInput(argument, expected=f"at most {MOST_RANKS:,} places", got="more")
    return ranks


def best_ranks(k: int, dropped: Sequence[int]) -> tuple[int, ...]:
    """The k best places that are not dropped."""
    return tuple(islice((rank for rank in count() if rank not in dropped), k))
