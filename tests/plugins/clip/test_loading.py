"""Loading: quiet when it works, one clear sentence when it does not."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers.utils import logging

from fusedream_clip import load
from fusedream_sdk.errors import InvalidInput, WeightsError


@pytest.fixture
def folder(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of a CLIP, to be spoilt."""
    return Path(shutil.copytree(folders["clip"], tmp_path / "clip"))


def as_pickle(folder: Path, tensors: object = None) -> Path:
    """The same checkpoint with a pickle in place of safetensors."""
    torch.save(load_file(folder / "model.safetensors") if tensors is None else tensors, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


@pytest.mark.parametrize("name", ["clip", "siglip", "chinese", "dual"])
def test_loading_and_embedding_print_nothing(folders: dict[str, Path], name: str, capfd: pytest.CaptureFixture[str]) -> None:
    logging.enable_progress_bar()
    before = logging.get_verbosity()
    load(weights=folders[name]).encode_text(["a cat", "dog " * 6])
    assert capfd.readouterr() == ("", "")
    assert logging.get_verbosity() == before
    assert logging.is_progress_bar_enabled()


def test_a_pickle_of_tensors_loads_like_safetensors(folder: Path, folders: dict[str, Path]) -> None:
    assert load(weights=as_pickle(folder)).fingerprint == load(weights=folders["clip"]).fingerprint


def test_half_precision_is_read_as_float32(folder: Path) -> None:
    halves = {name: value.half() for name, value in load_file(folder / "model.safetensors").items()}
    save_file(halves, folder / "model.safetensors", {"format": "pt"})
    assert load(weights=folder).model.dtype == torch.float32


class Bomb:
    """What an attacker would pickle."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, ("touch ran",)


def test_a_pickle_with_code_is_refused_and_does_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    as_pickle(folder, {"logit_scale": Bomb()})
    with pytest.raises(WeightsError, match=r"wants to run '\w+\.system', which was refused"):
        load(weights=folder)
    assert not (folder / "ran").exists()


def test_code_that_comes_with_a_model_is_never_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "theirs", "auto_map": {"AutoConfig": "theirs.Config", "AutoModel": "theirs.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "theirs.py").write_text("open('ran', 'w')")
    with pytest.raises(WeightsError, match="wants to run code that comes with it, which was refused"):
        load(weights=folder)
    assert not (folder / "ran").exists()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("damage", [cut, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"junk" * 99)])
def test_damaged_weights_are_refused(folder: Path, damage: Callable[[Path], object]) -> None:
    damage(folder / "model.safetensors")
    with pytest.raises(WeightsError, match="is damaged or cut short") as caught:
        load(weights=folder)
    assert caught.value.__cause__ is not None


def test_a_damaged_pickle_is_refused(folder: Path) -> None:
    cut(as_pickle(folder) / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="is damaged or cut short"):
        load(weights=folder)


@pytest.mark.parametrize("names", [[], ["config.json"], ["model.safetensors"]])
def test_a_folder_without_weights_says_what_is_expected(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(WeightsError, match=r"expected config.json and model.safetensors or pytorch_model.bin in the folder"):
        load(weights=tmp_path)


def test_a_model_that_lacks_weights_is_refused(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["visual_projection.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks 1 entries of its CLIPModel .first: 'visual_projection.weight'"):
        load(weights=folder)


def test_the_weights_of_another_model_are_named_by_their_first_missing_and_unexpected_entries(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["visual.proj"] = tensors.pop("visual_projection.weight")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    message = r"lacks 1 entries .*first: 'visual_projection.weight'\) and has 1 that are not its own \(first: 'visual.proj'\)\."
    with pytest.raises(WeightsError, match=message):
        load(weights=folder)


def test_a_file_asks_for_a_folder_or_for_its_architecture_of_openclip(tmp_path: Path) -> None:
    file = tmp_path / "ViT-B-32.pt"
    torch.save({"visual.proj": torch.ones(2)}, file)
    with pytest.raises(InvalidInput, match=rf"weights: expected .* a folder .*got the file .*: ViT-B-32:{file}"):
        load(weights=file)


def test_an_archive_of_openai_s_is_refused_and_names_what_to_take(torchscript: Path) -> None:
    with pytest.raises(WeightsError, match=r"TorchScript archive, a program, .* openai/clip-vit-base-patch32"):
        load(weights=torchscript)


def test_weights_that_are_not_finite_are_refused(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["visual_projection.weight"].fill_(torch.nan)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match="not finite"):
        load(weights=folder)


def test_weights_of_another_shape_are_refused(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["visual_projection.weight"] = torch.ones(3, 3)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match=r"visual_projection.weight .* expected shape \(16, 32\), got \(3, 3\)"):
        load(weights=folder)


def test_a_model_that_is_no_dual_encoder_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    from transformers import AutoModel

    AutoModel.from_pretrained(folders["dual"]).text_model.save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match=r"expected a dual encoder of texts and images, but .* is a BertModel"):
        load(weights=tmp_path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["preprocessor_config.json"], "cannot load"),
        (["vocab.json", "merges.txt"], "tokenizer"),
        (["vocab.json", "merges.txt", "tokenizer_config.json"], "the tokenizer of .* has 2 tokens"),
    ],
)
def test_a_model_without_its_processor_is_refused(folder: Path, names: list[str], message: str) -> None:
    for name in names:
        (folder / name).unlink()
    with pytest.raises(WeightsError, match=message):
        load(weights=folder)


@pytest.mark.parametrize(
    ("size", "message"),
    [(16, "cannot embed a picture and a text: Input image size"), ({"height": 32, "width": 16}, "images of one square size")],
)
def test_a_processor_that_does_not_fit_its_model_is_refused(folder: Path, size: object, message: str) -> None:
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps({**settings, "crop_size": size}))
    with pytest.raises(WeightsError, match=message):
        load(weights=folder)


def test_a_tokenizer_of_another_model_is_refused(folder: Path) -> None:
    words = json.loads((folder / "vocab.json").read_text())
    (folder / "vocab.json").write_text(json.dumps({**words, "extra": 500}))
    with pytest.raises(WeightsError, match="has tokens up to 500, its model only"):
        load(weights=folder)


@pytest.mark.parametrize("revision", [None, "main", "a" * 40])
def test_a_repository_that_is_not_cached_says_so_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revision: str | None
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="'someone/clip' is neither a folder nor in the cache, and the hub cannot be"):
        load(weights="someone/clip", revision=revision, cache_dir=tmp_path)


@pytest.mark.parametrize("revision", [None, "main", "a" * 40])
def test_a_repository_in_the_cache_is_used_without_asking_the_hub(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revision: str | None
) -> None:
    asked = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *where, **_: asked.append(where))
    kept = tmp_path / "cache" / "models--someone--clip"
    shutil.copytree(folder, kept / "snapshots" / ("a" * 40))
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("a" * 40)
    assert load(weights="someone/clip", revision=revision, cache_dir=tmp_path / "cache").resolution == 32
    assert not asked


def test_a_revision_of_a_folder_is_refused(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="revision: expected None, as weights is a folder"):
        load(weights=folder, revision="main")


def test_a_name_that_means_nothing_is_refused() -> None:
    with pytest.raises(WeightsError, match="neither a folder nor a repository id"):
        load(weights="./no/such/folder")
