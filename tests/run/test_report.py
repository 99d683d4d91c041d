"""From a finished optimisation to a Result."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import fusedream_sdk as fd
from fusedream_sdk.latents import Latents
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.optim.state import Best, Outcome
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run import report as reporting
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.judge import Judge
from fusedream_sdk.run.recipe import ModelRecord, Recipe, Verb
from fusedream_sdk.run.report import make_recipe, make_result, record, render, report_scores
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import Task
from fusedream_sdk.scoring.augclip import fresh_score
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import NO_VIEWS, Stream, Views
from fusedream_sdk.testing import ToyGenerator, ToyScorer, random_latents

GENERATOR, SCORER = ToyGenerator(16), ToyScorer(8)


@pytest.mark.usefixtures("together")
def test_pictures_are_drawn_a_few_at_a_time_and_counted():
    latents, seen = random_latents(GENERATOR, 2 * reporting.RENDER_BATCH + 3), []
    images = render(GENERATOR, latents, lambda done, total: seen.append((done, total)))
    torch.testing.assert_close(images, GENERATOR(latents))
    assert not images.requires_grad
    assert seen == [(8, 19), (16, 19), (19, 19)]


def task(prompts: list[str], seeds: list[int], **changes: Any) -> Task:
    engine = Engine(Loaded(GENERATOR, "toy"), Loaded(SCORER, None), dtype=torch.float32)
    rows = engine.rows([(Prompt(prompt), seed) for prompt, seed in zip(prompts, seeds, strict=True)])
    return Task(engine, rows, Settings(**{"report_views": 6, **changes}))


def outcome(count: int) -> tuple[Latents, Outcome]:
    latents, steps = random_latents(GENERATOR, count), torch.arange(3, 3 + count)
    best = Best(latents, torch.zeros(count), steps, torch.zeros(count), torch.zeros(count, dtype=torch.long))
    status = (Status.DONE, Status.FAILED)[:count]
    return latents, Outcome(best, status, {"augclip": torch.zeros(5, count)}, 4)


def test_the_scores_of_a_result_are_of_its_pictures_over_views_that_nothing_has_seen():
    seen: list[tuple[int, int]] = []
    recipe = Recipe(version="x")
    _, ended = outcome(2)
    result = make_result(task(["red", "blue"], [8, 9]), ended, recipe, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
    target = make_target(SCORER, ["red", "blue"])
    fresh = fresh_score(result.images, target, [8, 9], views=Views(), count=6, stream=Stream.REPORT)
    plain = fresh_score(result.images, target, [8, 9], views=NO_VIEWS, count=1, stream=Stream.REPORT)
    torch.testing.assert_close(result.scores, {"augclip": fresh, "clip": plain})
    assert (result.status, result.seeds, result.best_step.tolist()) == (("done", "failed"), (8, 9), [3, 4])
    assert result.recipe == recipe


def test_the_pictures_of_a_result_are_those_of_its_best_latents():
    latents, ended = outcome(2)
    result = make_result(task(["red", "blue"], [8, 9]), ended, Recipe())
    torch.testing.assert_close(result.images, GENERATOR(latents))
    assert all(torch.equal(result.latents[name], latents[name]) for name in latents)
    assert result.prompts == ("red", "blue")
    assert torch.equal(result.history["augclip"], torch.zeros(5, 2))


@pytest.mark.parametrize("augment", [NO_VIEWS, Views(hole=0.2)])
def test_runs_without_views_are_scored_on_the_usual_ones_so_that_they_can_be_compared(augment: Views):
    own = task(["red", "blue"], [8, 9], augment=augment)
    images = GENERATOR(random_latents(GENERATOR, 2))
    used = augment if augment.random else Views()
    fresh = fresh_score(images, own.rows.target, [8, 9], views=used, count=6, stream=Stream.REPORT)
    torch.testing.assert_close(report_scores(own, images, lambda done, total: None)["augclip"], fresh)


def test_a_recipe_names_the_models_their_format_and_the_settings():
    own = task(["red"], [1], steps=7)
    recipe = make_recipe(own.engine, own.settings, Verb.COMPOSE)
    assert (recipe.verb, recipe.dtype, recipe.settings, recipe.version) == ("compose", "float32", own.settings, fd.__version__)
    assert recipe.generator == record(own.engine.generator)
    assert recipe.generator == ModelRecord("toy", "fusedream_sdk.testing.ToyGenerator", own.engine.generator.fingerprint)
    assert recipe.scorer.name is None
    assert recipe.prompt is recipe.seed is None


class Strict(Judge):
    """Says how many pictures it was shown."""

    def __init__(self, says: torch.Tensor | None = None) -> None:
        super().__init__("strict", torch.device("cpu"))
        self.says, self.shown = says, 0

    def scores(self, images: torch.Tensor, prompts: Any) -> torch.Tensor | None:
        self.shown += len(images)
        return self.says


def judged(by: Judge, **changes: Any) -> dict[str, torch.Tensor]:
    own = task(["red", "blue"], [8, 9], **changes)
    engine = Engine(own.engine.generator, own.engine.scorer, dtype=torch.float32, judge=by)
    images = GENERATOR(random_latents(GENERATOR, 2))
    return report_scores(Task(engine, own.rows, own.settings), images, lambda done, total: None)


def test_the_scores_have_that_of_the_judge_beside_those_of_the_scorer():
    assert judged(Strict(torch.tensor([0.1, 0.2])))["judge"].tolist() == pytest.approx([0.1, 0.2])
    assert set(judged(Strict(None))) == {"augclip", "clip"}


def test_a_judge_that_is_switched_off_is_not_asked():
    judge = Strict(torch.tensor([0.1, 0.2]))
    assert set(judged(judge, judge=False)) == {"augclip", "clip"}
    assert judge.shown == 0
