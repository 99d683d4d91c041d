"""Networks that were pickled whole, with the source code of their classes, as NVIDIA publishes StyleGAN2 and StyleGAN3.

Such a file is a plain pickle, no archive of torch.save. Its tensors are taken out, and the numbers and words of its layers;
none of its code is read, still less run.

References:
    NVlabs/stylegan2-ada-pytorch, torch_utils/persistence.py: what a layer is pickled as.
"""

from __future__ import annotations

import io
import pickle
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from fusedream_sdk.errors import WeightsError
from fusedream_sdk.models.weights import REBUILDERS, check_file, check_stored, converted, damaged

KEY = "layers"  # of a converted file's metadata: name of a layer's number or word -> its value, as JSON
NETWORK = "G_ema"  # the entry that is wanted of a training's snapshot: the moving average of the generator
MAGIC = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")  # near the front of what torch.save wrote before it wrote archives
NEWEST = 5  # protocol of pickle
LONGEST = 100  # letters of a word that is kept

Word: TypeAlias = bool | int | float | str | None


def is_pickled_whole(path: Path) -> bool:
    """Whether a file is a plain pickle. Raises WeightsError for one that cannot be read."""
    check_file(path)
    if path.suffix == ".safetensors":  # whose first bytes are a number, and may be anything
        return False
    with path.open("rb") as file:
        front = file.read(32)
    return front[:1] == b"\x80" and front[1:2] <= bytes([NEWEST]) and MAGIC not in front


def refused_whole(path: Path) -> WeightsError:
    """The error for a file that is to be converted first."""
    target = converted(path)
    words = f"fusedream convert {shlex.quote(str(path))} {shlex.quote(str(target))} --trust"
    return WeightsError(
        f"{path}: expected tensors alone, but it is a network that was pickled with its code, which was refused. If you trust "
        f"its source, take its tensors out: {words}{' --overwrite' if target.exists() else ''}"
    )


def read_pickled_whole(path: Path) -> tuple[dict[str, Tensor], dict[str, Word]]:
    """The tensors of a network, as they are stored, and the numbers and words of its layers.

    Args:
        path: of a plain pickle: of a network, or of a mapping whose "G_ema" is one.

    Returns:
        Names of parameters and buffers, as in the network's state dict, to tensors; and names of the attributes of its layers,
        such as "synthesis.b4.conv1.conv_clamp", to their values, where these are plain.

    Raises:
        WeightsError: a file that is damaged, or holds no such network.
    """
    check_file(path)
    tensors: dict[str, Tensor] = {}
    words: dict[str, Word] = {}
    try:
        with path.open("rb") as file:
            found = _Reader(file).load()
        _collect(found[NETWORK] if isinstance(found, Mapping) and NETWORK in found else found, "", tensors, words)
    except Exception as error:  # whatever a damaged file sets off
        raise damaged(path, error) from error
    if not tensors:
        fix = "One of TensorFlow is converted by legacy.py of NVlabs/stylegan2-ada-pytorch."
        raise WeightsError(f"{path}: expected a network of PyTorch, or one under {NETWORK!r}, got none. {fix}")
    for name, value in tensors.items():
        check_stored(value, name, path)
    return tensors, words


class _Held:
    """Stands for an object of a pickle: keeps its state, and can do nothing."""

    state: Mapping[str, Any] = {}

    def __init__(self, *args: object, **kwargs: object) -> None: ...

    def __setstate__(self, state: object) -> None:
        self.state = state if isinstance(state, dict) else {}

    def __setitem__(self, key: object, value: object) -> None: ...

    def append(self, value: object) -> None: ...

    def extend(self, values: object) -> None: ...

    def add(self, value: object) -> None: ...


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in OURS:
            return OURS[module, name]
        plain = (module, name) == ("collections", "OrderedDict") or (module == "torch._utils" and name in REBUILDERS)
        return super().find_class(module, name) if plain else _Held


def rebuilt(about: Mapping[str, Any]) -> _Held:
    """A layer of NVIDIA's, from what was pickled of it; in the file that is the job of its source code."""
    held = _Held()
    held.__setstate__(about.get("state"))
    return held


def storage(content: bytes) -> Any:
    """The numbers of a tensor, which torch pickles as a file within the file: read as strictly as one by itself."""
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


OURS = {
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): rebuilt,
    ("torch.storage", "_load_from_bytes"): storage,
}


def _collect(layer: Any, prefix: str, tensors: dict[str, Tensor], words: dict[str, Word]) -> None:
    """What a layer and those in it hold, under the names of a state dict."""
    if not isinstance(layer, _Held):
        return
    for name, value in layer.state.items():
        if name in ("_parameters", "_buffers"):
            tensors.update({prefix + key: x.detach() for key, x in value.items() if isinstance(x, Tensor)})
        elif name == "_modules":
            for key, inner in value.items():
                _collect(inner, f"{prefix}{key}.", tensors, words)
        elif name != "training" and not name.startswith("_") and _is_plain(value):
            words[prefix + name] = value


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= LONGEST)
