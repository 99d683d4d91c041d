"""Where a row begins."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch

from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.latents import Latents, LatentSpec, contains, select
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import NO_VIEWS, Stream, Views
from fusedream_sdk.search.bank import BLOCK, draw_block
from fusedream_sdk.search.starts import draw_samples, drawn_starts, gaussian_starts, search_samples, searched_starts
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer

GENERATOR, SCORER = ToyGenerator(16), ToyScorer(8)
RUN = (nullcontext, lambda done, total: None)


class Conditioned(ToyGenerator):
    """Draws a frozen number of letters for each prompt."""

    space = {**ToyGenerator.space, "letters": LatentSpec((1,), frozen=True)}  # noqa: RUF012

    def sample(self, n: int, *, rng: torch.Generator, prompts: Sequence[str] = ()) -> Latents:
        assert len(prompts) == n
        return {**super().sample(n, rng=rng), "letters": torch.tensor([[float(len(prompt))] for prompt in prompts])}


def test_more_draws_begin_with_the_fewer():
    few, many = draw_samples(GENERATOR, 3, 7, "red"), draw_samples(GENERATOR, 150, 7, "red")
    assert len(many["z"]) == 150
    assert all(torch.equal(few[name], many[name][:3]) for name in few)


def test_draws_are_those_of_a_bank_with_that_seed():
    drawn = draw_samples(GENERATOR, BLOCK + 5, 7, "red")
    assert torch.equal(drawn["z"][BLOCK:], draw_block(GENERATOR, 7, 1)["z"][:5])


def test_a_generator_that_depends_on_the_prompt_is_told_what_it_is_to_draw():
    asked = Prompt("a red dog") - 0.5 * Prompt("blue")
    assert draw_samples(Conditioned(16), 3, 7, asked)["letters"].flatten().tolist() == [len("a red dog")] * 3
    starts = drawn_starts(Conditioned(16), ["red", "green"], [1, 2], k=2)
    assert starts["letters"].flatten().tolist() == [3, 3, 5, 5]


def test_a_single_start_comes_from_the_rows_seed_alone():
    together = drawn_starts(GENERATOR, ["red", "blue", "red"], [5, 5, 6])
    alone = drawn_starts(GENERATOR, ["blue"], [5])
    assert together["z"].shape == (3, 1, 4)
    assert torch.equal(together["z"][1:2], alone["z"])
    assert torch.equal(together["z"][0], together["z"][1])
    assert not torch.equal(together["z"][0], together["z"][2])


@pytest.mark.parametrize("k", [1, 2, 70])
def test_several_starts_of_a_row_are_draws_from_its_seed_one_after_the_other(k: int):
    starts = drawn_starts(GENERATOR, ["red", "blue"], [5, 6], k=k)
    assert {name: x.shape for name, x in starts.items()} == {"z": (2, k, 4), "colour": (2, k, 3)}
    for row, seed in enumerate((5, 6)):
        drawn = draw_samples(GENERATOR, k, seed, "")
        assert all(torch.equal(starts[name][row], drawn[name]) for name in drawn)


def test_a_gaussian_start_is_normal_in_every_coordinate_and_inside_the_constraints_however_the_generator_draws():
    class Flat(ToyGenerator):
        def sample(self, n: int, *, rng: torch.Generator) -> Latents:
            return {name: torch.zeros_like(x) for name, x in super().sample(n, rng=rng).items()}

    starts = gaussian_starts(Flat(16), ["red"] * 400, range(400))
    assert {name: x.shape for name, x in starts.items()} == {"z": (400, 1, 4), "colour": (400, 1, 3)}
    assert contains({name: x[:, 0] for name, x in starts.items()}, GENERATOR.space)
    assert starts["colour"].abs().max() > 2  # what is free is not cut
    assert starts["colour"].mean(dim=0).abs().max() < 0.2
    assert (starts["colour"].std(dim=0) - 1).abs().max() < 0.15
    assert torch.corrcoef(starts["z"].flatten(1).T).fill_diagonal_(0).abs().max() < 0.2


def test_a_gaussian_start_comes_from_the_rows_seed_alone_and_leaves_what_is_frozen():
    toy = Conditioned(16)
    together = gaussian_starts(toy, ["red", "green", "red"], [5, 5, 6])
    alone = gaussian_starts(toy, ["green"], [5])
    assert all(torch.equal(together[name][1:2], alone[name]) for name in alone)
    assert torch.equal(together["z"][0], together["z"][1])
    assert not torch.equal(together["z"][0], together["z"][2])
    assert together["letters"].flatten().tolist() == [3, 5, 3]


def search(scorer: Any, prompts: list[str], seeds: list[int], samples: int = 70, **options: Any) -> Latents:
    target = make_target(scorer, prompts)
    given = {"k": 3, "views": (Views(), 2), "run": RUN, **options}
    return searched_starts(GENERATOR, target, prompts, seeds, samples=samples, **given)


@pytest.mark.parametrize("scorer", [SCORER, ToyReward()])
def test_a_search_without_a_bank_equals_scoring_every_sample(scorer: ToyScorer | ToyReward):
    prompts, seeds = ["red", "blue"], [3, 4]
    target = make_target(scorer, prompts)
    found = search(scorer, prompts, seeds)
    for row in range(2):
        latents = draw_samples(GENERATOR, 70, seeds[row], prompts[row])
        small = shrink(GENERATOR(latents), scorer.resolution)
        views = Views()(small, seeds=range(70), step=0, count=2, stream=Stream.BANK)
        scores = target(views, torch.full((140,), row)).view(70, 2).mean(dim=1)
        best = scores.topk(3).indices
        assert torch.equal(found["z"][row], latents["z"][best])


def test_any_places_of_a_search_can_be_had_with_their_samples_and_scores():
    target = make_target(SCORER, ["red"])
    how: Any = {"samples": 70, "views": (Views(), 2), "run": RUN}
    whole = search_samples(GENERATOR, target, ["red"], [3], ranks=range(70), **how)
    some = search_samples(GENERATOR, target, ["red"], [3], ranks=[9, 2], **how)
    assert bool((whole.scores.diff(dim=1) <= 0).all())
    assert torch.equal(some.scores, whole.scores[:, [9, 2]])
    assert torch.equal(some.index, whole.index[:, [9, 2]])
    assert torch.equal(some.latents["z"], whole.latents["z"][:, [9, 2]])
    assert torch.equal(draw_samples(GENERATOR, 70, 3, "red")["z"][some.index[0]], some.latents["z"][0])


def test_a_row_alone_finds_what_it_finds_among_others():
    together, alone = search(SCORER, ["red", "blue"], [3, 4]), search(SCORER, ["blue"], [4])
    assert all(torch.equal(together[name][1:], alone[name]) for name in alone)


def test_without_views_the_pictures_themselves_are_scored():
    found = search(SCORER, ["blue"], [4], views=(NO_VIEWS, 1))
    drawn = draw_samples(GENERATOR, 70, 4, "blue")
    scores = SCORER.encode_image(shrink(GENERATOR(drawn), 8)) @ SCORER.encode_text(["blue"])[0]
    assert torch.equal(found["z"][0], select(drawn, scores.topk(3).indices)["z"])


def test_a_search_runs_in_its_precision_without_a_gradient_and_counts_every_sample():
    inside: list[bool] = []
    seen: list[tuple[int, int]] = []

    @contextmanager
    def precision():
        inside.append(True)
        yield
        inside.pop()

    class Watched(ToyGenerator):
        def __call__(self, latents: Latents) -> torch.Tensor:
            assert inside
            assert not torch.is_grad_enabled()
            return super().__call__(latents)

    target = make_target(SCORER, ["red", "blue"])
    run = (precision, lambda done, total: seen.append((done, total)))
    searched_starts(Watched(16), target, ["red", "blue"], [0, 1], k=1, samples=70, views=(NO_VIEWS, 1), run=run)
    assert seen == [(64, 140), (70, 140), (134, 140), (140, 140)]
    assert not inside
