"""Reading checkpoints: strict, and never running code."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

import fusedream_sdk as fd
from fusedream_sdk.errors import InvalidInput, PluginImportError, WeightsError
from fusedream_sdk.models.weights import converted, read_stored
from fusedream_vqgan import load, require

from .conftest import Reference, config, lightning, need_taming, save

need_taming()


class Callback:
    """Stands for pytorch_lightning's ModelCheckpoint, which real files hold."""


class Attack:
    """A pickle that would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_it_is_found_by_its_name(folder: Path) -> None:
    assert "vqgan" in fd.list_generators()
    assert fd.load_generator("vqgan", weights=folder).resolution == (16, 16)


def test_a_bare_state_in_safetensors_is_the_same_model(folder: Path, reference: Reference, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text((folder / "config.yaml").read_text())
    save_file({name: value.contiguous() for name, value in reference.state_dict().items()}, tmp_path / "model.safetensors")
    assert load(weights=tmp_path).fingerprint == load(weights=folder).fingerprint


def test_taming_s_own_folders_and_files_side_by_side_are_found(folder: Path, tmp_path: Path) -> None:
    for where, names in {"a": ("configs/model.yaml", "checkpoints/last.ckpt"), "b": ("f16.yaml", "f16.ckpt")}.items():
        for name, source in zip(names, ("config.yaml", "last.ckpt"), strict=True):
            (tmp_path / where / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / where / name).write_bytes((folder / source).read_bytes())
    own = load(weights=folder).fingerprint
    assert load(weights=tmp_path / "a").fingerprint == own
    assert load(weights=tmp_path / "b" / "f16.ckpt").fingerprint == own


def test_another_architecture_is_named_by_its_first_missing_and_unexpected_entries(
    kind: str, reference: Reference, tmp_path: Path
) -> None:
    other = {"vq": "gumbel", "gumbel": "vq"}[kind]
    names = ["quantize.embed.weight", "quantize.embedding.weight"]
    missing, unexpected = names if kind == "vq" else names[::-1]
    with pytest.raises(WeightsError, match=rf"config.yaml: .* missing \(first: '{missing}'\) and .* \(first: '{unexpected}'\)"):
        load(weights=save(tmp_path, other, lightning(reference.state_dict())))


def test_tensors_of_another_size_are_refused(kind: str, reference: Reference, tmp_path: Path) -> None:
    values = config(kind)
    values["model"]["params"]["n_embed"] = 13
    with pytest.raises(WeightsError, match=r"expected shape \(13, .*got \(12, .*YAML and the weights belong together"):
        load(weights=save(tmp_path, kind, lightning(reference.state_dict()), values=values))


def test_a_truncated_file_says_so(folder: Path, kind: str, reference: Reference, tmp_path: Path) -> None:
    path = save(tmp_path, kind, lightning(reference.state_dict())) / "last.ckpt"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(WeightsError, match=r"last.ckpt: damaged or cut short"):
        load(weights=tmp_path)


def test_other_objects_are_refused_by_name_and_conversion_is_offered(kind: str, reference: Reference, tmp_path: Path) -> None:
    save(tmp_path, kind, lightning(reference.state_dict(), callbacks={Callback: {"best": 1}}))
    with pytest.raises(WeightsError, match=r"wants to run '.*Callback', which was refused.* fusedream convert .*--trust"):
        load(weights=tmp_path)


def test_code_in_a_file_is_not_run(kind: str, reference: Reference, tmp_path: Path) -> None:
    save(tmp_path, kind, lightning(reference.state_dict(), callbacks=[Attack(tmp_path / "made")]))
    with pytest.raises(WeightsError, match=r"wants to run '(posix|nt).mkdir', which was refused"):
        load(weights=tmp_path)
    assert not (tmp_path / "made").exists()


def test_a_file_that_is_no_checkpoint_is_refused(kind: str, tmp_path: Path) -> None:
    save(tmp_path, kind, {"epoch": 1, "model": {}})
    with pytest.raises(WeightsError, match="expected a mapping of names to tensors"):
        load(weights=tmp_path)


def change(values: Any, path: str, value: object) -> Any:
    """The YAML's content with one entry set, or dropped if the value is None."""
    *parents, last = path.split(".")
    inner = values
    for name in parents:
        inner = inner[name]
    inner.pop(last) if value is None else inner.__setitem__(last, value)
    return values


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("model", None, "model: expected a section, .* got no such section"),
        ("model.params", None, "model.params: expected a section"),
        ("model.params.ddconfig", None, "model.params.ddconfig: expected a section"),
        ("model.params.ddconfig", 3, "model.params.ddconfig: expected a section, .* got 3"),
        ("model.target", "taming.models.cond_transformer.Net2NetTransformer", "model.target: expected taming.models.vqgan"),
        ("model.params.embed_dim", None, "model.params.embed_dim: expected a positive integer, got nothing"),
        ("model.params.n_embed", "many", "model.params.n_embed: expected a positive integer, got 'many'"),
        ("model.params.ddconfig.ch_mult", [], r"ddconfig.ch_mult: expected a list of positive integers, got \[\]"),
        ("model.params.ddconfig.in_channels", 1, "ddconfig.in_channels: expected 3"),
        ("model.params.ddconfig.ch", 33, "ddconfig.ch: expected a multiple of 32, got 33"),
        ("model.params.ddconfig.double_z", True, "ddconfig.double_z: expected false"),
    ],
)
def test_a_yaml_without_what_is_needed_names_it(tmp_path: Path, path: str, value: object, message: str) -> None:
    with pytest.raises(WeightsError, match=f"config.yaml: .*{message}"):
        load(weights=save(tmp_path, "vq", {}, values=change(config("vq"), path, value)))


@pytest.mark.parametrize("text", ["model: [", "just words", ""])
def test_a_file_that_is_no_such_yaml_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    save(tmp_path, "vq", {})
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(WeightsError, match=r"config.yaml: .*expected a") as caught:
        load(weights=tmp_path)
    assert "\n" not in str(caught.value)


def test_what_conversion_writes_is_found_in_its_place(folder: Path, tmp_path: Path) -> None:
    for name, source in {"configs/model.yaml": "config.yaml", "checkpoints/last.ckpt": "last.ckpt"}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes((folder / source).read_bytes())
    own = load(weights=tmp_path).fingerprint
    last = tmp_path / "checkpoints" / "last.ckpt"
    save_file(read_stored(last, within="state_dict"), converted(last))
    last.unlink()
    assert load(weights=tmp_path).fingerprint == own


def test_a_yaml_cannot_make_objects(tmp_path: Path) -> None:
    save(tmp_path, "vq", {})
    (tmp_path / "config.yaml").write_text(f"model: !!python/object/apply:os.mkdir ['{tmp_path / 'made'}']")
    with pytest.raises(WeightsError, match="expected a YAML file"):
        load(weights=tmp_path)
    assert not (tmp_path / "made").exists()


def test_files_that_are_not_there_are_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "last.ckpt").touch()
    with pytest.raises(WeightsError, match=r"expected config.yaml and .* it holds last.ckpt. Name the YAML file as config=."):
        load(weights=tmp_path)
    with pytest.raises(WeightsError, match=r"there is no .*nothing.ckpt"):
        load(weights=tmp_path / "nothing.ckpt")
    with pytest.raises(WeightsError, match=r"config: expected a YAML file; there is no '.*other.yaml'"):
        load(weights=folder, config=tmp_path / "other.yaml")


def test_a_digest_is_compared(folder: Path) -> None:
    with pytest.raises(WeightsError, match="sha256: expected 0000"):
        load(weights=folder, sha256="0" * 64)
    with pytest.raises(InvalidInput, match="sha256: expected 64 hexadecimal digits"):
        load(weights=folder, sha256="abc")


def test_a_missing_package_says_which_extra_to_install() -> None:
    with pytest.raises(PluginImportError, match=r"needs 'no_such_taming'. Install it: pip install \"fusedream-sdk\[vqgan\]\""):
        require("no_such_taming")


def test_a_plain_pickle_is_refused(kind: str, tmp_path: Path) -> None:
    save(tmp_path, kind, {})
    (tmp_path / "last.ckpt").write_bytes(pickle.dumps({"state_dict": Attack(tmp_path / "made")}))
    with pytest.raises(WeightsError, match=r"last.ckpt"):
        load(weights=tmp_path)
    assert not (tmp_path / "made").exists()
