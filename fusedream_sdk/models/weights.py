"""Reading files of weights for plugins: strictly, and never running code that comes in them."""

from __future__ import annotations

import hashlib
import pickle
import re
import shlex
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.models.archives import (  # noqa: F401 - plugins import them from here
    check_file,
    damaged,
    first_line,
    is_torchscript,
    refuse_programs,
)

MOST = torch.finfo(torch.float32).max
NUMBERS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
LARGE = MOST**0.5  # of a weight: what is larger overflows as soon as it is multiplied by another


def check_digest(path: Path, sha256: str) -> None:
    """Compare a file's SHA-256 with what the user gave."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise InvalidInput("sha256", expected="64 hexadecimal digits", got=sha256)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256.lower():
        raise WeightsError(f"sha256: expected {sha256.lower()}, but {path} has {found}. Delete it and download it again.")


def read_tensors(path: Path, *, within: str | None = None) -> dict[str, Tensor]:
    """The tensors of a file on the CPU, those of floating point as float32; otherwise as `read_stored`.

    Integers stay what they are, as some belong to a model; `check_tensors` refuses those that stand in for numbers.

    Raises:
        WeightsError: as `read_stored`, and for a number that float32 cannot hold.
    """
    return {name: as_float32(value, name, path) for name, value in read_stored(path, within=within).items()}


def as_float32(value: Tensor, name: str, path: Path) -> Tensor:
    """A tensor of any floating point as float32, another as it is. Raises WeightsError where a number would overflow."""
    if not value.is_floating_point():
        return value
    cast = value.float()
    if value.dtype == torch.float64 and bool((torch.isinf(cast) & torch.isfinite(value)).any()):
        raise WeightsError(f"{path}: {name}: expected values that float32 can hold, got some of float64 beyond {MOST:.2g}.")
    return cast


def read_stored(path: Path, *, within: str | None = None) -> dict[str, Tensor]:
    """The tensors of a .safetensors file or of a pickle, as they are stored, on the CPU; nothing in a pickle is run.

    Args:
        path: of the file.
        within: name of the entry that holds them in a pickle of more than tensors ("state_dict" in Lightning's); the
            rest has to be plain containers and numbers. A file without that entry is taken as it is.

    Raises:
        WeightsError: a file that is damaged, or holds anything but named tensors.
    """
    return named_tensors(read_whole(path), path, within)


def read_whole(path: Path) -> object:
    """All that a .safetensors file or a pickle holds, unchecked, on the CPU; nothing in a pickle is run.

    Raises:
        WeightsError: a file that is damaged, or that would have to be run.
    """
    check_file(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():  # on strange pickles, which are refused below
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        wanted = re.search(r"(?:GLOBAL|function) ([\w.]+)", str(error))
        held = f"the file wants to run {wanted[1]!r}" if wanted else "the file holds something else, or is damaged"
        target = converted(path)
        words = f"fusedream convert {shlex.quote(str(path))} {shlex.quote(str(target))} --trust"
        trusted = f"; or, if you trust its source: {words}{' --overwrite' if target.exists() else ''}" if wanted else "."
        raise WeightsError(
            f"{path}: expected tensors alone, but {held}, which was refused. Ask for a .safetensors file{trusted}"
        ) from error
    except Exception as error:  # whatever a damaged file sets off in the readers
        raise damaged(path, error) from error


def read_trusted(path: Path, *, within: str | None = None) -> dict[str, Tensor]:
    """The tensors of a pickle that `read_stored` refuses, as they are stored. For a file whose source one trusts.

    Every other object in it (callbacks, optimisers, configurations) becomes an empty placeholder, so that it needs none
    of the packages that wrote it, and none of their code is run.

    Raises:
        WeightsError: as `read_stored`, but for what is not refused.
    """
    check_file(path)
    reader = SimpleNamespace(Unpickler=_Unpickler, load=_load, __name__="placeholders")
    try:
        found = torch.load(path, map_location="cpu", weights_only=False, pickle_module=reader)
    except Exception as error:  # whatever a damaged file sets off
        raise damaged(path, error) from error
    return named_tensors(found, path, within)


def converted(path: Path) -> Path:
    """Where a plugin looks for the tensors of a pickle: beside it, in a folder under the name that folders have for them."""
    return path.with_name(("model" if path.stem in ("pytorch_model", "last") else path.stem) + ".safetensors")


def named_tensors(found: object, path: Path, within: str | None = None) -> dict[str, Tensor]:
    """What was read from `path`, or its entry `within`, if that is names and tensors; else WeightsError."""
    if isinstance(found, Mapping) and within in found:
        found = found[within]
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        others = (
            [str(name) for name, value in found.items() if not isinstance(value, Tensor)] if isinstance(found, Mapping) else []
        )
        what = f", whose {others[0]!r} is no tensor" if others else ""
        fix = "Ask for a .safetensors file of its weights alone."
        raise WeightsError(f"{path}: expected a mapping of names to tensors, got {type(found).__name__}{what}. {fix}")
    for name, value in found.items():
        check_stored(value, str(name), path)
    return {str(name): value for name, value in found.items()}


def check_stored(value: Tensor, name: str, path: Path) -> None:
    """A plain tensor with a stored number for each of its entries, none repeated without end. Raises WeightsError."""
    plain = value.layout is torch.strided and not value.is_quantized and not value.is_nested and value.device.type == "cpu"
    if not plain:
        raise WeightsError(f"{path}: {name}: expected a plain tensor, got one that is sparse, quantised or empty of content.")
    held = value.untyped_storage().nbytes() // value.element_size()
    if value.numel() > held:
        raise WeightsError(f"{path}: {name}: expected all {value.numel()} values, but the file holds {held} of them.")


class _Placeholder:
    """Stands for an object of a pickle that is not wanted; takes whatever the pickle does to it, and does nothing."""

    def __init__(self, *args: object, **kwargs: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...

    def append(self, value: object) -> None: ...

    def extend(self, values: object) -> None: ...


PLAIN = ("collections", "OrderedDict")
REBUILDERS = {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter"}  # of torch._utils: what a tensor is made by


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        tensors = (module == "torch._utils" and name in REBUILDERS) or (module == "torch" and name.endswith("Storage"))
        return super().find_class(module, name) if tensors or (module, name) == PLAIN else _Placeholder


def _load(file: Any, **options: Any) -> Any:
    return _Unpickler(file, **options).load()


def check_tensors(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path, *, model: str, advice: str) -> None:
    """Every entry there and none besides, each of its shape and finite.

    Args:
        wanted: the state of the model that is to be filled; any device, also "meta".
        found: what was read from `path`.
        model: what says which entries there should be, for the message.
        advice: what to do when there are others.

    Raises:
        WeightsError: naming the first entry that is wrong: a shape, integers in place of numbers, one that is not finite or
            whose square would not be.
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
        if wanted[name].is_floating_point() and not value.is_floating_point():
            kind = str(value.dtype).removeprefix("torch.")
            raise WeightsError(f"{path}: {name}: expected numbers of floating point, got {kind}. {advice}")
        if bounded(value, LARGE):  # in one reading: a file has millions of numbers
            continue
        if not bool(torch.isfinite(value).all()):
            raise WeightsError(f"{path}: {name}: expected finite values. The file is damaged; download it again.")
        check_magnitude(value, name, path)


def bounded(value: Tensor, bound: float) -> bool:
    """Whether every number lies in [-bound, bound]; none does that is not finite."""
    if value.dtype not in NUMBERS or not value.numel():
        return not value.numel()
    least, largest = value.detach().aminmax()  # NaN, if any number is
    return -bound <= float(least) and float(largest) <= bound


def check_magnitude(value: Tensor, name: str, path: Path) -> None:
    """No finite number is so large that its square is not. Raises WeightsError."""
    if not value.is_floating_point() or bounded(value, LARGE):
        return
    largest = float(torch.nan_to_num(value.detach(), 0, 0, 0).abs().max())
    if largest > LARGE:
        got = f"{largest:.2g}"
        raise WeightsError(f"{path}: {name}: expected values whose squares float32 can hold, got {got}. The file is damaged.")
