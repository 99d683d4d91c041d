from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "a.count": torch.tensor(3), "b": torch.ones(2, dtype=torch.float16)}


class Callback:
    """An object that no reader of tensors needs."""

    def __init__(self) -> None:
        self.best = {"score": 1.0}


class Attack:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("made",)


@pytest.mark.parametrize("content", [TENSORS, {"state_dict": TENSORS, "epoch": 3}], ids=["bare", "lightning"])
def test_the_tensors_are_written_as_they_were(fusedream, content):
    torch.save(content, "in.ckpt")
    code, out, _ = fusedream("convert", "in.ckpt", "out.safetensors")
    assert code == 0
    assert out.startswith("out.safetensors  3 tensors")
    found = load_file("out.safetensors")
    assert {name: value.dtype for name, value in found.items()} == {name: value.dtype for name, value in TENSORS.items()}
    assert all(torch.equal(found[name], value) for name, value in TENSORS.items())


@pytest.mark.parametrize("other", [{Callback: Callback()}, [Attack()], Callback()], ids=["callbacks", "attack", "object"])
def test_other_objects_need_trust_and_are_not_run_even_then(fusedream, other):
    torch.save({"state_dict": TENSORS, "callbacks": other}, "in.ckpt")
    code, _, error = fusedream("convert", "in.ckpt", "out.safetensors")
    assert code == 2
    assert "which was refused" in error
    assert "--trust" in error
    assert not Path("out.safetensors").exists()
    code, _, _ = fusedream("convert", "in.ckpt", "out.safetensors", "--trust")
    assert code == 0
    assert load_file("out.safetensors").keys() == TENSORS.keys()
    assert sorted(os.listdir()) == ["in.ckpt", "out.safetensors"]


def test_trust_does_not_make_tensors_of_other_things(fusedream):
    torch.save({"state_dict": {"a": Callback()}}, "in.ckpt")
    code, _, error = fusedream("convert", "in.ckpt", "out.safetensors", "--trust")
    assert code == 2
    assert "expected a mapping of names to tensors" in error


def test_a_damaged_file_leaves_no_output(fusedream):
    torch.save(TENSORS, "in.ckpt")
    Path("in.ckpt").write_bytes(Path("in.ckpt").read_bytes()[:-300])
    for trust in ([], ["--trust"]):
        code, _, error = fusedream("convert", "in.ckpt", "out.safetensors", *trust)
        assert code == 2
        assert "damaged or cut short" in error
    assert os.listdir() == ["in.ckpt"]


def test_files_that_exist_are_kept_unless_overwritten(fusedream):
    torch.save(TENSORS, "in.ckpt")
    Path("out.safetensors").write_text("mine")
    code, _, error = fusedream("convert", "in.ckpt", "out.safetensors")
    assert code == 2
    assert "out.safetensors exists" in error
    assert fusedream("convert", "in.ckpt", "out.safetensors", "--overwrite")[0] == 0
    assert load_file("out.safetensors")


def test_another_suffix_is_refused(fusedream):
    torch.save(TENSORS, "in.ckpt")
    code, _, error = fusedream("convert", "in.ckpt", "out.bin")
    assert code == 2
    assert "ends in .safetensors" in error


class Network(torch.nn.Module):
    """Pickled whole, as NVIDIA publishes its own."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2))
        self.bound, self.odd = 256, Callback()


def test_of_several_states_the_one_that_draws_is_written(fusedream):
    """As rosinality/stylegan2-pytorch saves them."""
    torch.save({"g": {"a": torch.zeros(1)}, "g_ema": TENSORS, "args": None}, "in.pt")
    assert fusedream("convert", "in.pt", "out.safetensors")[0] == 0
    assert load_file("out.safetensors").keys() == TENSORS.keys()


def test_a_network_pickled_whole_needs_trust_and_its_numbers_are_kept(fusedream):
    Path("in.pkl").write_bytes(pickle.dumps({"G_ema": Network(), "attack": Attack()}))
    code, _, error = fusedream("convert", "in.pkl", "out.safetensors")
    assert code == 2
    assert "pickled with its code, which was refused" in error
    assert "fusedream convert in.pkl in.safetensors --trust" in error
    assert fusedream("convert", "in.pkl", "out.safetensors", "--trust")[0] == 0
    with safe_open("out.safetensors", framework="pt") as file:
        assert file.metadata() == {"format": "pt", "layers": '{"bound": 256}'}
        assert torch.equal(file.get_tensor("weight"), torch.ones(2))
    assert sorted(os.listdir()) == ["in.pkl", "out.safetensors"]
