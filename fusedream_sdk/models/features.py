"""How different two pictures look to a scorer: the perceptual distance that needs no model beside those in use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.models.checks import device_of, identity
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.protocols import Scorer
from fusedream_sdk.runtime.checks import check_pair

CROP = 0.6  # side of a corner's crop, as a share of the picture's: the four overlap, so that no edge is seen by none


class ScorerFeatures:
    """The distance of what a scorer makes of two pictures.

    Of a scorer that offers `layers`: at each position of each layer the features become a unit vector, and two of them are
    compared by their squared distance, as in LPIPS with every weight 1 (equation 1 of Zhang et al., 2018). Of any other: the
    same for its embeddings of the whole picture and of four overlapping crops at its corners, which say where it differs.

    Args:
        scorer: whose features are used; its weights are shared, not copied.

    Attributes:
        scorer: as given.
        by: "layers" or "crops".
        fingerprint: identity of the scorer, and which of the two.
        device: where the scorer is.

    Raises:
        InvalidInput: a reward, which has no features.

    References:
        Zhang et al. (2018). The unreasonable effectiveness of deep features as a perceptual metric. arXiv:1801.03924.
    """

    def __init__(self, scorer: Scorer) -> None:
        if not isinstance(scorer, Scorer):
            fix = "Name a distance: perceptual='lpips'."
            raise InvalidInput("scorer", expected="a scorer with embeddings", got=f"a {type(scorer).__name__}", fix=fix)
        self.scorer = scorer
        self.by = "layers" if offers_layers(scorer) else "crops"

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1], twice, to (B,) from 0 to 4; 0 for the same; differentiable; rows independent.

        Pictures are scaled to what the scorer reads, up or down; of one that is not square, it sees the middle square.

        Raises:
            InvalidInput: two shapes.
        """
        check_pair(a, b)
        return apart(self.features(a), self.features(b))

    def features(self, images: Tensor) -> list[Tensor]:
        """Unit vectors (B, positions, D) of each layer, or (B, 1, D) of each crop, in float32."""
        if self.by == "layers":
            offered: Any = self.scorer
            return [unit_positions(x) for x in offered.layers(shrink(images.float(), self.scorer.resolution))]
        crops = [shrink(crop, self.scorer.resolution) for crop in crops_of(images.float())]
        return [F.normalize(self.scorer.encode_image(crop).float(), dim=1).unsqueeze(1) for crop in crops]

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return device_of(self.scorer)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the scorer's identity and of how its features are compared."""
        return fingerprint_of({}, {"distance": "scorer", "by": self.by, "scorer": identity(self.scorer)})


def scorer_features(*, scorer: Scorer | None = None, device: str | torch.device | None = None) -> ScorerFeatures:
    """The perceptual distance "scorer": by the features of the scorer in use, so that there is nothing to download.

    Args:
        scorer: whose features are used.
        device: is the scorer's.

    Raises:
        InvalidInput: no scorer, or one without embeddings.
    """
    if scorer is None:
        fix = "Pass it: load_perceptual('scorer', scorer=...)."
        raise InvalidInput("scorer", expected="the scorer whose features are compared", got="none", fix=fix)
    return ScorerFeatures(scorer)


def apart(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """The mean squared distance of unit vectors (B, positions, D), over positions and layers: (B,), from 0 to 4."""
    pairs = zip(first, second, strict=True)
    return torch.stack([(x - y).square().sum(dim=2).mean(dim=1) for x, y in pairs]).mean(dim=0)


def offers_layers(scorer: Any) -> bool:
    """Whether a scorer has `layers`, and a model that shows them."""
    if not callable(getattr(scorer, "layers", None)):
        return False
    try:
        with torch.no_grad():
            scorer.layers(torch.zeros(1, 3, scorer.resolution, scorer.resolution, device=device_of(scorer)))
    except WeightsError:
        return False
    return True


def crops_of(images: Tensor) -> list[Tensor]:
    """The whole picture and its four corners: (B, 3, H, W) to five of (B, 3, h, w)."""
    height, width = images.shape[-2:]
    tall, wide = max(1, round(CROP * height)), max(1, round(CROP * width))
    return [images, *(images[..., y : y + tall, x : x + wide] for y in (0, height - tall) for x in (0, width - wide))]


def unit_positions(hidden: Tensor) -> Tensor:
    """A layer of a transformer (B, N, D) or of a convolutional tower (B, D, h, w) as unit vectors (B, N, D)."""
    positions = hidden.flatten(2).transpose(1, 2) if hidden.dim() == 4 else hidden
    return F.normalize(positions.float(), dim=2)
