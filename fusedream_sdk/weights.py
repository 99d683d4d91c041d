"""Reading files of weights for plugins: strictly, and never running code that comes in them."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from fusedream_sdk.errors import WeightsError


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file or of a pickle, as float32 on the CPU; nothing in a pickle is run.

    Raises:
        WeightsError: a file that is damaged, or holds anything but named tensors.
    """
    try:
        if path.suffix == ".safetensors":
            found = load_file(path)
        else:
            with warnings.catch_warnings():  # on strange pickles, which are refused below
                warnings.simplefilter("ignore")
                found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        wanted = re.search(r"(?:GLOBAL|function) ([\w.]+)", str(error))
        held = f"the file wants to run {wanted[1]!r}" if wanted else "the file holds something else, or is damaged"
        raise WeightsError(
            f"{path}: expected tensors alone, but {held}, which was refused. "
            f"Do not trust its source; ask for a .safetensors file."
        ) from error
    except Exception as error:  # whatever a damaged file sets off in the readers
        raise WeightsError(f"{path}: damaged or cut short ({first_line(error)}). Download it again.") from error
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise WeightsError(f"{path}: expected a mapping of names to tensors, got {type(found).__name__}.")
    return {name: value.float() for name, value in found.items()}


def check_tensors(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path, *, model: str, advice: str) -> None:
    """Every entry there and none besides, each of its shape and finite.

    Args:
        wanted: the state of the model that is to be filled; any device, also "meta".
        found: what was read from `path`.
        model: what says which entries there should be, for the message.
        advice: what to do when there are others.

    Raises:
        WeightsError: naming the first entry that is wrong.
    """
    missing, unexpected = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    if missing or unexpected:
        parts = [
            f"{len(names)} {what} (first: {names[0]!r})"
            for what, names in (("missing", missing), ("unexpected", unexpected))
            if names
        ]
        raise WeightsError(f"{path}: the entries are not those of {model}: {' and '.join(parts)}. {advice}")
    for name, value in found.items():
        if value.shape != wanted[name].shape:
            expected = f"shape {tuple(wanted[name].shape)}"
            raise WeightsError(f"{path}: {name}: expected {expected}, got {tuple(value.shape)}. {advice}")
        if not torch.isfinite(value).all():
            raise WeightsError(f"{path}: {name}: expected finite values. The file is damaged; download it again.")


def first_line(error: BaseException) -> str:
    """The first line of an error that says anything."""
    return next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)
