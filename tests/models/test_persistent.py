"""Networks that were pickled whole."""

from __future__ import annotations

import collections
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from fusedream_sdk.errors import WeightsError
from fusedream_sdk.models.persistent import NETWORK, is_pickled_whole, read_pickled_whole, refused_whole


class Layer(nn.Module):
    """A layer with what it was made of."""

    def __init__(self, bound: float | None = 256, inner: nn.Module | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.arange(6.0).view(2, 3))
        self.register_buffer("count", torch.tensor(3))
        self.bound, self.activation, self.shape = bound, "lrelu", (1, 2)
        if inner is not None:
            self.inner = inner


class Attack:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("made",)


class Dict(dict[str, Any]):
    """Stands for EasyDict, in which such files keep options."""


def write(path: Path, content: object) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


def test_tensors_and_plain_numbers_are_read_under_the_names_of_a_state_dict(tmp_path: Path):
    network = Layer(None, Layer(128))
    for content in (network, {NETWORK: network, "G": None, "options": Dict(a=1)}):
        tensors, words = read_pickled_whole(write(tmp_path / "whole.pkl", content))
        assert tensors.keys() == network.state_dict().keys()
        assert all(torch.equal(value, network.state_dict()[name]) for name, value in tensors.items())
        assert not any(value.requires_grad for value in tensors.values())
        assert words == {"bound": None, "activation": "lrelu", "inner.bound": 128, "inner.activation": "lrelu"}


def test_code_in_a_file_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    tensors, _ = read_pickled_whole(write(tmp_path / "whole.pkl", {NETWORK: Layer(), "other": Attack(), "set": {1, 2}}))
    assert tensors
    with pytest.raises(WeightsError, match="expected a network of PyTorch"):
        read_pickled_whole(write(tmp_path / "attack.pkl", Attack()))
    assert not (tmp_path / "made").exists()


def test_code_in_the_numbers_of_a_tensor_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    class Numbers:
        def __reduce__(self) -> tuple[Any, ...]:
            return torch.storage._load_from_bytes, (pickle.dumps(Attack()),)

    with pytest.raises(WeightsError, match="damaged or cut short"):
        read_pickled_whole(write(tmp_path / "whole.pkl", Numbers()))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("content", [{"a": 1}, [1, 2], (None, None, None), collections.OrderedDict(), None])
def test_a_pickle_without_a_network_says_so(content: object, tmp_path: Path):
    with pytest.raises(WeightsError, match=r"expected a network of PyTorch, or one under 'G_ema', got none. One of TensorFlow"):
        read_pickled_whole(write(tmp_path / "whole.pkl", content))


def test_a_network_within_itself_and_a_file_cut_short_are_damaged(tmp_path: Path):
    network = Layer()
    network.inner = network
    with pytest.raises(WeightsError, match="damaged"):
        read_pickled_whole(write(tmp_path / "circle.pkl", network))
    path = write(tmp_path / "whole.pkl", Layer())
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(WeightsError, match=r"whole.pkl: damaged or cut short"):
        read_pickled_whole(path)


def test_plain_pickles_are_told_from_torch_s_own_files(tmp_path: Path):
    plain = write(tmp_path / "whole.pkl", Layer())
    assert is_pickled_whole(plain)
    for name, new in {"new.pt": True, "old.pt": False}.items():
        torch.save({"a": torch.ones(2)}, tmp_path / name, _use_new_zipfile_serialization=new)
        assert not is_pickled_whole(tmp_path / name)
    (tmp_path / "a.safetensors").write_bytes(plain.read_bytes())
    assert not is_pickled_whole(tmp_path / "a.safetensors")
    (tmp_path / "empty.pkl").touch()
    assert not is_pickled_whole(tmp_path / "empty.pkl")
    with pytest.raises(WeightsError, match="existing file"):
        is_pickled_whole(tmp_path / "nothing.pkl")


def test_a_refusal_says_how_to_convert(tmp_path: Path):
    path = tmp_path / "my network.pkl"
    told = f"fusedream convert '{path}' '{path.with_suffix('.safetensors')}' --trust"
    assert str(refused_whole(path)).endswith(told)
    path.with_suffix(".safetensors").touch()
    assert str(refused_whole(path)).endswith(f"{told} --overwrite")
