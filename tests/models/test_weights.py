"""Reading files of weights: what plugins share. What each of them refuses is in the tests of the plugins."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from fusedream_sdk.errors import WeightsError
from fusedream_sdk.models.weights import check_tensors, converted, is_torchscript, read_stored, read_trusted, read_whole


class Bomb:
    """What an attacker would pickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("made",)


@pytest.mark.parametrize("read", [read_stored, read_trusted])
def test_a_program_is_refused_even_from_a_trusted_source(read: Any, torchscript: Path):
    with pytest.raises(WeightsError, match=r"ViT-B-32.pt: expected tensors alone, but it is a TorchScript archive, a program"):
        read(torchscript)


def test_a_file_of_tensors_or_of_anything_else_is_no_program(torchscript: Path, tmp_path: Path):
    torch.save({"a": torch.ones(2)}, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(b"junk")
    assert is_torchscript(torchscript)
    assert not is_torchscript(tmp_path / "a.pt")
    assert not is_torchscript(tmp_path / "b.pt")


@pytest.mark.parametrize("save", [torch.save, lambda made, path: path.write_bytes(pickle.dumps(made, protocol=2))])
def test_code_is_refused_by_its_name_with_the_command_that_leaves_it_out(
    save: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my model" / "last.ckpt"
    path.parent.mkdir()
    save({"a": Bomb()}, path)
    command = f"fusedream convert '{path}' '{path.with_name('model.safetensors')}' --trust"
    with pytest.raises(WeightsError, match=rf"wants to run '\w+.mkdir', which was refused.*: {command}$"):
        read_stored(path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("name", "other"), [("last.ckpt", "model"), ("pytorch_model.bin", "model"), ("f16.ckpt", "f16"), ("G_ema.pth", "G_ema")]
)
def test_a_converted_file_is_put_where_its_plugin_looks_for_it(name: str, other: str):
    assert converted(Path("folder", name)) == Path("folder", f"{other}.safetensors")


def test_the_first_missing_and_the_first_unexpected_entry_are_named():
    wanted, found = ({name: torch.ones(1) for name in names} for names in ("abc", "cxy"))
    message = r"in.ckpt: .* those of it: 2 missing \(first: 'a'\) and 2 unexpected \(first: 'x'\). Look again.$"
    with pytest.raises(WeightsError, match=message):
        check_tensors(wanted, found, Path("in.ckpt"), model="it", advice="Look again.")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.tensor([1.0, torch.nan]), "expected finite values"),
        (torch.tensor([torch.inf, 1.0]), "expected finite values"),
        (torch.tensor([-torch.inf, 1.0]), "expected finite values"),
        (torch.tensor([-1e30, 1.0]), r"expected values whose squares float32 can hold, got 1e\+30"),
        (torch.tensor([1.0, 3e38]), r"expected values whose squares float32 can hold, got 3e\+38"),
        (torch.tensor([1, 2]), "expected numbers of floating point, got int64"),
    ],
    ids=str,
)
def test_numbers_that_no_model_has_are_refused(value: torch.Tensor, message: str):
    with pytest.raises(WeightsError, match=f"in.ckpt: a: {message}"):
        check_tensors({"a": torch.ones(2)}, {"a": value}, Path("in.ckpt"), model="it", advice="Look again.")


@pytest.mark.parametrize(
    "kind", [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.uint16, torch.bool]
)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 2)], ids=str)
def test_numbers_of_the_models_kind_are_taken(kind: torch.dtype, shape: tuple[int, ...]):
    entries = {"a": torch.ones(shape, dtype=kind)}
    check_tensors(entries, entries, Path("in.ckpt"), model="it", advice="Look again.")


def test_a_file_is_read_whole_but_never_run(tmp_path: Path):
    held = {"step": 3, "weights": {"a": torch.tensor(1.0)}}
    torch.save(held, tmp_path / "a.pt")
    assert read_whole(tmp_path / "a.pt") == held
    torch.save({"a": Bomb()}, tmp_path / "b.pt")
    with pytest.raises(WeightsError, match="wants to run"):
        read_whole(tmp_path / "b.pt")
