"""Made checkpoints in the real file formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pytorch_pretrained_biggan import BigGAN, BigGANConfig
from safetensors.torch import save_file

from fusedream_biggan.config import Config
from fusedream_biggan.network import FoldedBigGAN
from fusedream_biggan.shapes import Shapes

TINY = {
    "output_dim": 16,
    "z_dim": 8,
    "class_embed_dim": 8,
    "channel_width": 16,
    "num_classes": 5,
    "layers": [[False, 16, 8], [True, 8, 4], [True, 4, 2], [False, 2, 1]],
    "attention_layer_position": 2,
    "eps": 1e-4,
    "n_stats": 51,
}
SHALLOW = Shapes(widths=(16, 16, 8, 4), attention=frozenset({1}), chunk=3, shared=6, num_classes=5)
Save = Callable[..., Path]


def make_model(config: dict[str, object], seed: int = 0) -> BigGAN:
    """The package's BigGAN with random weights that look like trained ones: attention on, statistics not trivial."""
    torch.manual_seed(seed)
    model = BigGAN(BigGANConfig(**config)).eval()  # pyright: ignore[reportArgumentType]
    with torch.no_grad():
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if name.endswith(("gamma", "running_vars", "bn.weight")):
                tensor.uniform_(0.5, 1.5)
            elif name.endswith(("running_means", "bias")):
                tensor.normal_(std=0.1)
        for layer in model.modules():
            if hasattr(layer, "weight_orig"):
                settle(layer)
    return model


def folded(model: BigGAN, truncation: float = 1.0) -> FoldedBigGAN:
    """Our network of its tensors and its configuration."""
    return FoldedBigGAN(model.state_dict(), Config(**model.config.to_dict()), truncation)


def settle(layer: Any) -> None:
    """Power iteration, as training would have done it."""
    weight, u = layer.weight_orig.flatten(1), layer.weight_u
    for _ in range(3):
        layer.weight_v.copy_(F.normalize(weight.T @ u, dim=0))
        u.copy_(F.normalize(weight @ layer.weight_v, dim=0))


def save(folder: Path, config: dict[str, object], tensors: dict[str, torch.Tensor], *, format: str = "bin") -> Path:
    """A checkpoint folder as the package or safetensors write it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    if format == "bin":
        torch.save(tensors, folder / "pytorch_model.bin")
    else:
        save_file({name: value.contiguous() for name, value in tensors.items()}, folder / "model.safetensors")
    return folder


@pytest.fixture(scope="session")
def model() -> BigGAN:
    """A small BigGAN-deep with attention."""
    return make_model(TINY)


@pytest.fixture(scope="session")
def folder(model: BigGAN, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its checkpoint, as a pickle of tensors. Read only."""
    return save(tmp_path_factory.mktemp("biggan") / "tiny", TINY, dict(model.state_dict()))


@pytest.fixture
def tensors(model: BigGAN) -> dict[str, torch.Tensor]:
    """Its tensors, to be changed."""
    return {name: value.clone() for name, value in model.state_dict().items()}


def make_shallow(shapes: Shapes = SHALLOW, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights of a BigGAN as BigGAN-PyTorch saves them, singular values included."""
    rng = torch.Generator().manual_seed(seed)
    made: dict[str, torch.Tensor] = {}
    for name, entry in shapes.entries().items():
        value = torch.randn(entry.shape, generator=rng)
        if name.endswith(("stored_var", "gamma", "output_layer.0.gain")):
            value = 0.5 + value.abs()
        elif name.endswith(("bias", "stored_mean")):
            value *= 0.1
        made[name] = value
        if name.endswith(".u0"):
            made[name.removesuffix("u0") + "sv0"] = torch.ones(1)
    return made


def narrow(side: int) -> Shapes:
    """Of a BigGAN of few channels, attention after the fourth block."""
    return Shapes((8,) * (side.bit_length() - 2), frozenset({3}), chunk=4, shared=6, num_classes=5)


def converted(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What the converter from TensorFlow Hub leaves: no singular values, and gamma as it was there."""
    kept = {name: value for name, value in tensors.items() if not name.endswith("sv0")}
    return {name: value.view(1) if name.endswith("gamma") else value for name, value in kept.items()}


def write(path: Path, tensors: Any) -> Path:
    """A file as BigGAN-PyTorch or safetensors write it."""
    if path.suffix == ".safetensors":
        save_file({name: value.contiguous() for name, value in tensors.items()}, path)
    else:
        torch.save(tensors, path)
    return path


@pytest.fixture
def shallow() -> dict[str, torch.Tensor]:
    """Weights of a small BigGAN with attention, to be changed."""
    return make_shallow()
