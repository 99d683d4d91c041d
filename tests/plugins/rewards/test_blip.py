"""BLIP's encoders against transformers'."""

from __future__ import annotations

import torch

from fusedream_rewards.blip import Blip, ImageSizes, TextSizes
from tests.plugins.rewards.conftest import CONFIG, WIDTH, Published, entries

TEXTS = TextSizes(**{name: CONFIG[name] for name in TextSizes.__annotations__})


def blip(published: Published) -> Blip:
    made = Blip(ImageSizes(width=WIDTH, depth=2, patch=8, count=4), TEXTS).eval()
    own = {n.removeprefix("blip."): x for n, x in entries(published).items() if n.startswith("blip.")}
    made.load_state_dict({name: x for name, x in own.items() if "_proj." not in name and "position_ids" not in name})
    return made


def test_every_token_of_a_picture_is_transformers(published: Published):
    pixels = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    expected = published.images(pixel_values=pixels).last_hidden_state
    torch.testing.assert_close(blip(published).visual_encoder(pixels), expected, atol=1e-4, rtol=1e-4)


def test_padding_is_not_seen(published: Published):
    made, picture = blip(published), torch.randn(1, 17, WIDTH, generator=torch.Generator().manual_seed(0))
    tokens, mask = torch.tensor([[2, 5, 6, 3, 0, 0]]), torch.tensor([[1, 1, 1, 1, 0, 0]])
    short = made.text_encoder(tokens[:, :4], mask[:, :4], picture)
    torch.testing.assert_close(made.text_encoder(tokens, mask, picture)[:, :4], short, atol=1e-5, rtol=1e-5)


def test_names_and_shapes_are_those_of_the_large_model():
    with torch.device("meta"):
        texts = TextSizes(30524, 768, 12, 12, 3072, 512, 1e-12)
        state = Blip(ImageSizes(width=1024, depth=24, patch=16, count=14), texts).state_dict()
    assert state["visual_encoder.pos_embed"].shape == (1, 197, 1024)
    assert state["visual_encoder.blocks.23.attn.qkv.weight"].shape == (3072, 1024)
    assert state["text_encoder.encoder.layer.11.crossattention.self.value.weight"].shape == (768, 1024)
    assert state["text_encoder.encoder.layer.0.attention.output.LayerNorm.bias"].shape == (768,)
    assert state["text_encoder.embeddings.word_embeddings.weight"].shape == (30524, 768)
    assert sum(x.numel() for x in state.values()) == 445_278_720
