"""Random numbers of a row, named by its seed and by what they are for: no global state, and the same in any batch.

Philox is counter-based: a generator for each (seed, place) costs microseconds. A place says what the numbers are for and, below
that, at which step. Views take the places from 0 on (`scoring.views.place_of`); the others begin where views never come.

References:
    Salmon et al. (2011). Parallel random numbers: as easy as 1, 2, 3. SC 2011: Philox.
"""

from __future__ import annotations

import numpy as np

CUTOUTS = 1 << 58  # noise on cutouts; the place of their views is added
GENERATIONS = 1 << 59  # draws of a population; the generation is added
NOISE = 1 << 60  # noise on latents; the step is added
PICKS = 1 << 61  # which latents of a bank a row sees
RESAMPLES = 1 << 62  # which captions a resample has
OTHERS = RESAMPLES + 1  # which other captions a picture is to be told from


def keyed(seed: int, place: int, *, counter: int = 0) -> np.random.Generator:
    """The random numbers of a row for one purpose.

    Args:
        seed: of the row, from 0 to 2^64 - 1.
        place: what they are for, likewise.
        counter: one of several independent streams at that place, likewise.
    """
    return np.random.Generator(np.random.Philox(key=np.array([seed, place], np.uint64), counter=[0, 0, 0, counter]))
