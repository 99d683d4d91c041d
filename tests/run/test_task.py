"""The parts that methods are made of."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch

from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.latents import Latents, map_latents
from fusedream_sdk.models.compiled import CompiledModel
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.optim.parametrise import BasisMix, Direct
from fusedream_sdk.run import task as parts
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import Task, augclip, direct, drawn, gaussian, held_out, mixed, rows_at_a_time, searched
from fusedream_sdk.runtime.memory import bytes_of_graph
from fusedream_sdk.scoring.augclip import AugCLIP
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.scoring.views import NO_VIEWS, Stream, Views
from fusedream_sdk.search.starts import drawn_starts, gaussian_starts, searched_starts
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer, random_latents

GENERATOR, SCORER = ToyGenerator(16), ToyScorer(8)
PROMPTS, SEEDS = ["red", "blue", "red"], [0, 1, 2]
QUICK = {"steps": 3, "views": 3, "bank": 80, "samples": 80, "basis": 4, "check_views": 5, "check_every": 2, "patience": 7}


def task(
    prompts: Sequence[str] = PROMPTS,
    seeds: Sequence[int] = SEEDS,
    scorer: Any = SCORER,
    budget: float | None = None,
    **changes: Any,
) -> Task:
    engine = Engine(Loaded(GENERATOR, None), Loaded(scorer, None), dtype=torch.float32, budget=budget)
    rows = engine.rows([(Prompt(prompt), seed) for prompt, seed in zip(prompts, seeds, strict=True)])
    return Task(engine, rows, Settings(**{**QUICK, **changes}))


def same(a: Latents, b: Latents) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_task_of_some_rows_keeps_all_else():
    whole = task()
    for some, seeds in ((whole.take([2, 0]), (2, 0)), (whole.repeat(2), (0, 0, 1, 1, 2, 2))):
        assert some.rows.seeds == seeds
        assert (some.engine, some.settings, some.progress) == (whole.engine, whole.settings, whole.progress)
        assert some.generator is GENERATOR
    assert whole.rows.seeds == (0, 1, 2)
    assert whole.take([1]).starts is None
    begun = replace(whole, starts={"z": torch.arange(3.0).view(3, 1, 1)})
    for some, starts in ((begun.take([2, 0]), [2.0, 0.0]), (begun.repeat(2), [0.0, 0.0, 1.0, 1.0, 2.0, 2.0])):
        assert some.starts is not None
        assert some.starts["z"].flatten().tolist() == starts


def test_searched_rows_begin_at_the_best_latents_of_the_bank_first():
    starts = searched(task(augment=NO_VIEWS))
    assert starts["colour"].shape == (3, 4, 3)
    assert torch.equal(starts["z"][0], starts["z"][2])
    images = GENERATOR(map_latents(lambda x: x[1], starts))
    scores = SCORER.encode_image(shrink(images, 8)) @ SCORER.encode_text(["blue"])[0]
    assert torch.equal(scores, scores.sort(descending=True).values)


def test_searched_rows_each_see_their_own_samples_whatever_the_batch():
    whole = searched(task(samples=20))
    assert not torch.equal(whole["z"][0], whole["z"][2])
    assert same(searched(task(["blue"], [1], samples=20)), map_latents(lambda x: x[1:2], whole))


def test_without_a_bank_every_sample_is_scored():
    own = task(scorer=ToyReward(), bank_views=2)
    found = searched_starts(
        *(GENERATOR, own.rows.target, PROMPTS, SEEDS),
        k=4,
        samples=80,
        views=(Views(), 2),
        run=(nullcontext, lambda done, total: None),
    )
    assert same(searched(own), found)


def test_without_a_search_rows_begin_at_a_draw_and_no_bank_is_built(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Engine, "bank", None)
    own = task(samples=1, basis=1)
    assert same(searched(own), drawn(own))
    assert drawn(own)["z"].shape == (3, 1, 4)


def test_draws_and_gaussian_starts_come_from_the_rows_seeds():
    own = task()
    assert same(drawn(own, k=3), drawn_starts(GENERATOR, PROMPTS, SEEDS, k=3))
    assert same(gaussian(own), gaussian_starts(GENERATOR, PROMPTS, SEEDS))


def basis(k: int) -> Latents:
    return map_latents(lambda x: x.unflatten(0, (3, k)), random_latents(GENERATOR, 3 * k))


@pytest.mark.parametrize("mix", ["paper", "best", "random"])
def test_a_basis_is_mixed_with_the_weights_of_the_settings(mix: str):
    made = mixed(task(mix=mix), basis(4))
    assert isinstance(made, BasisMix)
    expected = BasisMix(GENERATOR.space, basis(4), mix=mix, seeds=SEEDS)  # pyright: ignore[reportArgumentType]
    assert same(made.params, expected.params)


def test_a_basis_of_one_is_not_mixed():
    made = mixed(task(basis=1), basis(1))
    assert isinstance(made, Direct)
    assert same(made.params, direct(task(), basis(1)).params)


def test_without_a_mixture_the_first_of_each_basis_is_the_start():
    assert same(direct(task(), basis(4)).params, map_latents(lambda x: x[:, 0], basis(4)))


def test_what_is_optimised_are_the_views_and_the_noise_of_the_settings():
    own, latents = task(views=6, noise=0.2, augment=Views(hole=0.3)), random_latents(GENERATOR, 3)
    expected = AugCLIP(GENERATOR, own.rows.target, SEEDS, views=Views(hole=0.3), count=6, noise=0.2)
    assert torch.equal(augclip(own)(latents, step=4).primary, expected(latents, step=4).primary)


def test_penalties_are_added_to_what_is_optimised():
    own, latents = task(noise=0.0), random_latents(GENERATOR, 3)
    plain, penalised = augclip(own), augclip(own, {"first": lambda x: x["z"][:, 0]})
    torch.testing.assert_close(penalised(latents, step=0).primary, plain(latents, step=0).primary + latents["z"][:, 0])


def test_the_best_point_is_judged_on_other_views_without_noise():
    own, latents = task(noise=0.5), random_latents(GENERATOR, 3)
    selection = held_out(own)
    assert (selection.every, selection.patience) == (2, 7)
    assert selection.holdout is not None
    judged = selection.holdout(latents, step=0)
    assert same(judged.latents, latents)
    expected = AugCLIP(GENERATOR, own.rows.target, SEEDS, count=5, stream=Stream.SELECT)
    assert torch.equal(judged.primary, expected(latents, step=0).primary)
    assert not torch.allclose(judged.primary, AugCLIP(GENERATOR, own.rows.target, SEEDS, count=5)(latents, step=0).primary)


def test_models_run_in_the_precision_of_the_engine(monkeypatch: pytest.MonkeyPatch):
    entered: list[str] = []
    monkeypatch.setattr(Engine, "precision", lambda self: entered.append("in") or nullcontext())
    own, latents = task(), random_latents(GENERATOR, 3)
    selection = held_out(own)
    assert selection.holdout is not None
    augclip(own)(latents, step=0)
    selection.holdout(latents, step=0)
    assert entered == ["in", "in"]


@pytest.mark.usefixtures("together")
def test_as_many_rows_run_at_once_as_fit_the_memory():
    starts, own = basis(2), task()
    first = [map_latents(lambda x, n=n: x[:n, 0], starts) for n in (1, 2)]
    one, two = (bytes_of_graph(augclip(own.take(range(n))), first[n - 1]) for n in (1, 2))
    row = 2 * (two - one)
    budgets = (1.0, 1.5 * row, 4.5 * row, 9.5 * row)
    assert [rows_at_a_time(task(budget=budget), augclip, starts) for budget in budgets] == [1, 1, 4, 9]
    assert rows_at_a_time(task(budget=None), augclip, starts) > 10


@pytest.mark.usefixtures("together")
def test_the_members_of_a_group_share_the_memory_of_a_row(monkeypatch: pytest.MonkeyPatch):
    own, starts = task(), basis(2)
    monkeypatch.setattr(parts, "rows_that_fit", lambda *_: 11)
    assert [rows_at_a_time(own, augclip, starts, members=m) for m in (1, 2, 5, 11, 12)] == [11, 5, 2, 1, 1]


def test_a_single_row_need_not_be_measured(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parts, "rows_that_fit", None)
    assert rows_at_a_time(task(["red"], [0]), augclip, map_latents(lambda x: x[:1], basis(2))) == 1


def test_the_last_point_is_kept_where_the_settings_say_so():
    assert held_out(task()).keep == "best"
    assert held_out(task(keep="last")).keep == "last"


def test_a_search_by_scores_has_views_of_its_own(monkeypatch: pytest.MonkeyPatch):
    seen: list[Views] = []
    real = parts.search_samples
    monkeypatch.setattr(parts, "search_samples", lambda *a, **k: seen.append(k["views"][0]) or real(*a, **k))
    monkeypatch.setattr(Engine, "has_bank", False)
    told: tuple[dict[str, Any], ...] = ({}, {"search_augment": NO_VIEWS})
    for changes in told:
        searched(task(augment=Views(hole=0.3), **changes))
    assert seen == [Views(hole=0.3), NO_VIEWS]


@pytest.mark.usefixtures("together")
@pytest.mark.parametrize("scorer", [ToyScorer(8), ToyReward()])
def test_what_is_called_in_every_step_is_compiled_and_what_measures_memory_is_not(monkeypatch: pytest.MonkeyPatch, scorer: Any):
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    plain = task(scorer=scorer)
    made = replace(plain, engine=Engine(Loaded(GENERATOR, None), Loaded(scorer, None), dtype=torch.float32, compiles=True))
    judge = held_out(made).holdout
    assert isinstance(judge, AugCLIP)
    for objective in (augclip(made), judge):
        reader = getattr(objective.target, "scorer", None) or getattr(objective.target, "reward", None)
        assert isinstance(objective.generator, CompiledModel)
        assert isinstance(reader, CompiledModel)
        assert objective.target.resolution == scorer.resolution
    latents = random_latents(GENERATOR, 3)
    assert torch.equal(augclip(made)(latents, step=1).primary, augclip(plain)(latents, step=1).primary)
    assert made.generator is GENERATOR
    seen: list[Task] = []
    rows_at_a_time(made, lambda own: seen.append(own) or augclip(own), drawn(made, k=1))
    assert not any(own.engine.compiles for own in seen)
