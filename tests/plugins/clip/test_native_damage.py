"""The shipped dual encoders, damaged on the disk: one sentence each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import fusedream_emoji
import fusedream_sdk as fd
from fusedream_emoji import WEIGHTS
from fusedream_sdk.errors import WeightsError

FOLDERS = {"emoji": "scorer", "emoji-judge": "judge"}


def edit(file: str, **values: Any) -> Callable[[Path], None]:
    """Change entries of a JSON file; `part__name` is an entry of a part; None takes it away."""

    def change(folder: Path) -> None:
        whole = json.loads((folder / file).read_text())
        for key, value in values.items():
            *parts, last = key.split("__")
            owner = whole[parts[0]] if parts else whole
            owner.pop(last)
            owner |= {} if value is None else {last: value}
        (folder / file).write_text(json.dumps(whole))

    return change


def edit_weights(change: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        tensors = {key: value.clone() for key, value in tensors.items()}
        change(tensors)
        save_file(tensors, folder / "model.safetensors")

    return apply


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


ALL = ("config.json", "model.safetensors", "preprocessor_config.json", "tokenizer_config.json", "tokenizer.json")
PROJECTION = "text_projection.weight"
DAMAGE: dict[str, Callable[[Path], Any]] = {
    **{f"no {file}": lambda folder, file=file: (folder / file).unlink() for file in ALL},
    **{f"an empty {file}": lambda folder, file=file: (folder / file).write_bytes(b"") for file in ALL},
    **{f"half of {file}": lambda folder, file=file: cut(folder / file) for file in ALL},
    **{f"a list in {file}": lambda folder, file=file: (folder / file).write_text("[1, 2]") for file in ALL},
    "no widths": edit("config.json", text_config__hidden_size=None),
    "a width in words": edit("config.json", text_config__hidden_size="wide"),
    "another width": edit("config.json", text_config__intermediate_size=256),
    "endless layers": edit("config.json", text_config__num_hidden_layers=10**9),
    "no heads": edit("config.json", text_config__num_attention_heads=0),
    "another activation": edit("config.json", text_config__hidden_act="relu"),
    "another activation of images": edit("config.json", vision_config__hidden_act="relu"),
    "another tower": edit("config.json", vision_config__model_type="vit"),
    "no deviation": edit("preprocessor_config.json", image_std=None),
    "a deviation of zero": edit("preprocessor_config.json", image_std=[0.0, 0.0, 0.0]),
    "no side": edit("preprocessor_config.json", crop_size=None, size=None),
    "another side": edit("preprocessor_config.json", crop_size={"height": 63, "width": 63}),
    "a window of nothing": edit("tokenizer_config.json", model_max_length="wide"),
    "no end": edit("tokenizer_config.json", eos_token="<end>"),
    "an entry less": edit_weights(lambda tensors: tensors.pop(PROJECTION)),
    "an entry more": edit_weights(lambda tensors: tensors.update(more=torch.zeros(1))),
    "not a number": edit_weights(lambda tensors: tensors[PROJECTION].fill_(float("nan"))),
    "integers": edit_weights(lambda tensors: tensors.update({PROJECTION: torch.ones(128, 128, dtype=torch.int32)})),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", FOLDERS)
def test_damaged_files_are_told_in_one_sentence(
    name: str, damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "emoji-judge" and damage == "another side":
        return  # a convolutional tower reads pictures of any side
    shutil.copytree(WEIGHTS / FOLDERS[name], tmp_path / FOLDERS[name])
    DAMAGE[damage](tmp_path / FOLDERS[name])
    monkeypatch.setattr(fusedream_emoji, "WEIGHTS", tmp_path)
    with pytest.raises(WeightsError) as refused:
        fd.load_scorer(name)
    assert "\n" not in str(refused.value)
    assert str(tmp_path) in str(refused.value)
