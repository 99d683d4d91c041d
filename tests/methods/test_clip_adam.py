"""Plain CLIP, climbed by Adam from one Gaussian start."""

from __future__ import annotations

import pytest
import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.methods.base import settings_adam
from fusedream_sdk.methods.clip_adam import clip_adam
from fusedream_sdk.optim.directions import Descent
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import direct, gaussian
from fusedream_sdk.scoring.views import NO_VIEWS
from fusedream_sdk.testing import ToyConditioned, ToyScorer, check_method


def test_its_parts_are_those_of_section_2():
    method = clip_adam()
    assert method.starts is gaussian  # appendix C, figure 12: the rival of sampled starts
    assert method.parametrise is direct  # equation 2
    assert isinstance(method.direction, Descent)
    assert method.optimiser is settings_adam  # section 2: solved with Adam
    assert method.population is None


def test_its_constants_leave_out_what_fusedream_adds():
    settings = clip_adam().settings_for(Settings(), {})
    assert settings.augment == NO_VIEWS  # equation 1: the score of the picture itself
    assert not settings.searches
    assert (settings.samples, settings.basis, settings.noise) == (1, 1, 0.0)
    assert (settings.steps, settings.lr) == (Settings().steps, Settings().lr)  # shared with what it is compared with


def test_its_loss_is_minus_the_score_of_the_picture(dream: FuseDream):
    state = next(dream.iterate(["red", "blue"], method="clip-adam"))
    embedded = ToyScorer(8).encode_image(torch.nn.functional.avg_pool2d(state.evaluation.images, 2))
    cosine = torch.cosine_similarity(embedded, ToyScorer(8).encode_text(["red", "blue"]))
    torch.testing.assert_close(state.evaluation.primary, -cosine, atol=0.02, rtol=0)


def test_it_starts_from_a_gaussian_in_every_coordinate_inside_the_constraints(make_dream):
    dream = make_dream(ToyConditioned(16))
    params = next(dream.iterate("red", seeds=range(200), method="clip-adam")).params
    assert set(params) == {"z", "colour"}
    assert params["z"].abs().max() == 0.5  # the box
    assert params["colour"].mean().abs() < 0.15
    assert params["colour"].std() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("name", ["views", "bank", "basis", "samples", "mix"])
def test_it_has_no_use_for_views_and_search(name: str, dream: FuseDream):
    value = getattr(Settings(), name)
    with pytest.raises(InvalidInput, match=f"{name}: expected nothing, as clip-adam has no use for it"):
        dream.generate("red", method="clip-adam", **{name: value})


def test_it_keeps_the_contract_of_a_method():
    check_method(clip_adam())
