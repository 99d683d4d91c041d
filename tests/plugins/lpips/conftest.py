"""Random trunks in torchvision's own format; the classifiers, most of the real files, are stubs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models import alexnet, squeezenet1_1, vgg16

MODELS = {"alex": alexnet, "vgg": vgg16, "squeeze": squeezenet1_1}


def make_trunk(net: str) -> dict[str, torch.Tensor]:
    """What torchvision's file of a network holds, with weights that keep the signal's size."""
    with torch.device("meta"):
        wanted = MODELS[net](weights=None).state_dict()
    rng = torch.Generator().manual_seed(0)
    state = {
        name: torch.randn(value.shape, generator=rng) * (2 / value[0].numel()) ** 0.5
        if value.dim() == 4
        else 0.1 * torch.randn(value.shape, generator=rng)
        for name, value in wanted.items()
        if name.startswith("features.")
    }
    return {**state, "classifier.1.weight": torch.zeros(2, 2)}


def save(net: str, folder: Path) -> Path:
    """The file of a trunk."""
    torch.save(make_trunk(net), folder / f"{net}.pth")
    return folder / f"{net}.pth"


@pytest.fixture(scope="session")
def trunks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of each trunk. Read only."""
    folder = tmp_path_factory.mktemp("trunks")
    return {net: save(net, folder) for net in MODELS}
