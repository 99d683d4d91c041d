"""How different two pictures look to the image tower of a dual encoder: LPIPS without learned weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from fusedream_clip.scorer import ClipScorer
from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.models.features import apart, unit_positions
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.runtime.checks import check_pair
from fusedream_sdk.runtime.device import resolve_device


class ClipFeatures:
    """The distance of the features that a tower makes of two pictures, layer by layer and place by place.

    Equation 1 of LPIPS (Zhang et al. 2018) with every weight 1 and the mean over layers: at each position of each layer
    the features become a unit vector, and two of them are compared by their squared distance, which is 2 - 2 cos. All
    positions count alike, a class token among them.

    Args:
        scorer: whose image tower is used; its weights are shared, not copied.
        layers: which of the tower's hidden states, as transformers counts them: 0 is what enters the first layer, 1
            what leaves it, and -1 is the last. Default: all but 0, which says little more than the pixels.

    Attributes:
        scorer: as given.
        layers: as given or chosen, counted from 0.
        fingerprint: identity of the tower's weights and the settings.
        device: where it runs, which is where the scorer is.

    Raises:
        InvalidInput: layers that the tower does not have.
        WeightsError: a model without an image tower that shows its hidden states.

    References:
        Zhang et al. (2018). The unreasonable effectiveness of deep features as a perceptual metric. arXiv:1801.03924.
    """

    def __init__(self, scorer: ClipScorer, *, layers: Sequence[int] | None = None) -> None:
        if not hasattr(scorer.model, "vision_model"):
            raise WeightsError(f"weights: expected a model with a vision_model, got a {type(scorer.model).__name__}.")
        self.scorer, self.tower = scorer, scorer.model.vision_model
        side = scorer.resolution
        with torch.no_grad():
            count = len(self.hidden_states(torch.zeros(1, 3, side, side, device=scorer.device)))
        self.layers = check_layers(layers, count)

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1], twice, to (B,) from 0 to 4; 0 for the same; differentiable; rows independent.

        Pictures of another size are first scaled to the tower's, up or down; of one that is not square, the tower sees
        the middle square.

        Raises:
            InvalidInput: two shapes.
        """
        check_pair(a, b)
        return apart(self.features(a), self.features(b))

    def features(self, images: Tensor) -> list[Tensor]:
        """Unit vectors (B, positions, D) of each chosen layer, in float32."""
        hidden = self.hidden_states(shrink(images.float(), self.scorer.resolution))
        return [unit_positions(hidden[layer]) for layer in self.layers]

    def hidden_states(self, images: Tensor) -> Sequence[Tensor]:
        """Every hidden state of the tower, (B, N, D) or (B, C, h, w), of images (B, 3, resolution, resolution)."""
        return self.scorer.hidden_states(images)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.scorer.device

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the tower's weights and the settings; read once, on first use."""
        images = [self.scorer.resolution, self.scorer.mean.flatten().tolist(), self.scorer.std.flatten().tolist()]
        settings = {"architecture": self.tower.config.model_type, "images": images, "layers": self.layers}
        return fingerprint_of(self.tower, {"distance": "clip-features", **settings})


def check_shared(scorer: object, device: str | torch.device | None, others: dict[str, object]) -> None:
    """A scorer whose tower can be shared where it is, and nothing that asks for another. Raises InvalidInput."""
    if not isinstance(scorer, ClipScorer):
        fix = "Pass weights= instead."
        raise InvalidInput("scorer", expected="a scorer of the plugin clip", got=type(scorer).__name__, fix=fix)
    for name, value in others.items():
        if value is not None:
            raise InvalidInput(name, expected="None, as scorer is given", got=str(value))
    if device is not None and resolve_device(device) != scorer.device:
        expected = f"{scorer.device}, where scorer is"
        raise InvalidInput("device", expected=expected, got=str(device), fix="Move the scorer first.")


def check_layers(layers: Sequence[int] | None, count: int) -> list[int]:
    """Indices of hidden states, counted from 0. Raises InvalidInput."""
    if layers is None:
        return list(range(1, count))
    if not layers or any(not isinstance(layer, int) or not -count <= layer < count for layer in layers):
        expected = f"hidden states from 0 to {count - 1}, or from -{count} to -1"
        raise InvalidInput("layers", expected=expected, got=layers)
    counted = [layer % count for layer in layers]
    if len(set(counted)) < len(counted):
        raise InvalidInput("layers", expected="every hidden state once", got=layers)
    return counted
