from __future__ import annotations

from pathlib import Path

import pytest
import torch


@pytest.fixture(scope="session")
def inception(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a random network of the published architecture, under the name of the published file."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Random(FeatureExtractorInceptionV3):
        def load_state_dict(self, *_given, **_options):  # pyright: ignore[reportIncompatibleMethodOverride]
            """Keeps what its layers begin with."""

    folder = tmp_path_factory.mktemp("torch") / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save({}, folder / "empty.pt")
    torch.manual_seed(0)
    network = Random("inception-v3-compat", ["2048"], str(folder / "empty.pt"))
    path = folder / "weights-inception-2015-12-05-6726825d.pth"
    torch.save(network.state_dict(), path)
    return path
