"""Prompts as the text encoders of a pipeline read them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fusedream_sdk.errors import InvalidInput
from tests.plugins.diffusion.conftest import make_pipeline

pytest.importorskip("diffusers")  # of the extra diffusers
from fusedream_diffusion.loading import load_pipeline
from fusedream_diffusion.prompts import encode, tokens

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # numpy of diffusers

PROMPTS = ["a red apple", "a blue dog on a yellow background"]


def test_embeddings_are_those_of_the_pipeline_itself(kind: str, folder: Path):
    told = encode(load_pipeline(folder), PROMPTS)
    own = make_pipeline(kind).encode_prompt(PROMPTS, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=False)
    torch.testing.assert_close(told["text"], own[0])
    if kind == "xl":
        torch.testing.assert_close(told["pooled"], own[2])
    assert set(told) == ({"text", "pooled"} if kind == "xl" else {"text"})


def test_a_prompt_reads_the_same_alone(folder: Path):
    pipeline = load_pipeline(folder)
    alone, together = encode(pipeline, PROMPTS[:1]), encode(pipeline, PROMPTS)
    for name, x in alone.items():
        torch.testing.assert_close(x[0], together[name][0])


def test_a_prompt_beyond_the_window_is_cut_with_a_warning(folder: Path):
    ((tokenizer, _), *_) = load_pipeline(folder).encoders
    with pytest.warns(UserWarning, match=r"has \d+ tokens, of which the generator reads the first 40"):
        ids, _ = tokens(tokenizer, ["a dog and " * 40])
    assert ids.shape == (1, 40)


@pytest.mark.parametrize("prompts", ["a dog", [3]])
def test_what_is_no_list_of_texts_is_refused(prompts: object, folder: Path):
    with pytest.raises(InvalidInput, match="prompts: expected a list of texts"):
        encode(load_pipeline(folder), prompts)  # pyright: ignore[reportArgumentType]
