"""Where a row begins."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.latents import map_latents
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import NO_VIEWS, Stream, Views
from fusedream_sdk.search.bank import BankRecipe, build_bank
from fusedream_sdk.search.starts import bank_starts, draw, searched_starts, single_starts
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer

GENERATOR, SCORER = ToyGenerator(16), ToyScorer(8)


def test_more_draws_begin_with_the_fewer():
    few, many = draw(GENERATOR, 3, 7, "red"), draw(GENERATOR, 150, 7, "red")
    assert len(many["z"]) == 150
    assert all(torch.equal(few[name], many[name][:3]) for name in few)


def test_a_single_start_comes_from_the_rows_seed_alone():
    together = single_starts(GENERATOR, ["red", "blue", "red"], [5, 5, 6])
    alone = single_starts(GENERATOR, ["blue"], [5])
    assert together["z"].shape == (3, 1, 4)
    assert torch.equal(together["z"][1:2], alone["z"])
    assert torch.equal(together["z"][0], together["z"][1])
    assert not torch.equal(together["z"][0], together["z"][2])


def test_bank_starts_are_the_best_latents_first():
    bank = build_bank(GENERATOR, SCORER, BankRecipe("g", "s", size=80, views=NO_VIEWS))
    starts = bank_starts(GENERATOR, SCORER, bank, ["red", "blue", "red"], [0, 1, 2], k=4, samples=80)
    assert starts["colour"].shape == (3, 4, 3)
    assert torch.equal(starts["z"][0], starts["z"][2])
    images = GENERATOR(map_latents(lambda x: x[1], starts))
    scores = SCORER.encode_image(shrink(images, 8)) @ SCORER.encode_text(["blue"])[0]
    assert torch.equal(scores, scores.sort(descending=True).values)


@pytest.mark.parametrize("scorer", [SCORER, ToyReward()])
def test_a_search_without_a_bank_equals_scoring_every_sample(scorer: ToyScorer | ToyReward):
    prompts, seeds = ["red", "blue"], [3, 4]
    settings = Settings(basis=3, samples=70, bank_views=2)
    target = make_target(scorer, prompts)
    found = searched_starts(GENERATOR, target, prompts, seeds, settings=settings, precision=nullcontext)
    for row in range(2):
        latents = draw(GENERATOR, 70, seeds[row], prompts[row])
        small = shrink(GENERATOR(latents), scorer.resolution)
        views = Views()(small, seeds=range(70), step=0, count=2, stream=Stream.BANK)
        scores = target(views, torch.full((140,), row)).view(70, 2).mean(dim=1)
        best = scores.topk(3).indices
        assert torch.equal(found["z"][row], latents["z"][best])
