"""From a finished optimisation to a Result."""

from __future__ import annotations

import torch

from fusedream_sdk.optim.loop import Best, Outcome
from fusedream_sdk.run import report as reporting
from fusedream_sdk.run.report import make_result, render
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring.augclip import fresh_score
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import NO_VIEWS, Stream, Views
from fusedream_sdk.testing import ToyGenerator, ToyScorer, random_latents

GENERATOR, SCORER = ToyGenerator(16), ToyScorer(8)


def test_pictures_are_drawn_a_few_at_a_time_and_counted():
    latents, seen = random_latents(GENERATOR, 2 * reporting.RENDER_BATCH + 3), []
    images = render(GENERATOR, latents, lambda done, total: seen.append((done, total)))
    torch.testing.assert_close(images, GENERATOR(latents))
    assert not images.requires_grad
    assert seen == [(8, 19), (16, 19), (19, 19)]


def test_the_scores_of_a_result_are_of_its_pictures_over_views_that_nothing_has_seen():
    latents = random_latents(GENERATOR, 2)
    best = Best(latents, torch.zeros(2), torch.tensor([3, 4]), torch.zeros(2), torch.zeros(2, dtype=torch.long))
    outcome = Outcome(best, ("done", "failed"), {"augclip": torch.zeros(5, 2)}, 4)
    settings = Settings(report_views=6)
    seen = []
    told = {"version": "x"}, lambda done, total: seen.append((done, total))
    result = make_result(GENERATOR, SCORER, ["red", "blue"], [8, 9], outcome, settings, *told)
    assert seen == [(1, 2), (2, 2)]
    target = make_target(SCORER, ["red", "blue"])
    fresh = fresh_score(result.images, target, [8, 9], views=Views(), count=6, stream=Stream.REPORT)
    plain = fresh_score(result.images, target, [8, 9], views=NO_VIEWS, count=1, stream=Stream.REPORT)
    torch.testing.assert_close(result.scores, {"augclip": fresh, "clip": plain})
    assert (result.status, result.seeds, result.best_step.tolist()) == (("done", "failed"), (8, 9), [3, 4])
    assert result.recipe == {"version": "x"}
