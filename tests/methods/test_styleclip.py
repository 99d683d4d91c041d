"""StyleCLIP's latent optimisation."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import map_latents
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.methods.styleclip import styleclip
from fusedream_sdk.models.loading import loaded_perceptual
from fusedream_sdk.optim.optimisers import Adam
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import Task
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.scoring.views import NO_VIEWS, Views
from fusedream_sdk.testing import ToyConditioned, check_method, random_latents

QUICK = "styleclip?published=false"


def task_of(dream: FuseDream, *, begun: bool = True) -> Task:
    rows = dream.engine.rows([(Prompt("red"), 0), (Prompt("blue"), 1)])
    starts = map_latents(lambda x: x.unsqueeze(1), random_latents(dream.generator, 2)) if begun else None
    return Task(dream.engine, rows, styleclip(published=False).settings_for(dream.settings, {}), starts=starts)


def test_its_constants_are_those_of_the_script_whatever_the_models_recommend():
    settings = styleclip().settings_for(Settings(steps=80, views=8, lr=0.02, noise=0.01, basis=3), {})
    assert (settings.steps, settings.lr) == (299, 0.1)  # of 300 iterations the picture is drawn before the last update
    assert settings.augment == NO_VIEWS  # the picture itself
    assert (settings.basis, settings.noise, settings.keep) == (1, 0.0, "last")
    assert settings.search_augment == Views()  # an inversion looks into the same bank as ever
    kept: Any = styleclip().objective
    assert kept.keywords == {"l2": 0.008, "identity": (None, 0.005)}
    assert styleclip(published=False).settings_for(Settings(steps=80, lr=0.02), {}).lr == 0.02


def test_its_learning_rate_rises_and_falls_over_300_iterations():
    optimiser = styleclip().optimiser(Settings(steps=299, lr=0.1))([torch.zeros(1, requires_grad=True)])
    assert isinstance(optimiser, Adam)
    for i in (0, 3, 15, 100, 225, 290, 299):  # get_lr of that code
        t = i / 300
        ramp = 0.5 - 0.5 * math.cos(min(1, (1 - t) / 0.25) * math.pi)
        assert optimiser.rate(i) == pytest.approx(0.1 * ramp * min(1, t / 0.05))


def test_its_loss_is_the_pictures_score_and_the_squared_distance_of_the_latents(dream: FuseDream):
    task = task_of(dream)
    objective: Any = styleclip(l2=0.5).objective(task)
    latents = random_latents(dream.generator, 2, seed=9)
    assert task.starts is not None
    apart = sum((latents[name] - x[:, 0]).square().sum(dim=1) for name, x in task.starts.items())
    plain = objective.score(latents, step=0).primary
    torch.testing.assert_close(objective(latents, step=0).primary, plain + 0.5 * apart)
    assert torch.equal(styleclip().objective(task_of(dream, begun=False))(latents, step=0).primary, plain)


def test_an_identity_is_a_distance_of_the_picture_from_what_it_was(dream: FuseDream):
    task = task_of(dream)
    method = styleclip(l2=0.0, identity="scorer", identity_weight=2.0)
    objective: Any = method.objective(task)
    latents = random_latents(dream.generator, 2, seed=9)
    assert task.starts is not None
    begun = dream.generator(map_latents(lambda x: x[:, 0], task.starts))
    distance = loaded_perceptual("scorer", dream.device, dream.scorer).model(dream.generator(latents), begun)
    assert (distance > 0).all()
    plain = objective.score(latents, step=0).primary
    torch.testing.assert_close(objective(latents, step=0).primary, plain + 2 * distance, atol=1e-5, rtol=1e-5)


def test_frozen_latents_do_not_count(make_dream):
    dream = make_dream(ToyConditioned(16))
    start = next(dream.iterate("red", method=f"{QUICK}&anywhere=true")).evaluation.latents
    states = list(dream.iterate("a red tale", method=QUICK, start=start, steps=3))
    assert torch.equal(states[-1].best.latents["tint"], start["tint"])


def test_rows_begin_where_they_are_told_and_are_held_there(dream: FuseDream):
    start = random_latents(dream.generator, 1)
    ends = {}
    for l2 in (0.0, 10.0):
        *_, last = dream.iterate("red", method=f"{QUICK}&l2={l2}", start=start, steps=12, lr=0.1)
        ends[l2] = sum(float((x - start[name]).square().sum()) for name, x in last.best.latents.items())
    assert ends[10.0] < 0.5 * ends[0.0]


def test_a_picture_is_inverted_and_then_edited(dream: FuseDream):
    picture = dream.generator(random_latents(dream.generator, 1))[0]
    result = dream.generate("red", method=QUICK, start=picture, steps=4, progress=False)
    assert result.recipe.start is not None
    assert result.images.shape == (1, 3, 16, 16)


def test_without_a_start_one_sentence_says_what_is_missing(dream: FuseDream):
    with pytest.raises(InvalidInput, match=r"start: expected the picture that is to be edited, .* got None. Pass start=Path"):
        dream.generate("red", method="styleclip")


def test_anywhere_begins_at_a_draw_of_the_generators_own(dream: FuseDream):
    first = next(dream.iterate("red", seeds=[3, 4], method=f"{QUICK}&anywhere=true"))
    drawn = next(dream.iterate("red", seeds=[3, 4], method="random-search?population=2"))
    assert all(torch.equal(x, drawn.params[name][:, 0]) for name, x in first.params.items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l2": -1}, "l2: expected a number of at least 0, got -1"),
        ({"identity": 3}, "identity: expected the name of a perceptual distance, or None, got an int"),
        ({"identity_weight": "much"}, "identity_weight: expected a number of at least 0"),
        ({"anywhere": "yes"}, "anywhere: expected True or False, got yes"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        load_method("styleclip", **options)


def test_it_keeps_the_contract_of_a_method():
    check_method(styleclip(anywhere=True, published=False))
