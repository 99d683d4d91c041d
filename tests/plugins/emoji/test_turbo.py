"""The shipped one-step diffusion model of the emoji world, as a user meets it."""

from __future__ import annotations

import pytest
import torch

import fusedream_sdk as fd
from fusedream_emoji import WEIGHTS
from fusedream_sdk.testing import check_generator

pytest.importorskip("diffusers")  # of the extra diffusers
from fusedream_emoji.art import load_sprites, names
from fusedream_emoji.training.turbo import world

DRAWN = 48  # drawings that are looked at


@pytest.fixture(scope="module")
def dream() -> fd.FuseDream:
    return fd.FuseDream("emoji-turbo", device="cpu")


def test_the_generator_keeps_its_contract(dream: fd.FuseDream):
    check_generator(dream.generator, rows=4)


def test_it_draws_what_the_prompt_names_in_the_colours_of_its_noise(dream: fd.FuseDream):
    prompts = [f"a {name}" for name in names()[:DRAWN]]
    latents = dream.generator.sample(DRAWN, rng=torch.Generator().manual_seed(7), prompts=prompts)  # pyright: ignore
    wanted = world(load_sprites(), torch.arange(DRAWN), latents["noise"])
    with torch.no_grad():
        drawn = dream.generator(latents)
    error = (drawn - wanted).abs().mean()
    assert error < 0.1
    assert error < 0.5 * (drawn - wanted.roll(1, dims=0)).abs().mean()


def test_reno_raises_the_score_of_a_draw(dream: fd.FuseDream):
    states = list(dream.iterate(["a blue dog", "a red apple"], method="reno", steps=5))
    assert (states[-1].best.loss < states[0].evaluation.primary).all()


def test_a_picture_is_drawn_again_from_its_latents(dream: fd.FuseDream):
    result = dream.generate("a green frog", method="reno", steps=2, report_views=4, progress=False)
    with torch.no_grad():
        torch.testing.assert_close(dream.generator(result.latents), result.images, atol=1e-4, rtol=0)


def test_all_its_files_stay_under_twelve_megabytes():
    assert sum(path.stat().st_size for path in (WEIGHTS / "turbo").rglob("*.*") if path.is_file()) < 12e6
