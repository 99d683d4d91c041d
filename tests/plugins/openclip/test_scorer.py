"""Dual encoders of OpenCLIP."""

from __future__ import annotations

import builtins
import importlib.util
import logging
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

import fusedream_openclip
import fusedream_sdk as fd
from fusedream_sdk.errors import InvalidInput, PluginImportError, WeightsError

open_clip: Any = pytest.importorskip("open_clip")
from fusedream_openclip.scorer import OpenClipScorer, square_side  # noqa: E402

LONG = "a red apple and a green frog on a blue boat under a yellow moon"


@pytest.fixture(scope="module")
def scorer(files: dict[str, Path]) -> OpenClipScorer:
    return fusedream_openclip.load(weights=f"tiny-test:{files['safetensors']}")


def test_embeddings_are_those_of_openclips_own_model(scorer: OpenClipScorer, model: Any):
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD))
    own = model.encode_image((images - mean) / std, normalize=True)
    torch.testing.assert_close(scorer.encode_image(images), own, atol=1e-5, rtol=0)
    prompts = ["a red apple", "a dog"]
    own = model.encode_text(open_clip.SimpleTokenizer(context_length=12)(prompts), normalize=True)
    torch.testing.assert_close(scorer.encode_text(prompts), own, atol=1e-5, rtol=0)


def test_both_kinds_of_file_hold_the_same_model(scorer: OpenClipScorer, files: dict[str, Path]):
    again = fusedream_openclip.load(weights=f"tiny-test:{files['pt']}")
    assert again.fingerprint == scorer.fingerprint
    split = fusedream_openclip.load(weights=f"tiny-test:{files['pt']}", long_prompts="split")
    assert split.fingerprint != scorer.fingerprint


def test_architecture_and_file_are_a_scorers_name(files: dict[str, Path]):
    named = fd.load_scorer(f"tiny-test:{files['safetensors']}")
    assert isinstance(named, OpenClipScorer)
    assert (named.resolution, named.window) == (32, 12)


def test_loading_leaves_the_root_logger_as_it_was(files: dict[str, Path]):
    before = list(logging.getLogger().handlers)
    fusedream_openclip.load(weights=f"tiny-test:{files['safetensors']}")
    assert logging.getLogger().handlers == before


def test_a_long_prompt_is_cut_with_a_warning_split_or_refused(scorer: OpenClipScorer, files: dict[str, Path]):
    assert scorer.fits("a red apple")
    assert not scorer.fits(LONG)
    with pytest.warns(UserWarning, match="longer than the 12 tokens .* dropped: 'boat under a yellow moon'") as caught:
        cut = scorer.encode_text([LONG])
    assert caught[0].filename == __file__
    torch.testing.assert_close(cut, scorer.encode_text(["a red apple and a green frog on a blue"]))
    weights = f"tiny-test:{files['safetensors']}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        split = fusedream_openclip.load(weights=weights, long_prompts="split").encode_text([LONG])
    parts = scorer.encode_text(["a red apple and a green frog on a blue", "boat under a yellow moon"])
    torch.testing.assert_close(split, F.normalize(parts.mean(dim=0, keepdim=True), dim=1))
    with pytest.raises(InvalidInput, match="Leave out 'boat under a yellow moon'"):
        fusedream_openclip.load(weights=weights, long_prompts="error").encode_text([LONG])


@pytest.mark.parametrize("shape", [(1, 3, 16, 16), (3, 32, 32)])
def test_images_of_another_shape_are_refused(scorer: OpenClipScorer, shape: tuple[int, ...]):
    with pytest.raises(InvalidInput, match=r"images: expected shape \(B, 3, 32, 32\)"):
        scorer.encode_image(torch.zeros(shape))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("tiny-test", r"weights: expected an architecture and a tag or a file, such as 'ViT-B-32:"),
        ("tiny-test:", r"weights: expected an architecture and a tag or a file"),
        (None, r"weights: expected an architecture and a tag or a file"),
        ("ViT-B-23:openai", r"weights: expected an architecture of OpenCLIP, got 'ViT-B-23'. Did you mean 'ViT-B-32'\?"),
        ("ViT-B-32:laion3b", r"weights: expected a file, or one of ViT-B-32's tags openai, .*got 'laion3b'"),
        ("tiny-test:laion2b", r"weights: expected a file, as there are no tags of it, got 'laion2b'"),
    ],
)
def test_a_name_that_is_none_is_refused_with_those_there_are(weights: Any, message: str):
    with pytest.raises(InvalidInput, match=message):
        fusedream_openclip.load(weights=weights)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(WeightsError, match=r"there is no file '/nowhere/model.pt'"):
        fusedream_openclip.load(weights="tiny-test:/nowhere/model.pt")


def test_the_first_missing_and_unexpected_entries_are_named(files: dict[str, Path], tmp_path: Path):
    with pytest.raises(WeightsError, match=r"not those of wider-test: 12 missing \(first: 'visual.transformer.resblocks.1"):
        fusedream_openclip.load(weights=f"wider-test:{files['safetensors']}")
    state = load_file(files["safetensors"])
    del state["visual.proj"]
    save_file({**state, "stray": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"1 missing \(first: 'visual.proj'\) and 1 unexpected \(first: 'stray'\)"):
        fusedream_openclip.load(weights=f"tiny-test:{tmp_path / 'other.safetensors'}")


def test_a_file_that_wants_to_run_code_or_is_cut_short_is_refused(files: dict[str, Path], tmp_path: Path):
    torch.save({"state_dict": {"a": builtins.exec}}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError, match="wants to run 'exec', which was refused"):
        fusedream_openclip.load(weights=f"tiny-test:{tmp_path / 'evil.pt'}")
    (tmp_path / "short.safetensors").write_bytes(files["safetensors"].read_bytes()[:5000])
    with pytest.raises(WeightsError, match="damaged or cut short"):
        fusedream_openclip.load(weights=f"tiny-test:{tmp_path / 'short.safetensors'}")


def test_an_archive_of_openai_s_is_refused_and_names_what_to_take(torchscript: Path):
    with pytest.raises(WeightsError, match=r"TorchScript archive, a program, .* ViT-B-32:openai"):
        fusedream_openclip.load(weights=f"tiny-test:{torchscript}")


def test_without_a_network_a_tag_says_so(monkeypatch: pytest.MonkeyPatch):
    def offline(*args: Any, **options: Any) -> str:
        raise OSError("the hub cannot be reached")

    monkeypatch.setattr(open_clip.pretrained, "hf_hub_download", offline)
    with pytest.raises(WeightsError, match=r"'ViT-B-32:laion2b_s34b_b79k' is not all in the cache.*the hub cannot be reached"):
        fusedream_openclip.load()


def test_a_tag_brings_its_own_statistics_and_activation(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, scorer: OpenClipScorer
):
    tag = {"file": str(files["safetensors"]), "mean": (0.5,) * 3, "std": (0.25,) * 3, "quick_gelu": True}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny-test", {"ours": tag})
    tagged = fusedream_openclip.load(weights="tiny-test:ours")
    assert tagged.mean.flatten().tolist() == [0.5] * 3
    assert tagged.std.flatten().tolist() == [0.25] * 3
    assert tagged.checkpoint.config["quick_gelu"]
    assert not torch.allclose(tagged.encode_text(["a dog"]), scorer.encode_text(["a dog"]), atol=1e-6)
    assert fusedream_openclip.load(weights=f"tiny-test:{files['pt']}").mean.flatten().tolist() == [0.5] * 3  # the only tag's


def test_a_model_of_oblong_images_is_refused():
    assert square_side((32, 32), "x") == 32
    with pytest.raises(WeightsError, match="expected a model of square images, got one of 32 x 64 pixels"):
        square_side((32, 64), "x")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PluginImportError, match=r'pip install "fusedream-sdk\[openclip\]"'):
        fusedream_openclip.load()
