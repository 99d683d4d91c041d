"""What pictures are compared by in FID, KID and IS: the published Inception, or any scorer's embeddings."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from fusedream_sdk.errors import WeightsError
from fusedream_sdk.evaluation.ranking import encoded, see
from fusedream_sdk.models.missing import require
from fusedream_sdk.models.weights import check_tensors, read_tensors
from fusedream_sdk.protocols import Scorer
from fusedream_sdk.runtime.files import cache_folder

INCEPTION = "inception"
FEATURES, CLASSES = 2048, 1008  # of the published network
LOGIT_SCALE = 100.0  # CLIP's, of a cosine: it makes classes of captions as its zero-shot classifier does
NEEDS = ("evaluation: FID, KID and IS need", "evaluation", "torchmetrics", "torch_fidelity", "scipy")


class Features(Protocol):
    """What makes numbers of pictures."""

    @property
    def name(self) -> str:
        """What a figure is by; empty for Inception, which needs no saying."""
        ...

    def see(self, picture: Tensor) -> Tensor:
        """A picture (3, H, W) in [0, 1] to (D,): all that the figures need of it."""
        ...

    def features(self, seen: Tensor) -> Tensor:
        """What `see` made of pictures, (N, D), to features (N, F)."""
        ...

    def logits(self, seen: Tensor, captions: Sequence[str]) -> Tensor:
        """The same to logits (N, K) of classes."""
        ...


class Inception:
    """The network of the published figures: features of its last pooling, logits of its 1,008 outputs without their bias.

    It is torch-fidelity's, which computes what the TensorFlow original does, its way of resizing to 299 pixels included.
    torchmetrics' own loader resizes otherwise, which moves a figure.

    Args:
        weights: a file of them, or None for the one in a cache; nothing is downloaded.
        device: where it runs.

    Raises:
        WeightsError: there is none, or it is another network's. PluginImportError: torch-fidelity is not installed.
    """

    name = ""

    def __init__(self, weights: str | Path | None = None, device: str | torch.device = "cpu") -> None:
        require(*NEEDS)
        self.device = torch.device(device)
        self._network = _network(inception_file(weights)).to(self.device)

    def see(self, picture: Tensor) -> Tensor:
        """(3, H, W) in [0, 1], rounded to bytes, to (3056,): features, then logits."""
        pixels = (picture[None].to(self.device) * 255).round().to(torch.uint8)
        with torch.no_grad():
            features, logits = self._network(pixels)
        return torch.cat([features, logits], dim=1)[0].cpu()

    def features(self, seen: Tensor) -> Tensor:
        """(N, 2048)."""
        return seen[:, :FEATURES]

    def logits(self, seen: Tensor, captions: Sequence[str]) -> Tensor:
        """(N, 1008)."""
        return seen[:, FEATURES:]


@dataclass(frozen=True)
class Embeddings:
    """A dual encoder's embeddings as features, and captions as its classes.

    Attributes:
        name: of the scorer. scorer: it.
    """

    name: str
    scorer: Scorer

    def see(self, picture: Tensor) -> Tensor:
        """(3, H, W) in [0, 1], its middle square, to (D,)."""
        return see(self.scorer, picture[None])[0]

    def features(self, seen: Tensor) -> Tensor:
        """(N, D), unit vectors."""
        return seen

    def logits(self, seen: Tensor, captions: Sequence[str]) -> Tensor:
        """(N, K) of K captions: cosines at CLIP's temperature."""
        return LOGIT_SCALE * seen @ encoded(self.scorer, captions).T


def inception_file(weights: str | Path | None = None) -> Path:
    """Where Inception's weights are: a given file, or the one in torch's cache or in that of this package.

    Raises:
        WeightsError: nowhere. The message says where the file goes.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    if weights is not None:
        return Path(weights)
    name = URL_INCEPTION_V3.rpartition("/")[2]
    places = [Path(torch.hub.get_dir()) / "checkpoints" / name, cache_folder("weights", INCEPTION) / name]
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        fix = f"Put {URL_INCEPTION_V3} there, name the file as inception:FILE, or compare by a scorer, such as emoji."
        raise WeightsError(f"features: expected the weights of Inception, got neither {places[0]} nor {places[1]}. {fix}")
    return found


def _network(path: Path) -> Any:
    """torch-fidelity's network with the weights of a file, of which nothing is run."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    found, advice = read_tensors(path), "Give the file that torch-fidelity publishes."
    with tempfile.TemporaryDirectory() as folder:  # its constructor would run whatever a file holds, so it gets one of ours
        own = Path(folder) / "tensors.pt"
        torch.save(found, own)
        try:
            network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"], str(own))
        except RuntimeError as error:
            raise WeightsError(f"{path}: expected the weights of torch-fidelity's Inception, got others. {advice}") from error
    counted = {name: x for name, x in network.state_dict().items() if name in found}
    check_tensors(counted, found, path, model="torch-fidelity's Inception", advice=advice)
    return network
