"""The default path at its real size: BigGAN-deep-128 and CLIP ViT-B/32 with random weights, in their real file formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_pretrained_biggan import BigGANConfig
from transformers import CLIPConfig, CLIPModel

import fusedream_sdk as fd
from fusedream_sdk.latents import contains
from tests.plugins.biggan.conftest import make_model, save
from tests.plugins.clip.conftest import quiet_saving, write_clip_files

__all__ = ["quiet_saving"]
QUICK: dict[str, Any] = {"steps": 2, "views": 2, "bank": 6, "samples": 6, "basis": 2}
QUICK |= {"check_views": 2, "report_views": 2, "check_every": 1}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder as pytorch-pretrained-biggan reads it, and one as OpenAI's repositories are."""
    root = tmp_path_factory.mktemp("real")
    generator = save(root / "biggan-deep-128", BigGANConfig().to_dict(), dict(make_model({}).state_dict()))
    scorer = root / "clip-vit-base-patch32"
    scorer.mkdir()
    write_clip_files(scorer, 224, vocabulary=49408)
    CLIPModel._from_config(CLIPConfig()).save_pretrained(scorer)
    return generator, scorer


def test_a_sentence_becomes_a_picture_by_biggan_deep_128_and_vit_b_32(folders: tuple[Path, Path], tmp_path: Path):
    dream = fd.FuseDream(generator=str(folders[0]), scorer=str(folders[1]), device="cpu")
    assert dream.settings.lr == 5e-3  # what the paper uses with BigGAN
    result = dream.generate("a photo of a cat", seeds=3, progress=False, **QUICK)
    assert result.status == ("done",)
    assert result.images.shape == (1, 3, 128, 128)
    assert torch.isfinite(result.scores["augclip"]).all()
    assert contains(result.latents, dream.generator.space)
    with torch.no_grad():
        torch.testing.assert_close(dream.generator(result.latents), result.images, atol=1e-4, rtol=0)
    (picture,) = result.save(tmp_path / "cat.png")
    with pytest.raises(fd.InvalidInput, match="generator: expected a model that a picture may name, got the path"):
        fd.replay(picture, progress=False)  # a picture may come from anybody, so a folder is named by who replays it
    again = fd.replay(picture, generator=str(folders[0]), scorer=str(folders[1]), progress=False)
    assert isinstance(again, fd.Result)
    torch.testing.assert_close(again.images, result.images, atol=1e-3, rtol=0)
