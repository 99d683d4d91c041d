"""The text tower of the emoji one-step diffusion model: it learns what captions name, and is exported with the networks."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("diffusers")  # of the extra diffusers
import fusedream_diffusion
from fusedream_emoji import WEIGHTS
from fusedream_emoji.art import load_sprites, names
from fusedream_emoji.training.turbo_models import Sizes, Student, codes_of, export
from fusedream_emoji.training.turbo_prompt import Lesson, caption, draw_captions, embed, told, tower_of, train

TINY = Sizes(widths=(16, 16, 16), condition=16, decoder=8, blocks=(1, 1, 0, 0))


def test_a_caption_names_its_drawing():
    said = {caption(names().index("apple"), random.Random(seed)) for seed in range(20)}
    assert len(said) > 10
    assert all("apple" in words for words in said)


def test_captions_follow_from_the_seed():
    first, again, other = (draw_captions(8, random.Random(seed)) for seed in (0, 0, 1))
    assert first[0] == again[0]
    assert torch.equal(first[1], again[1])
    assert first[0] != other[0]


def test_a_tower_learns_the_codes_of_captions_that_it_has_not_seen():
    tower, tokenizer = tower_of(WEIGHTS / "scorer")
    codes = codes_of(load_sprites())
    right, before = told(tower.eval(), tokenizer, codes, seed=5, count=60)
    train(tower, tokenizer, codes, Lesson(steps=20, batch=24))
    _, after = told(tower, tokenizer, codes, seed=5, count=60)
    assert after < 0.9 * before
    assert 0 <= right <= 1
    assert not any(x.requires_grad for x in tower.parameters())


def test_the_plugin_loads_what_is_exported_and_draws_the_same(tmp_path: Path):
    torch.manual_seed(0)
    student = Student(TINY).eval()
    tower, tokenizer = tower_of(WEIGHTS / "scorer")
    export(student, tower.eval(), tokenizer, tmp_path)
    generator: Any = fusedream_diffusion.load(weights=tmp_path)
    prompts = ["a dog", "a blue cat"]
    latents = generator.sample(2, rng=torch.Generator().manual_seed(0), prompts=prompts)
    with torch.no_grad():
        torch.testing.assert_close(latents["pooled"], embed(tower, tokenizer, prompts), atol=0.02, rtol=0.02)
        expected = student(latents["noise"], latents["pooled"]).clamp(0, 1)
        torch.testing.assert_close(generator(latents), expected, rtol=0, atol=0.02)
    assert not any("/" in file.read_text() for file in tmp_path.rglob("config.json"))  # no path of a machine
