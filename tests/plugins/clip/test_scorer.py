"""The scorer's contract, for every architecture."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from transformers import AutoModel, AutoProcessor, CLIPConfig, CLIPModel

from fusedream_clip import load
from fusedream_clip.scorer import ClipScorer
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.protocols import Scorer
from fusedream_sdk.testing import check_scorer

from .conftest import MAKERS, make_clip, write_clip_files


@pytest.fixture(scope="module", params=list(MAKERS))
def folder(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Path:
    return folders[request.param]


@pytest.fixture(scope="module")
def scorer(folder: Path) -> ClipScorer:
    return load(weights=folder)


def pictures(count: int = 3, side: int = 32) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_scorer_satisfies_the_protocol(scorer: ClipScorer) -> None:
    assert isinstance(scorer, Scorer)
    assert scorer.resolution == 32
    assert scorer.to("cpu").device == torch.device("cpu")
    assert not any(weight.requires_grad for weight in scorer.model.parameters())


def test_the_contract_is_kept(scorer: ClipScorer) -> None:
    check_scorer(scorer)


def test_images_are_read_as_the_processor_reads_them(scorer: ClipScorer, folder: Path) -> None:
    processor = AutoProcessor.from_pretrained(folder)
    bytes_ = (pictures() * 255).round().to(torch.uint8)
    pixels = processor.image_processor(list(bytes_), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        features = AutoModel.from_pretrained(folder).eval().get_image_features(pixel_values=pixels).pooler_output
        found = scorer.encode_image(bytes_ / 255)
    torch.testing.assert_close(found, F.normalize(features, dim=-1), atol=1e-5, rtol=0)


def test_gradient_reaches_the_pixels_of_its_own_row_alone(scorer: ClipScorer) -> None:
    images = pictures().requires_grad_()
    scorer.encode_image(images)[0, 0].backward()
    assert images.grad is not None
    assert images.grad[0].abs().sum() > 0
    assert images.grad[1:].abs().sum() == 0


@pytest.mark.parametrize("shape", [(1, 3, 31, 32), (3, 32, 32), (1, 1, 32, 32)])
def test_images_of_another_shape_are_refused(scorer: ClipScorer, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match=r"images: expected shape \(B, 3, 32, 32\)"):
        scorer.encode_image(torch.zeros(shape))


def test_siglip_texts_fill_the_window_and_have_no_mask(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    scorer, seen = load(weights=folders["siglip"]), []
    original = scorer.model.get_text_features
    monkeypatch.setattr(scorer.model, "get_text_features", lambda **tokens: seen.append(tokens) or original(**tokens))
    scorer.encode_text(["a cat"])
    assert set(seen[0]) == {"input_ids"}
    assert seen[0]["input_ids"].tolist() == [[3, 4, 1, *[0] * 13]]


def test_fingerprint_is_of_content_and_settings(folders: dict[str, Path], tmp_path: Path) -> None:
    own = load(weights=folders["clip"]).fingerprint
    assert load(weights=make_clip(tmp_path / "elsewhere")).fingerprint == own
    assert load(weights=folders["clip"], long_prompts="split").fingerprint != own
    changed = make_clip(tmp_path / "changed")
    words = (changed / "vocab.json").read_text()
    (changed / "vocab.json").write_text(words.replace('"!"', '"?!"'))
    assert load(weights=changed).fingerprint != own


def test_a_random_vit_b_32_in_the_format_of_openai_loads_and_embeds(tmp_path: Path) -> None:
    write_clip_files(tmp_path, 224, vocabulary=49408)
    CLIPModel._from_config(CLIPConfig()).save_pretrained(tmp_path)
    scorer = load(weights=tmp_path)
    images = pictures(1, 224).requires_grad_()
    score = (scorer.encode_image(images) * scorer.encode_text(["a cat"])).sum()
    assert scorer.resolution == 224
    assert scorer.window == 77
    assert torch.autograd.grad(score, images)[0].abs().sum() > 0


def test_attention_is_computed_plainly_on_a_cpu(folders: dict[str, Path]) -> None:
    assert load(weights=folders["clip"]).model.config._attn_implementation == "eager"
