"""What a folder of transformers asks for and what it holds, before and after a model is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from fusedream_sdk.errors import WeightsError
from fusedream_sdk.models.weights import check_file, check_magnitude
from fusedream_sdk.runtime.plain import excess, read_json

LARGEST = 1 << 24  # of a number in a config.json: a vocabulary has 250,000 entries
DEEPEST = 1024  # of a number of layers
MANY = 1 << 20  # entries of a list
HARMLESS = 1 << 26  # numbers that any machine has room for: a file that lacks them is told so when it is read


def check_sizes(folder: Path) -> None:
    """config.json asks for no more numbers than the files of weights have bytes. Raises WeightsError.

    transformers allocates what a file lacks, so a config.json of a few lines could ask for all memory there is.
    """
    from transformers import AutoConfig, AutoModel

    path = folder / "config.json"
    read_sizes(path)
    held = sum(file.stat().st_size for file in weights_of(folder))
    with torch.device("meta"):  # nothing is allocated
        model = AutoModel.from_config(AutoConfig.from_pretrained(str(folder), trust_remote_code=False), trust_remote_code=False)
    asked = sum(x.numel() for x in model.parameters())
    if asked > max(held, HARMLESS):
        raise WeightsError(
            f"{path}: asks for {asked:,} numbers, but the weights beside it have {held:,} bytes. Do they belong together?"
        )


def read_sizes(path: Path) -> Any:
    """What a config.json says, if every number in it is one that a network can have. Raises WeightsError."""
    try:
        values = read_json(path)
    except (ValueError, OSError) as error:
        raise WeightsError(f"{path}: expected a JSON object ({error}).") from error
    for name, value in named(values):
        most = DEEPEST if "layers" in name or "depth" in name or name.endswith("blocks") else LARGEST
        if isinstance(value, (int, list)) and (what := excess(value, most=most, longest=MANY)):
            raise WeightsError(f"{path}: {name}: expected sizes that a network can have, got {what}.")
    return values


def check_held(model: Any, folder: Path) -> None:
    """Every weight of a model was stored as floating point, and is of a size to be multiplied. Raises WeightsError."""
    floating = {name for name, value in model.state_dict().items() if value.is_floating_point()}
    for file in weights_of(folder):
        for name, kind in kinds_of(file):
            if kind.startswith(("I", "U", "BOOL", "torch.int", "torch.uint", "torch.bool")) and name in floating:
                raise WeightsError(f"{file}: {name}: expected numbers of floating point, got {kind.removeprefix('torch.')}.")
    for name, value in model.state_dict().items():
        check_magnitude(value, name, folder)


def weights_of(folder: Path) -> list[Path]:
    """The files that transformers would read: safetensors where there are any, or pickles."""
    found = sorted(folder.glob("model*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))
    for file in found:
        check_file(file)
    return found


def kinds_of(file: Path) -> Iterator[tuple[str, str]]:
    """Name and kind of every entry of a file; no content is read."""
    if file.suffix == ".safetensors":
        with safe_open(str(file), framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118 - not a mapping
                yield name, str(opened.get_slice(name).get_dtype())
    else:
        found = torch.load(file, map_location="meta", weights_only=True)
        yield from ((name, str(value.dtype)) for name, value in found.items() if isinstance(value, torch.Tensor))


def named(values: Any) -> Iterator[tuple[str, Any]]:
    """Every value of a mapping and of those in it, with its name."""
    for name, value in values.items() if isinstance(values, dict) else ():
        yield str(name), value
        yield from named(value)
