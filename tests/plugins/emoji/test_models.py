"""The shipped models of the emoji world, as a user meets them."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

import fusedream_sdk as fd
from fusedream_emoji import WEIGHTS, pair
from fusedream_emoji.art import names
from fusedream_sdk.methods.big_sleep import LOGIT_MEAN
from fusedream_sdk.protocols import Scorer


def test_the_generator_has_a_class_for_every_concept():
    generator = fd.load_generator("emoji")
    assert generator.resolution == (64, 64)
    assert generator.sample(2, rng=torch.Generator().manual_seed(0), classes=[0, len(names()) - 1])  # pyright: ignore


def test_where_big_sleep_begins_is_farther_out_than_any_class():
    """Why claim 6 has it draw without shares of classes (docs/biggan.md, docs/evidence.md)."""
    embeddings = load_file(WEIGHTS / "generator" / "model.safetensors")["embeddings.weight"].float()  # (128, classes)
    share = torch.tensor(LOGIT_MEAN).sigmoid()
    assert (share * embeddings.sum(dim=1)).norm() > 1.5 * embeddings.norm(dim=0).max()


@pytest.mark.parametrize("name", ["emoji", "emoji-judge"])
def test_the_dual_encoders_know_red_from_blue(name: str):
    scorer = fd.load_scorer(name)
    assert isinstance(scorer, Scorer)
    plain = torch.zeros(2, 3, scorer.resolution, scorer.resolution)
    plain[0, 0] = plain[1, 2] = 0.9
    scores = scorer.encode_image(plain) @ scorer.encode_text(["a red background", "a blue background"]).T
    assert scores[0, 0] > scores[0, 1]
    assert scores[1, 1] > scores[1, 0]


def test_the_judge_is_another_model_than_the_scorer():
    scorer, judge = fd.load_scorer("emoji"), fd.load_scorer(pair().judge)
    assert scorer.fingerprint != judge.fingerprint  # pyright: ignore[reportAttributeAccessIssue]


def test_the_tiny_pair_draws_a_picture_that_its_latents_draw_again():
    dream = fd.FuseDream("emoji-tiny", device="cpu")
    result = dream.generate("a red apple", progress=False)
    assert result.status == ("done",)
    with torch.no_grad():
        torch.testing.assert_close(dream.generator(result.latents), result.images, atol=1e-4, rtol=0)


def test_all_weights_together_stay_under_forty_megabytes():
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*.safetensors")) < 50e6
