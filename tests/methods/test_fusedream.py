"""FuseDream's choice of parts."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.methods.base import Method, settings_adam
from fusedream_sdk.methods.fusedream import fusedream
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.optim.directions import Descent
from fusedream_sdk.optim.optimisers import Adam
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import augclip, held_out, mixed, searched
from fusedream_sdk.scoring.views import NO_VIEWS, Views
from fusedream_sdk.testing import check_method


def test_its_parts_are_those_of_section_3():
    method = fusedream()
    assert method.starts is searched  # section 3.2: the best of many
    assert method.parametrise is mixed  # equation 4
    assert method.objective is augclip  # equation 3
    assert isinstance(method.direction, Descent)
    assert method.optimiser is settings_adam  # appendix A
    assert method.selection is held_out  # ours: the paper keeps the last point
    assert (method.population, method.members) == (None, 1)


def test_its_constants_are_the_settings_of_the_paper():
    settings = fusedream().settings_for(Settings(), {})
    assert settings == Settings()
    assert (settings.steps, settings.lr) == (1000, 5e-3)  # appendix A
    assert (settings.samples, settings.basis, settings.mix) == (10_000, 5, "paper")  # section 3.2
    assert (settings.views, settings.noise) == (50, 0.01)  # the public code
    views = settings.augment
    assert all((views.colour, views.translation, views.resize, views.cutout))  # section 3.1


def test_as_published_its_constants_are_the_papers_whatever_the_models_recommend():
    recommended = Settings(steps=80, views=8, lr=0.02, samples=4096, bank=6144, bank_views=2, mix="best", augment=NO_VIEWS)
    settings = fusedream(published=True).settings_for(recommended, {})
    assert (settings.steps, settings.lr, settings.keep) == (1000, 5e-3, "last")  # appendix A; nothing is held out
    assert (settings.samples, settings.basis, settings.mix) == (10_000, 5, "paper")  # section 3.2
    assert (settings.augment, settings.search_augment) == (Views(), None)  # ranked by AugCLIP
    assert (settings.views, settings.bank_views) == (50, 1)  # the public code
    assert settings.noise == 0.0  # the public code alone has it
    assert fusedream().settings_for(recommended, {}) == recommended
    check_method(replace(fusedream(published=True), settings={**fusedream(published=True).settings, "samples": 16, "bank": 16}))


def test_adam_has_the_settings_learning_rate_and_no_weight_decay():
    optimiser = settings_adam(Settings(lr=0.125))([torch.zeros(2, requires_grad=True)])
    assert isinstance(optimiser, Adam)
    assert (optimiser.lr, optimiser.rate(0), optimiser.rate(900)) == (0.125, 0.125, 0.125)


def test_every_setting_has_a_use_and_the_defaults_of_a_method_are_its_parts(dream: FuseDream):
    assert not fusedream().unused
    for field in dataclasses.fields(Method):
        if field.name not in ("name", "direction"):
            assert getattr(fusedream(), field.name) == getattr(Method(), field.name), field.name
    by_name, by_hand = (dream.generate("red", method=m, progress=False) for m in ("fusedream", Method()))
    assert torch.equal(by_name.images, by_hand.images)


def test_it_keeps_the_contract_of_a_method():
    check_method(load_method("fusedream"))
