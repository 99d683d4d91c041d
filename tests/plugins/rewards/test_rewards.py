"""PickScore and HPSv2, which are dual encoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoProcessor, CLIPModel

import fusedream_rewards
import fusedream_sdk as fd
from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.testing import check_scorer
from tests.plugins.rewards.conftest import hpsv2, pickscore

PROMPTS = ["a cat", "a dog"]


def pictures() -> torch.Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def published_pickscore(options: dict[str, Any], images: torch.Tensor) -> torch.Tensor:
    """As the authors compute it: standardised pixels, unit vectors, and the scale."""
    model: Any
    model, processor = CLIPModel.from_pretrained(options["weights"]), AutoProcessor.from_pretrained(options["processor"])
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in (processor.image_processor.image_mean, processor.image_processor.image_std)
    )
    text = processor.tokenizer(PROMPTS, padding=True, truncation=True, max_length=77, return_tensors="pt")
    features = [model.get_image_features(pixel_values=(images - mean) / std), model.get_text_features(**text)]
    embedded = [getattr(x, "pooler_output", x) for x in features]
    image, words = (x / torch.norm(x, dim=-1, keepdim=True) for x in embedded)
    return model.logit_scale.exp() * (image * words).sum(dim=1)


def test_pickscore_is_the_published_score_over_its_scale_gradients_too(tmp_path: Path):
    options = pickscore(tmp_path)
    scorer = fusedream_rewards.pickscore(**options)
    ours, theirs = pictures().requires_grad_(), pictures().requires_grad_()
    score = (scorer.encode_image(ours) * scorer.encode_text(PROMPTS)).sum(dim=1)
    expected = published_pickscore(options, theirs)
    torch.testing.assert_close(scorer.scale * score, expected, atol=1e-4, rtol=0)
    gradients = [torch.autograd.grad(x.sum(), y)[0] for x, y in ((scorer.scale * score, ours), (expected, theirs))]
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=0)
    assert isinstance(scorer, fd.Scorer)


def test_pickscore_keeps_the_contract_of_a_scorer(tmp_path: Path):
    check_scorer(fd.load_scorer("pickscore", **pickscore(tmp_path)))


def test_pickscore_without_its_processor_is_refused_and_beside_it_needs_none_named(tmp_path: Path):
    options = pickscore(tmp_path)
    with pytest.raises(WeightsError, match="weights"):
        fusedream_rewards.pickscore(weights=options["weights"])
    assert fusedream_rewards.pickscore(weights=options["processor"]).resolution == 32


def test_the_published_repositories_are_the_defaults():
    assert fusedream_rewards.PICKSCORE == "yuvalkirstain/PickScore_v1"
    assert fusedream_rewards.PICKSCORE_PROCESSOR == "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"
    assert fusedream_rewards.HPSV2 == "xswu/HPSv2"
    assert fusedream_rewards.HPSV2_FILES == {"v2.0": "HPS_v2_compressed.pt", "v2.1": "HPS_v2.1_compressed.pt"}
    assert (fusedream_rewards.IMAGEREWARD, fusedream_rewards.AESTHETIC_CLIP) == (
        "THUDM/ImageReward",
        "openai/clip-vit-large-patch14",
    )


@pytest.mark.parametrize("name", ["pickscore", "hpsv2", "imagereward"])
def test_without_weights_and_network_each_says_so_in_one_sentence(name: str, tmp_path: Path):
    if name == "hpsv2":
        pytest.importorskip("open_clip")
    with pytest.raises(WeightsError, match=r"hub cannot be reached|reward without weights") as caught:
        fd.load_scorer(name, cache_dir=tmp_path)
    assert "\n" not in str(caught.value)


def test_hpsv2_is_the_cosine_of_openclips_own_model_gradients_too(tmp_path: Path):
    open_clip = pytest.importorskip("open_clip")
    from tests.plugins.openclip.conftest import make_model

    scorer, model = fusedream_rewards.hpsv2(**hpsv2(tmp_path)), make_model()
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD))
    ours, theirs = pictures().requires_grad_(), pictures().requires_grad_()
    tokens = open_clip.SimpleTokenizer(context_length=12)(PROMPTS)
    image, text = model.encode_image((theirs - mean) / std, normalize=True), model.encode_text(tokens, normalize=True)
    expected = torch.diagonal(image @ text.T)
    score = (scorer.encode_image(ours) * scorer.encode_text(PROMPTS)).sum(dim=1)
    torch.testing.assert_close(score, expected, atol=1e-4, rtol=0)
    gradients = [torch.autograd.grad(x.sum(), y)[0] for x, y in ((score, ours), (expected, theirs))]
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=0)
    check_scorer(scorer)


def test_the_architecture_of_hpsv2_has_the_pixel_statistics_of_its_training():
    open_clip = pytest.importorskip("open_clip")
    from fusedream_openclip.loading import statistics

    assert statistics("ViT-H-14") == {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}


def test_another_version_of_hpsv2_is_refused_or_looked_for(tmp_path: Path):
    options = hpsv2(tmp_path)
    with pytest.raises(InvalidInput, match=r"version: expected one of 'v2.0', 'v2.1', got v3"):
        fusedream_rewards.hpsv2(**options, version="v3")  # pyright: ignore[reportArgumentType]
    with pytest.raises(WeightsError, match=r"expected HPS_v2_compressed.pt in"):
        fusedream_rewards.hpsv2(**options, version="v2.0")


def test_what_a_recipe_may_use_is_what_is_in_the_cache():
    assert not fusedream_rewards.cached("owner/name")
    assert not fusedream_rewards.cached("no id at all")
