"""The restated public loop, against which speeds are told, does what ours does from the same numbers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from fusedream_sdk.latents import Latents, map_latents
from fusedream_sdk.optim.loop import iterate
from fusedream_sdk.optim.optimisers import adam
from fusedream_sdk.optim.parametrise import BasisMix
from fusedream_sdk.protocols import Params
from fusedream_sdk.scoring.augclip import AugCLIP
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import PUBLIC_VIEWS, Stream, uniforms
from fusedream_sdk.testing import ToyGenerator, ToyScorer, random_latents
from tests.benchmarks.reference import Asked, Course, Numbers, models, optimise, report, search, step, views

SEED, VIEWS, PROMPT = 7, 6, "a red disc"
LR, NOISE = 5e-3, 0.01  # of the public code


@dataclass(frozen=True)
class Both:
    """The same models for both."""

    generator: ToyGenerator
    scorer: ToyScorer

    @property
    def asked(self) -> Asked:
        return Asked(self.generator, self.scorer, PROMPT)

    @property
    def ours(self) -> AugCLIP:
        target = make_target(self.scorer, [PROMPT])
        return AugCLIP(self.generator, target, [SEED], views=PUBLIC_VIEWS, count=VIEWS, noise=NOISE)

    def numbers(self, at: int) -> Numbers:
        """What our objective draws in a step."""
        u = uniforms([SEED], step=at, count=VIEWS, stream=Stream.OPTIMISE)[0]
        still = {name: torch.zeros(1, *spec.shape) for name, spec in self.generator.space.items()}
        return u, map_latents(lambda x: x / NOISE, self.ours.perturb(still, step=at))


@pytest.fixture(params=[(16, 8), (33, 12), (40, 40)], ids=str)
def both(request: pytest.FixtureRequest) -> Both:
    side, seen = request.param
    return Both(ToyGenerator(side), ToyScorer(seen))


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def edges(generator: ToyGenerator, k: int = 4) -> Latents:
    """A basis with points on the edge of the box."""
    start = random_latents(generator, k)
    return {"z": (3 * start["z"]).clamp(-2, 2), "colour": start["colour"]}


def params(course: Course) -> Params:
    """As ours calls them, with rows."""
    named = {f"basis.{name}": x for name, x in course.basis.items()} | {f"weight.{n}": x for n, x in course.weights.items()}
    return {name: x.detach().clone()[None] for name, x in named.items()}


@pytest.mark.parametrize("at", range(6))
def test_its_loss_is_that_of_our_objective_with_the_public_views(both: Both, at: int):
    latents, (u, noise) = random_latents(both.generator, 1, seed=at), both.numbers(at)
    noisy = {name: x + NOISE * noise[name] for name, x in latents.items()}
    torch.testing.assert_close(both.asked.loss(noisy, u)[None], both.ours(latents, step=at).primary, atol=1e-5, rtol=0)


@pytest.mark.parametrize("at", range(6))
def test_its_views_are_the_public_ones_at_full_resolution(both: Both, at: int):
    latents = random_latents(both.generator, 1, seed=at)
    found = (views(both.asked.picture(latents), both.numbers(at)[0]) + 1) / 2
    wanted = PUBLIC_VIEWS(both.generator(latents), seeds=[SEED], step=at, count=VIEWS)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_its_steps_move_basis_and_weights_as_our_loop_with_adam_does(both: Both):
    start, course = edges(both.generator), Course(edges(both.generator), rng())
    parametrisation = BasisMix(both.generator.space, map_latents(lambda x: x[None], start))
    states = iterate(both.ours, parametrisation, params(course), steps=5, make_optimiser=adam(LR))
    before = params(course)
    for state in states:
        found = params(course)
        for name, x in state.params.items():
            torch.testing.assert_close(found[name], x, atol=1e-5, rtol=0)
        point = step(both.asked, course, both.numbers(state.step))
        for name, x in parametrisation(found).items():
            torch.testing.assert_close(point[name], x)
    moved = {name: float((x - before[name]).abs().max()) for name, x in params(course).items()}
    assert all(x > LR for x in moved.values())
    assert float(course.basis["z"].detach().abs().max()) == 2.0


def test_the_point_that_is_returned_is_the_one_before_the_last_update(both: Both):
    start = edges(both.generator)
    still = Course(start, rng(1)).point()
    for name, x in optimise(both.asked, start, rng(1), steps=1, views=2).items():
        torch.testing.assert_close(x, still[name].detach())
    after = optimise(both.asked, start, rng(1), steps=2, views=2)
    assert all(0 < float((after[name] - x).detach().abs().max()) < 4 * LR for name, x in still.items())


def test_the_search_keeps_the_best_of_all_batches_by_the_picture_itself(both: Both):
    found, draws = search(both.asked, rng(2), batches=5, size=4, k=3), rng(2)
    drawn = [both.generator.sample(4, rng=draws) for _ in range(5)]
    every = {name: torch.cat([latents[name] for latents in drawn]) for name in drawn[0]}
    order = both.asked.scores(both.asked.picture(every)).argsort(descending=True)[:3]
    for name, x in found.items():
        torch.testing.assert_close(x, every[name][order])


def test_the_text_is_encoded_again_in_every_step_batch_and_round(both: Both, monkeypatch: pytest.MonkeyPatch):
    read: list[str] = []

    def counted(prompts: list[str]) -> Tensor:
        read.extend(prompts)
        return ToyScorer.encode_text(both.scorer, prompts)

    monkeypatch.setattr(both.scorer, "encode_text", counted)
    start = search(both.asked, rng(), batches=3, size=2, k=2)
    latents = optimise(both.asked, start, rng(), steps=4, views=2)
    score = report(both.asked, latents, rng(), rounds=5, views=2)
    assert read == [PROMPT] * 12
    assert -1 <= score <= 1


def test_what_is_timed_draws_the_same_pictures_once_folded_and_once_as_the_package_does():
    theirs, ours, _ = models("emoji")
    latents = ours.sample(2, rng=rng())
    with torch.no_grad():
        torch.testing.assert_close(theirs(latents), ours(latents), atol=1e-4, rtol=0)
