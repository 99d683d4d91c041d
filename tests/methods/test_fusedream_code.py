"""The choices of FuseDream's public code."""

from __future__ import annotations

import pytest
import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.methods.fusedream import fusedream
from fusedream_sdk.methods.fusedream_code import fusedream_code
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring.views import PUBLIC_PICTURE, PUBLIC_VIEWS
from fusedream_sdk.testing import check_method

EMOJI = Settings(steps=80, views=8, lr=0.02, samples=4096, bank=6144, bank_views=2, noise=0.0)


def test_its_constants_are_those_of_the_code_whatever_the_models_recommend():
    settings = fusedream_code().settings_for(EMOJI, {})
    assert settings.steps == 999  # of 1,000 iterations the last update has no effect
    assert settings.views == 50  # AugmentLoss(..., replicate=50)
    assert settings.augment == PUBLIC_VIEWS
    assert settings.search_augment == PUBLIC_PICTURE  # generate_basis: plain CLIP, the picture shrunk as that code does
    assert (settings.samples, settings.basis, settings.bank_views) == (10_000, 5, 1)  # 1,000 batches of 10; num_basis=5
    assert settings.mix == "random"  # w_z = torch.randn(...)
    assert (settings.lr, settings.noise) == (5e-3, 0.01)  # Adam(lr=5e-3); LATENT_NOISE
    assert settings.keep == "last"
    assert settings.report_views == 1000  # measureAugCLIP: 20 rounds of 50


def test_its_numbers_can_be_left_to_the_models_and_its_way_stays():
    settings = fusedream_code(published=False).settings_for(EMOJI, {})
    assert (settings.steps, settings.views, settings.lr) == (80, 8, 0.02)
    assert (settings.samples, settings.bank, settings.noise) == (4096, 6144, 0.0)
    assert (settings.augment, settings.search_augment) == (PUBLIC_VIEWS, PUBLIC_PICTURE)
    assert (settings.mix, settings.keep, settings.bank_views) == ("random", "last", 1)


def test_a_call_has_the_last_word():
    assert fusedream_code().settings_for(EMOJI, {"steps": 20, "views": 4}).steps == 20


def test_its_parts_are_fusedreams():
    ours, theirs = fusedream(), fusedream_code()
    for part in ("starts", "parametrise", "objective", "optimiser", "selection"):
        assert getattr(ours, part) is getattr(theirs, part)


def test_the_point_that_it_keeps_is_the_last_one_which_is_one_update_short_of_the_points(dream: FuseDream):
    states = list(dream.iterate("red", method="fusedream-code?published=false", steps=5, noise=0.0))
    assert len(states) == 6  # points of an optimiser that took 5 updates, as the code's 6 iterations do
    last = states[-1]
    assert torch.equal(last.best.step, torch.tensor([5]))
    assert all(torch.equal(x, last.evaluation.latents[name]) for name, x in last.best.latents.items())


def test_published_is_true_or_false():
    with pytest.raises(InvalidInput, match="published: expected True or False, got no"):
        load_method("fusedream-code?published=no")


def test_it_keeps_the_contract_of_a_method():
    check_method(fusedream_code(published=False))
