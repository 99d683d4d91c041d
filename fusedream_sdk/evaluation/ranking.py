"""R-precision: is the right caption the first of a hundred, for a model that was not optimised?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, PluginContractError
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.models.checks import device_of
from fusedream_sdk.protocols import Reward, Scorer
from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.checks import in_bounds
from fusedream_sdk.runtime.randomness import OTHERS, keyed

TEXTS = 64  # captions that are encoded at a time


@dataclass(frozen=True)
class Ranking:
    """Against which captions a picture's own is ranked.

    Args:
        candidates: captions in all, its own among them (paper: 100). Of a smaller pool all are taken.
        repeats: how often other ones are drawn; the figure is the mean (paper: 3).
        seed: of the drawing.

    Raises:
        InvalidInput: a number outside its bounds.

    References:
        Xu et al. (2018). AttnGAN: fine-grained text to image generation with attentional generative adversarial networks.
        Park et al. (2021). Benchmark for compositional text-to-image synthesis: R-precision by CLIP.
        Liu et al. (2021). FuseDream, arXiv:2112.01573, section 4.4.
    """

    candidates: int = 100
    repeats: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in in_bounds(self, bounds.RANKING).items():
            object.__setattr__(self, name, value)

    def of(self, pool: Sequence[str]) -> int:
        """How many candidates a picture has, with so many captions."""
        return min(self.candidates, len(set(pool)))

    def others(self, captions: Sequence[str], pool: Sequence[str]) -> list[NDArray[np.int64]]:
        """Places in the pool of the other captions: for each picture (repeats, candidates - 1).

        Each picture has its own draw. One that equals the picture's caption is never among them.

        Args:
            captions: of each picture. pool: captions that differ, in which every picture's own is.

        Raises:
            InvalidInput: a pool of a single caption.
        """
        if len(pool) < 2:
            fix = "Give more captions: a picture's own is ranked among them."
            raise InvalidInput("captions", expected="at least two that differ", got=f"{len(pool)}", fix=fix)
        place, count = {caption: i for i, caption in enumerate(pool)}, self.of(pool) - 1
        repeats = 1 if count == len(pool) - 1 else self.repeats  # the whole pool is the same every time
        found = []
        for row, caption in enumerate(captions):
            rng, own = keyed(self.seed, OTHERS, counter=row), place[caption]
            drawn = [rng.choice(len(pool) - 1, size=count, replace=False) for _ in range(repeats)]
            found.append(np.stack([one + (one >= own) for one in drawn]))
        return found


def place_of_own(scores: Tensor) -> int:
    """How many captions are ranked before the first of them, the picture's own: (candidates,) to a place from 0.

    One that the model cannot tell from it counts as ranked before it, so that a model that sees no difference is never right;
    so does everything where its own score is NaN.
    """
    return int((~(scores[0] > scores[1:])).sum())


def r_precision(places: Sequence[int]) -> float:
    """The share of pictures whose own caption comes first."""
    return sum(place == 0 for place in places) / len(places)


def ranks(judge: Scorer | Reward, images: Tensor, candidates: Sequence[Sequence[str]]) -> list[int]:
    """The place of each picture's own caption, from 0.

    Args:
        judge: what ranks.
        images: (B, 3, H, W) in [0, 1].
        candidates: captions for each picture, its own the first.

    Raises:
        PluginContractError: a reward gave another number of scores.
    """
    seen = see(judge, images)
    return [place_of_own(scores_of(judge, row, texts)) for row, texts in zip(seen, candidates, strict=True)]


def see(judge: Scorer | Reward, images: Tensor) -> Tensor:
    """What a judge makes of pictures (B, 3, H, W): embeddings (B, D); of a reward the pictures as it reads them."""
    read = shrink(images.to(device_of(judge)), judge.resolution)
    with torch.no_grad():
        return judge.encode_image(read).float().cpu() if isinstance(judge, Scorer) else read


def scores_of(judge: Scorer | Reward, seen: Tensor, texts: Sequence[str]) -> Tensor:
    """How well texts fit one picture, of which `see` made `seen`: (P,), higher is better."""
    with torch.no_grad():
        if isinstance(judge, Scorer):
            return encoded(judge, texts) @ seen
        listed = list(texts)
        parts = [listed[first : first + TEXTS] for first in range(0, len(listed), TEXTS)]
        scores = torch.cat([judge.score(seen.expand(len(part), -1, -1, -1), part).float().cpu() for part in parts])
    if scores.shape != (len(listed),):
        raise PluginContractError(f"scorer.score: expected shape ({len(listed)},), got {tuple(scores.shape)}.")
    return scores


def encoded(judge: Scorer, texts: Sequence[str]) -> Tensor:
    """Captions as a dual encoder reads them, some at a time: (P, D), on the CPU."""
    parts = [list(texts[first : first + TEXTS]) for first in range(0, len(texts), TEXTS)]
    with torch.no_grad():
        return torch.cat([judge.encode_text(part).float().cpu() for part in parts])
