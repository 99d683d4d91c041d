"""Made checkpoints in the layouts of rosinality/stylegan2-pytorch and of NVIDIA, with random weights."""

from __future__ import annotations

import collections
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

Z, W = 6, 8
CHANNELS = {4: 8, 8: 6, 16: 4}  # channels at each resolution
DEPTH = 3
TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0])
FILTER = torch.outer(TAPS, TAPS) / 64


def make_rosinality(seed: int = 0, *, width: int = Z) -> dict[str, Tensor]:
    """The state of that code's Generator, written down name by name; its mapping network has one width."""
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape: int, scale: float = 1.0, mean: float = 0.0) -> Tensor:
        return mean + scale * torch.randn(shape, generator=rng)

    def modulated(name: str, out: int, into: int, kernel: int) -> dict[str, Tensor]:
        return {
            f"{name}.conv.weight": draw(1, out, into, kernel, kernel, scale=1.0 if kernel == 3 else 0.2),
            f"{name}.conv.modulation.weight": draw(into, width),
            f"{name}.conv.modulation.bias": draw(into, scale=0.1, mean=1.0),
        }

    def styled(name: str, out: int, into: int) -> dict[str, Tensor]:
        own = {f"{name}.noise.weight": draw(1, scale=0.3), f"{name}.activate.bias": draw(out, scale=0.3)}
        return {**modulated(name, out, into, 3), **own}

    def to_rgb(name: str, into: int) -> dict[str, Tensor]:
        return {**modulated(name, 3, into, 1), f"{name}.bias": draw(1, 3, 1, 1, scale=0.1)}

    state: dict[str, Tensor] = {}
    for i in range(1, DEPTH + 1):
        state |= {f"style.{i}.weight": draw(width, width, scale=100.0), f"style.{i}.bias": draw(width, scale=20.0)}
    state["input.input"] = draw(1, CHANNELS[4], 4, 4)
    state |= {**styled("conv1", CHANNELS[4], CHANNELS[4]), **to_rgb("to_rgb1", CHANNELS[4])}
    for k, side in enumerate((8, 16)):
        out, into = CHANNELS[side], CHANNELS[side // 2]
        state |= {**styled(f"convs.{2 * k}", out, into), f"convs.{2 * k}.conv.blur.kernel": 4 * FILTER}
        state |= styled(f"convs.{2 * k + 1}", out, out)
        state |= {**to_rgb(f"to_rgbs.{k}", out), f"to_rgbs.{k}.upsample.kernel": 4 * FILTER}
    for i, side in enumerate((4, 8, 8, 16, 16)):
        state[f"noises.noise_{i}"] = draw(1, 1, side, side)
    return state


def make_nvidia(seed: int = 0) -> dict[str, Tensor]:
    """The state of NVIDIA's Generator, name by name."""
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape: int, scale: float = 1.0, mean: float = 0.0) -> Tensor:
        return mean + scale * torch.randn(shape, generator=rng)

    def layer(name: str, out: int, into: int, kernel: int) -> dict[str, Tensor]:
        return {
            f"{name}.weight": draw(out, into, kernel, kernel, scale=1.0 if kernel == 3 else 0.2),
            f"{name}.bias": draw(out, scale=0.2),
            f"{name}.affine.weight": draw(into, W),
            f"{name}.affine.bias": draw(into, scale=0.1, mean=1.0),
        }

    def convolution(name: str, out: int, into: int, side: int) -> dict[str, Tensor]:
        noise = {f"{name}.noise_const": draw(side, side), f"{name}.noise_strength": draw(scale=0.3)}
        return {**layer(name, out, into, 3), **noise, f"{name}.resample_filter": FILTER.clone()}

    state: dict[str, Tensor] = {"synthesis.b4.const": draw(CHANNELS[4], 4, 4)}
    for side, width in CHANNELS.items():
        block = f"synthesis.b{side}"
        state[f"{block}.resample_filter"] = FILTER.clone()
        if side > 4:
            state |= convolution(f"{block}.conv0", width, CHANNELS[side // 2], side)
        state |= convolution(f"{block}.conv1", width, width, side)
        state |= layer(f"{block}.torgb", 3, width, 1)
    widths = [Z, *[7] * (DEPTH - 1), W]
    for i in range(DEPTH):
        state[f"mapping.fc{i}.weight"] = draw(widths[i + 1], widths[i], scale=100.0)
        state[f"mapping.fc{i}.bias"] = draw(widths[i + 1], scale=20.0)
    state["mapping.w_avg"] = draw(W, scale=0.1)
    return state


def save_rosinality(folder: Path, state: dict[str, Tensor], **more: Any) -> Path:
    """A .pt as that code's converter writes it: the moving average of the generator, and more."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "made.pt"
    torch.save({"g_ema": state, **more}, path)
    return path


def save_nvidia(folder: Path, state: dict[str, Tensor], words: str | None = None) -> Path:
    """A .safetensors of a state; `words`: what `fusedream convert` says of the layers."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "made.safetensors"
    save_file({name: x.contiguous() for name, x in state.items()}, path, None if words is None else {"layers": words})
    return path


class Persistent:
    """Pickled as NVIDIA's layers are: the source of the class, and the state."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def __reduce__(self) -> tuple[Any, ...]:
        about = {"type": "class", "version": 6, "module_src": "raise SystemExit", "class_name": "Layer", "state": self.state}
        return sys.modules["torch_utils.persistence"].__dict__["_reconstruct_persistent_obj"], (about,)


def tree(tensors: dict[str, Tensor], words: dict[str, Any]) -> Persistent:
    """A network of layers within layers."""
    inner: dict[str, tuple[dict[str, Tensor], dict[str, Any]]] = collections.defaultdict(lambda: ({}, {}))
    own: dict[str, Any] = {"training": False, "_init_kwargs": {"z_dim": Z}}
    parameters: Any = collections.OrderedDict()
    buffers: Any = collections.OrderedDict()
    for kind, values in enumerate((tensors, words)):
        for name, value in values.items():
            head, _, rest = name.partition(".")
            if rest:
                inner[head][kind][rest] = value
            elif kind:
                own[head] = value
            elif head in ("noise_const", "resample_filter", "w_avg"):
                buffers[head] = value
            else:
                parameters[head] = torch.nn.Parameter(value, requires_grad=False)
    modules: Any = collections.OrderedDict((name, tree(*held)) for name, held in inner.items())
    return Persistent({**own, "_parameters": parameters, "_buffers": buffers, "_modules": modules})


@pytest.fixture
def pickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write a snapshot as NVIDIA's training does, by the name of a function that is not there when it is read."""

    def write(state: dict[str, Tensor], words: dict[str, Any], **more: Any) -> Path:
        module = ModuleType("torch_utils.persistence")

        def _reconstruct_persistent_obj(about: dict[str, Any]) -> None:
            raise AssertionError("code of the file was run")

        _reconstruct_persistent_obj.__module__ = module.__name__
        _reconstruct_persistent_obj.__qualname__ = _reconstruct_persistent_obj.__name__
        vars(module)[_reconstruct_persistent_obj.__name__] = _reconstruct_persistent_obj
        path = tmp_path / "network.pkl"
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "torch_utils", ModuleType("torch_utils"))
            patch.setitem(sys.modules, module.__name__, module)
            network = tree(state, words)
            path.write_bytes(pickle.dumps({"G": network, "D": None, "G_ema": network, "training_set_kwargs": {}, **more}))
        return path

    return write
