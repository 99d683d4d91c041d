"""A small random model of OpenCLIP, saved as OpenCLIP saves its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

open_clip: Any = pytest.importorskip("open_clip")

TOWER = {"layers": 1, "width": 32}
CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {**TOWER, "image_size": 32, "patch_size": 16, "head_width": 16},
    "text_cfg": {**TOWER, "context_length": 12, "vocab_size": 49408, "heads": 2},
}


@pytest.fixture(scope="session", autouse=True)
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The architecture `tiny-test`, and one that differs, `wider-test`."""
    folder = tmp_path_factory.mktemp("architectures")
    wider = {**CONFIG, "vision_cfg": {**CONFIG["vision_cfg"], "layers": 2}}
    for name, config in (("tiny-test", CONFIG), ("wider-test", wider)):
        (folder / f"{name}.json").write_text(json.dumps(config))
        open_clip.add_model_config(folder / f"{name}.json")
    yield "tiny-test"
    for name in ("tiny-test", "wider-test"):
        open_clip.factory._MODEL_CONFIGS.pop(name, None)


@pytest.fixture(scope="session")
def model(tiny: str) -> Any:
    """OpenCLIP's own model."""
    torch.manual_seed(0)
    return open_clip.model.CLIP(**open_clip.get_model_config(tiny)).eval().requires_grad_(False)


@pytest.fixture(scope="session")
def files(model: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same weights as .safetensors, and as .pt of a distributed training. Read only."""
    folder = tmp_path_factory.mktemp("openclip")
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    wrapped = {f"module.{name}": value for name, value in state.items()}
    torch.save({"epoch": 3, "name": "run", "state_dict": wrapped}, folder / "epoch_3.pt")
    return {"safetensors": folder / "model.safetensors", "pt": folder / "epoch_3.pt"}
