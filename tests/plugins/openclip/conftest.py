"""A small random model of OpenCLIP, saved as OpenCLIP saves its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

TOWER = {"layers": 1, "width": 32}
CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {**TOWER, "image_size": 32, "patch_size": 16, "head_width": 16},
    "text_cfg": {**TOWER, "context_length": 12, "vocab_size": 49408, "heads": 2},
}


NAMES = ("tiny-test", "wider-test")


def open_clip() -> Any:
    """The package; without the extra, what needs it is skipped."""
    return pytest.importorskip("open_clip")


def add_architectures(folder: Path) -> None:
    """Register the architecture `tiny-test`, and one that differs, `wider-test`."""
    wider = {**CONFIG, "vision_cfg": {**CONFIG["vision_cfg"], "layers": 2}}
    for name, config in zip(NAMES, (CONFIG, wider), strict=True):
        (folder / f"{name}.json").write_text(json.dumps(config))
        open_clip().add_model_config(folder / f"{name}.json")


def make_model() -> Any:
    """OpenCLIP's own model, with random weights."""
    torch.manual_seed(0)
    return open_clip().model.CLIP(**CONFIG).eval().requires_grad_(False)


def save(model: Any, folder: Path) -> dict[str, Path]:
    """Its weights as .safetensors, and as .pt of a distributed training."""
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    wrapped = {f"module.{name}": value for name, value in state.items()}
    torch.save({"epoch": 3, "name": "run", "state_dict": wrapped}, folder / "epoch_3.pt")
    return {"safetensors": folder / "model.safetensors", "pt": folder / "epoch_3.pt"}


@pytest.fixture(scope="session", autouse=True)
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The two architectures."""
    add_architectures(tmp_path_factory.mktemp("architectures"))
    yield
    for name in NAMES:
        open_clip().factory._MODEL_CONFIGS.pop(name, None)


@pytest.fixture(scope="session")
def model() -> Any:
    """A small model."""
    return make_model()


@pytest.fixture(scope="session")
def files(model: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same weights in both kinds of file. Read only."""
    return save(model, tmp_path_factory.mktemp("openclip"))
