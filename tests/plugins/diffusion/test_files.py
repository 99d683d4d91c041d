"""Where the files of a pipeline are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fusedream_diffusion import cached
from fusedream_diffusion.files import fetched, in_cache, locate, read_index, revised, weights_of
from fusedream_sdk.errors import InvalidInput, WeightsError
from tests.plugins.diffusion.conftest import change


def put(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


def test_a_folder_is_taken_as_it_is(copied: Path):
    assert locate(copied) == copied
    assert locate(str(copied)) == copied


def test_a_single_file_is_refused_with_what_to_do(tmp_path: Path):
    (tmp_path / "turbo.safetensors").write_bytes(b"x")
    with pytest.raises(InvalidInput, match=r"expected a folder with model_index.json.*from_single_file"):
        locate(tmp_path / "turbo.safetensors")


@pytest.mark.parametrize("name", ["/nowhere/at/all", "no such thing"])
def test_what_is_neither_a_folder_nor_a_repository_is_said_to_be_so(name: str):
    with pytest.raises(WeightsError, match="is neither a folder nor a repository id"):
        locate(name)


def test_without_a_network_a_repository_is_said_to_be_out_of_reach(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="neither a folder nor all in the cache, and the hub cannot be reached"):
        locate("nobody/nothing", cache_dir=tmp_path)


@pytest.mark.parametrize("kind", ["FluxPipeline", "StableDiffusion3Pipeline", "PixArtAlphaPipeline"])
def test_another_kind_of_pipeline_is_named(kind: str, copied: Path):
    change(copied / "model_index.json", _class_name=kind)
    with pytest.raises(WeightsError, match=rf"expected a pipeline of Stable Diffusion or Stable Diffusion XL .* got '{kind}'"):
        read_index(copied)


def test_a_folder_without_an_index_says_what_it_holds(tmp_path: Path):
    with pytest.raises(WeightsError, match=r"expected model_index.json in the folder .*; it holds notes.txt\."):
        read_index(put(tmp_path / "a", "notes.txt"))
    (tmp_path / "a" / "model_index.json").write_text("[]")
    with pytest.raises(WeightsError, match="expected names with values, got a list"):
        read_index(tmp_path / "a")
    (tmp_path / "a" / "model_index.json").write_text("{")
    with pytest.raises(WeightsError, match="not read as JSON"):
        read_index(tmp_path / "a")


def test_the_variant_asked_for_comes_first_and_half_precision_last(tmp_path: Path):
    both = put(tmp_path / "both", "model.safetensors", "model.fp16.safetensors")
    assert [p.name for p in weights_of(both, "model")] == ["model.safetensors"]
    assert [p.name for p in weights_of(both, "model", "fp16")] == ["model.fp16.safetensors"]
    assert [p.name for p in weights_of(put(tmp_path / "half", "model.fp16.safetensors"), "model")] == ["model.fp16.safetensors"]
    assert weights_of(put(tmp_path / "pickle", "model.bin"), "model") == []


def test_an_index_names_the_files_and_none_outside_the_folder(tmp_path: Path):
    said = {"weight_map": {"a": "model-00002-of-00002.safetensors", "b": "../model-00001-of-00002.safetensors"}}
    (put(tmp_path / "several") / "model.safetensors.index.json").write_text(json.dumps(said))
    found = weights_of(tmp_path / "several", "model")
    assert [path.name for path in found] == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    assert {path.parent for path in found} == {tmp_path / "several"}


def test_a_revision_stands_behind_the_name():
    assert revised("owner/name") == ("owner/name", None)
    assert revised("owner/name@main") == ("owner/name", "main")


def hub(cache: Path, copied: Path, name: str = "owner/turbo") -> Path:
    """The pipeline where the hub's client keeps it."""
    place = cache / f"models--{name.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("0" * 40)
    (place / "snapshots").mkdir()
    return copied.rename(place / "snapshots" / ("0" * 40))


def test_a_repository_in_the_cache_is_used_and_one_that_lacks_weights_is_not(tmp_path: Path, copied: Path):
    found = hub(tmp_path / "hub", copied)
    assert in_cache("owner/turbo", "", tmp_path / "hub") == found
    assert locate("owner/turbo", cache_dir=tmp_path / "hub") == found
    next((found / "unet").glob("*.safetensors")).unlink()
    assert in_cache("owner/turbo", "", tmp_path / "hub") is None


def test_cached_says_no_for_what_is_no_repository():
    assert not cached("nobody/nothing-at-all")
    assert not cached("no repository")


def test_another_pipeline_is_refused_before_its_weights_are_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, copied: Path
):
    change(copied / "model_index.json", _class_name="FluxPipeline")
    asked: list[list[str]] = []

    def snapshot(name: str, *, allow_patterns: list[str], **options: object) -> str:
        asked.append(allow_patterns)
        return str(copied)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    with pytest.raises(WeightsError, match="got 'FluxPipeline'"):
        fetched("owner/flux", "fp16", tmp_path)
    assert len(asked) == 1
    assert not any("safetensors" in pattern for pattern in asked[0])
