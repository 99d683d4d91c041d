"""The restated public loop, against which speeds are told, does what ours does from the same numbers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_sdk.latents import Latents, LatentSpec, OneHot, map_latents
from fusedream_sdk.optim.loop import iterate
from fusedream_sdk.optim.optimisers import adam
from fusedream_sdk.optim.parametrise import BasisMix
from fusedream_sdk.protocols import Params
from fusedream_sdk.scoring.augclip import AugCLIP
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import PUBLIC_VIEWS, Stream, uniforms
from fusedream_sdk.speed.reference import Course, Numbers, Reference, altered
from fusedream_sdk.testing import ToyConditioned, ToyGenerator, ToyReward, ToyScorer, random_latents

SEED, VIEWS, PROMPT = 7, 6, "a red disc"
LR, NOISE = 5e-3, 0.01  # of the public code


@dataclass(frozen=True)
class Both:
    """The same models for both."""

    generator: ToyGenerator
    scorer: ToyScorer

    @property
    def reference(self) -> Reference:
        return Reference(self.generator, self.scorer, PROMPT)

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
    torch.testing.assert_close(both.reference.loss(noisy, u)[None], both.ours(latents, step=at).primary, atol=1e-5, rtol=0)


@pytest.mark.parametrize("at", range(6))
def test_its_views_are_the_public_ones_at_full_resolution(both: Both, at: int):
    latents = random_latents(both.generator, 1, seed=at)
    found = (altered(both.reference.picture(latents), both.numbers(at)[0]) + 1) / 2
    wanted = PUBLIC_VIEWS(both.generator(latents), seeds=[SEED], step=at, count=VIEWS)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_its_steps_move_basis_and_weights_as_our_loop_with_adam_does(both: Both):
    start, course = edges(both.generator), Course(both.generator.space, edges(both.generator), rng())
    parametrisation = BasisMix(both.generator.space, map_latents(lambda x: x[None], start))
    states = iterate(both.ours, parametrisation, params(course), steps=5, make_optimiser=adam(LR))
    before = params(course)
    for state in states:
        found = params(course)
        for name, x in state.params.items():
            torch.testing.assert_close(found[name], x, atol=1e-5, rtol=0)
        point = both.reference.step(course, both.numbers(state.step))
        for name, x in parametrisation(found).items():
            torch.testing.assert_close(point[name], x)
    moved = {name: float((x - before[name]).abs().max()) for name, x in params(course).items()}
    assert all(x > LR for x in moved.values())
    assert float(course.basis["z"].detach().abs().max()) == 2.0


def test_the_point_that_is_returned_is_the_one_before_the_last_update(both: Both):
    start = edges(both.generator)
    still = Course(both.generator.space, start, rng(1)).point()
    for name, x in both.reference.optimise(start, rng(1), steps=1, views=2).items():
        torch.testing.assert_close(x, still[name].detach())
    after = both.reference.optimise(start, rng(1), steps=2, views=2)
    assert all(0 < float((after[name] - x).detach().abs().max()) < 4 * LR for name, x in still.items())


def test_the_search_keeps_the_best_of_all_batches_by_the_picture_itself(both: Both):
    found, draws = both.reference.search(rng(2), batches=5, size=4, k=3), rng(2)
    drawn = [both.generator.sample(4, rng=draws) for _ in range(5)]
    every = {name: torch.cat([latents[name] for latents in drawn]) for name in drawn[0]}
    order = both.reference.scores(both.reference.picture(every)).argsort(descending=True)[:3]
    for name, x in found.items():
        torch.testing.assert_close(x, every[name][order])


def test_the_text_is_encoded_again_in_every_step_batch_and_round(both: Both, monkeypatch: pytest.MonkeyPatch):
    read: list[str] = []

    def counted(prompts: list[str]) -> Tensor:
        read.extend(prompts)
        return ToyScorer.encode_text(both.scorer, prompts)

    monkeypatch.setattr(both.scorer, "encode_text", counted)
    start = both.reference.search(rng(), batches=3, size=2, k=2)
    latents = both.reference.optimise(start, rng(), steps=4, views=2)
    score = both.reference.report(latents, rng(), rounds=5, views=2)
    assert read == [PROMPT] * 12
    assert -1 <= score <= 1


def test_a_frozen_entry_stays_and_one_that_may_not_be_mixed_has_no_weights():
    generator = ToyConditioned(16)
    space = {**generator.space, "colour": LatentSpec((3,), OneHot())}
    start = generator.sample(3, rng=rng(), prompts=["a", "e", "o"])
    course = Course(space, start, rng())
    assert set(course.weights) == {"z"}
    assert set(course.basis) == {"z", "colour"}
    point = course.point()
    assert all(len(x) == 1 for x in point.values())
    torch.testing.assert_close(point["tint"], start["tint"][:1])
    torch.testing.assert_close(point["colour"].detach(), start["colour"][:1])
    course.project()
    assert sorted(course.basis["colour"].detach()[0].tolist()) == [0, 0, 1]


def test_any_generator_and_a_reward_will_do():
    reference = Reference(ToyConditioned(16), ToyReward(), PROMPT)
    latents = reference.optimise(reference.search(rng(), batches=2, size=3, k=2), rng(), steps=2, views=2)
    assert float(latents["z"].abs().max()) <= 0.5
    assert torch.isfinite(torch.tensor(reference.report(latents, rng(), rounds=1, views=2)))


def test_of_a_picture_that_is_not_square_the_middle_is_seen(both: Both):
    class Wide(ToyGenerator):
        def __call__(self, latents: Latents) -> Tensor:
            return F.pad(super().__call__(latents), (3, 3, 0, 0))

    latents = random_latents(both.generator, 2)
    found = Reference(Wide(both.generator.resolution[0]), both.scorer, PROMPT).picture(latents)
    torch.testing.assert_close(found, both.reference.picture(latents))
