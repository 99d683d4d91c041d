"""A BigGAN-deep straight from its tensors: the package's entries, and the package's function."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pytorch_pretrained_biggan import BigGAN, BigGANConfig

from fusedream_biggan.config import Config
from fusedream_biggan.shapes_deep import entries

from .conftest import TINY, folded, make_model

MIDDLE = [(False, 16, 16), (True, 16, 16), (False, 16, 16), (True, 16, 8), (False, 8, 8), (True, 8, 8), (False, 8, 8)]
LAYERS = {  # of the three config.json that the package's names stand for
    128: BigGANConfig().layers,
    256: [*MIDDLE, (True, 8, 4), (False, 4, 4), (True, 4, 2), (False, 2, 2), (True, 2, 1)],
    512: [*MIDDLE, (True, 8, 4), (False, 4, 4), (True, 4, 2), (False, 2, 2), (True, 2, 1), (False, 1, 1), (True, 1, 1)],
}
NARROW: dict[str, dict[str, Any]] = {
    str(side): {**TINY, "output_dim": side, "layers": layers, "channel_width": 4, "attention_layer_position": 8}
    for side, layers in LAYERS.items()
}
OTHERS = {
    "tiny": TINY,
    "without attention": {**TINY, "attention_layer_position": -1},
    "attention first": {**TINY, "attention_layer_position": 0},
    "another epsilon and fewer statistics": {**TINY, "eps": 1e-2, "n_stats": 3},
    "a class embedding that the package does not read": {**TINY, "class_embed_dim": 5},
}
CONFIGS = {**NARROW, **OTHERS}


def packages(config: dict[str, Any]) -> BigGAN:
    """The package's model, of no content."""
    with torch.device("meta"):
        return BigGAN(BigGANConfig(**config))


@pytest.mark.parametrize("name", CONFIGS)
def test_its_entries_are_those_of_the_package(name: str) -> None:
    wanted = {name: (value.shape, value.dtype) for name, value in packages(CONFIGS[name]).state_dict().items()}
    assert {name: (value.shape, value.dtype) for name, value in entries(Config(**CONFIGS[name])).items()} == wanted


@pytest.mark.parametrize("side", LAYERS)
def test_the_published_sizes_have_the_packages_entries(side: int) -> None:
    config = BigGANConfig(output_dim=side, layers=LAYERS[side]).to_dict()
    wanted = {name: value.shape for name, value in packages(config).state_dict().items()}
    assert {name: value.shape for name, value in entries(Config(**config)).items()} == wanted


TRUNCATIONS = [1.0, 0.5, 0.26, 0.02]  # grid points at which the package takes the statistics that it means to


@pytest.mark.parametrize("name", CONFIGS)
def test_its_pictures_and_their_gradients_are_the_packages(name: str) -> None:
    model = make_model(CONFIGS[name]).requires_grad_(False)
    rng = torch.Generator().manual_seed(2)
    z, y = (torch.randn(2, model.config.z_dim, generator=rng).clamp(-2, 2) for _ in range(2))
    for truncation in TRUNCATIONS if model.config.n_stats == 51 else [1.0, 0.5]:
        ours, outcomes = folded(model, truncation), []
        for mine in (False, True):
            point = [z.clone().requires_grad_(), y.clone().requires_grad_()]
            images = ours(*point) if mine else model.generator(torch.cat(point, dim=1), truncation)
            outcomes.append((images.detach(), *torch.autograd.grad(images.square().mean(), point)))
        theirs, found = outcomes
        assert theirs[0].std() > 0.01
        torch.testing.assert_close(found[0], theirs[0], atol=1e-4, rtol=0)
        for gradient, wanted in zip(found[1:], theirs[1:], strict=True):
            torch.testing.assert_close(gradient, wanted, atol=1e-3 * float(wanted.abs().max()), rtol=0)
