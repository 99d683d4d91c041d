"""BasinCMA: CMA-ES outside, Adam inside."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.optim.population import Refinement
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring.views import NO_VIEWS
from fusedream_sdk.testing import check_method

pytest.importorskip("cma")

from fusedream_sdk.methods.basin_cma import basin_cma
from fusedream_sdk.methods.cma import cma


def test_its_constants_are_those_of_pix2latent():
    method = basin_cma()
    assert method.members == 18
    assert method.refine == Refinement(30, 300)
    settings = method.settings_for(Settings(), {})
    assert (settings.steps, settings.lr, settings.basis, settings.noise, settings.check_every) == (30, 0.05, 1, 0.0, 1)
    population: Any = method.population({"x": torch.zeros(1, 2, 128)}, [0])  # pyright: ignore[reportOptionalCall]
    assert population.basins
    assert population.groups[0].sigma0 == 0.5


def test_its_evaluations_are_those_of_every_member_at_every_point_and_the_looks():
    method = basin_cma()
    assert method.evaluations(method.settings_for(Settings(), {})) == 18 * (30 * 31 + 301) + 31


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"population": 1}, "population: expected an integer of at least 4, got 1. The default is 18."),
        ({"updates": -1}, "updates: expected an integer of at least 0, got -1"),
        ({"last": 2.5}, "last: expected an integer of at least 0, got 2.5"),
        ({"sigma": -1}, "sigma: expected a positive number, got -1"),
    ],
)
def test_numbers_that_make_no_search_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        basin_cma(**options)


def test_adam_in_each_generation_is_worth_more_than_the_strategy_alone(dream: FuseDream):
    common: dict[str, Any] = {"steps": 3, "augment": NO_VIEWS, "check_views": 1}
    *_, plain = dream.iterate(["red", "blue"], method=cma(population=5), steps=3, augment=NO_VIEWS)
    *_, refined = dream.iterate(["red", "blue"], method=basin_cma(population=5, updates=5, last=10), **common)
    assert (refined.best.loss < plain.best.loss).all()


def test_the_last_generation_takes_the_most_steps_and_is_the_best(dream: FuseDream):
    states = list(dream.iterate("red", method=basin_cma(population=4, updates=2, last=30), steps=3, augment=NO_VIEWS))
    losses = [float(state.evaluation.primary) for state in states]
    assert len(losses) == 4
    assert losses[-1] == min(losses)
    assert states[-1].best.step.tolist() == [3]


def test_it_keeps_the_contract_of_a_method():
    check_method(basin_cma(population=5, updates=2, last=4))
