"""From one thing to another, by the score of the picture or by its views."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.methods.attack import attack
from fusedream_sdk.methods.base import settings_adam
from fusedream_sdk.optim.directions import Descent
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import direct, drawn
from fusedream_sdk.scoring.views import NO_VIEWS, Views
from fusedream_sdk.testing import check_method


def test_its_parts_are_those_of_case_study_2():
    method = attack()
    assert method.parametrise is direct  # equation 2: the latent alone
    assert isinstance(method.direction, Descent)
    assert method.optimiser is settings_adam  # section 2: solved with Adam
    assert method.starts is drawn
    settings = method.settings_for(Settings(), {})
    assert (settings.augment, settings.basis, settings.noise, settings.searches) == (NO_VIEWS, 1, 0.0, False)
    assert (settings.steps, settings.lr) == (Settings().steps, Settings().lr)
    assert attack(score="augclip").settings_for(Settings(), {}).augment == Views()


def test_both_scores_begin_at_the_pictures_that_a_search_finds_for_the_origin(dream: FuseDream):
    searched = next(dream.iterate("blue", seeds=[3, 4], method="fusedream", basis=1, noise=0.0))
    for score in ("plain", "augclip"):
        begun = next(dream.iterate("red", seeds=[3, 4], method=f"attack?origin=blue&score={score}"))
        for name, x in begun.params.items():
            assert torch.equal(x, searched.evaluation.latents[name])


def test_the_prompt_s_score_rises_from_a_start_that_is_given(dream: FuseDream):
    blue = dream.generate("blue", progress=False)
    for score in ("plain", "augclip"):
        result = dream.generate("red", method=f"attack?score={score}", start=blue.latents, steps=20, lr=0.1, progress=False)
        losses = result.history["augclip"]
        assert losses[-1].max() < losses[0].min()


def test_plain_and_augclip_go_different_ways(dream: FuseDream):
    names = (f"attack?origin=blue&score={score}" for score in ("plain", "augclip"))
    plain, augclip = (dream.generate("red", method=name, progress=False).latents for name in names)
    assert any((plain[name] - augclip[name]).abs().max() > 1e-3 for name in plain)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"score": "views"}, "score: expected one of 'plain', 'augclip', got views"),
        ({"origin": ""}, "origin: expected a sentence, got an empty one. Name what the rows show at first: origin='a dog'."),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        attack(**options)


@pytest.mark.parametrize(("method", "name"), [("attack", "samples"), ("attack", "views"), ("attack?score=augclip", "basis")])
def test_it_has_no_use_for_what_it_does_not_do(method: str, name: str, dream: FuseDream):
    with pytest.raises(InvalidInput, match=f"{name}: expected nothing, as attack has no use for it"):
        dream.generate("red", method=method, **{name: getattr(Settings(), name)})


@pytest.mark.parametrize("options", [{}, {"score": "augclip"}, {"origin": "a green disc"}])
def test_it_keeps_the_contract_of_a_method(options: dict[str, Any]):
    check_method(attack(**options))
