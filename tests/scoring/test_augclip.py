"""AugCLIP, plain CLIP, rewards and penalties."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.latents import Free, LatentSpec, select
from fusedream_sdk.scoring.augclip import AugCLIP, fresh_score, plain_clip, reno_norm
from fusedream_sdk.scoring.target import RewardTarget, make_target
from fusedream_sdk.scoring.views import NO_VIEWS, Stream, Views
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer, random_latents

GENERATOR, SCORER = ToyGenerator(16), ToyScorer(8)
PROMPTS, SEEDS = ["red", "blue", "a cat"], [4, 5, 6]
LATENTS = random_latents(GENERATOR, 3)


def aug_clip(rows: slice = slice(None), **options: object) -> AugCLIP:
    target = make_target(SCORER, PROMPTS[rows])
    return AugCLIP(GENERATOR, target, SEEDS[rows], **{"count": 4, **options})  # pyright: ignore[reportArgumentType]


def test_aug_clip_is_minus_the_mean_score_over_the_views():
    loss = aug_clip()(LATENTS, step=3).primary
    small = shrink(GENERATOR(LATENTS), SCORER.resolution)
    for row in range(3):
        views = Views()(small[row : row + 1], seeds=[SEEDS[row]], step=3, count=4)
        each = SCORER.encode_image(views) @ SCORER.encode_text([PROMPTS[row]])[0]
        torch.testing.assert_close(loss[row], -each.mean())


def test_plain_clip_is_the_cosine_of_picture_and_text():
    loss = plain_clip(GENERATOR, make_target(SCORER, PROMPTS), SEEDS)(LATENTS, step=0).primary
    embedded = SCORER.encode_image(shrink(GENERATOR(LATENTS), SCORER.resolution))
    torch.testing.assert_close(loss, -torch.cosine_similarity(embedded, SCORER.encode_text(PROMPTS)))


def test_without_views_one_look_is_enough_and_steps_do_not_matter(monkeypatch: pytest.MonkeyPatch):
    objective = aug_clip(views=NO_VIEWS, count=50)
    looks, look = [], SCORER.encode_image
    monkeypatch.setattr(SCORER, "encode_image", lambda images: looks.append(len(images)) or look(images))
    objective(LATENTS, step=0)
    assert looks == [len(PROMPTS)]
    assert torch.equal(objective(LATENTS, step=0).primary, objective(LATENTS, step=9).primary)


def test_a_step_gives_the_same_value_twice_and_another_step_another():
    objective = aug_clip(noise=0.1)
    assert torch.equal(objective(LATENTS, step=1).primary, objective(LATENTS, step=1).primary)
    assert not torch.allclose(objective(LATENTS, step=1).primary, objective(LATENTS, step=2).primary)


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_a_row_alone_has_the_loss_gradient_and_noise_of_the_row_in_a_batch(noise: float):
    together = aug_clip(noise=noise)({name: x.clone().requires_grad_() for name, x in LATENTS.items()}, step=7)
    for row in range(3):
        alone = aug_clip(slice(row, row + 1), noise=noise)(select(LATENTS, [row]), step=7)
        torch.testing.assert_close(alone.primary[0], together.primary[row])
        torch.testing.assert_close(alone.images[0], together.images[row])
        for name, x in alone.latents.items():
            assert torch.equal(x[0], together.latents[name][row])


def test_nothing_is_reduced_over_rows_and_no_row_moves_another():
    leaves = {name: x.clone().requires_grad_() for name, x in LATENTS.items()}
    loss = aug_clip(penalties={"norm": reno_norm("z")})(leaves, step=0).primary
    assert loss.shape == (3,)
    (gradient,) = torch.autograd.grad(loss[1], leaves["z"])
    assert gradient[1].abs().sum() > 0
    assert gradient[[0, 2]].eq(0).all()


def test_the_evaluation_holds_the_very_latents_that_drew_its_images():
    evaluation = aug_clip(noise=0.5)(LATENTS, step=0)
    assert not torch.allclose(evaluation.latents["z"], LATENTS["z"])
    torch.testing.assert_close(GENERATOR(evaluation.latents), evaluation.images)


def test_noise_has_its_standard_deviation_and_spares_frozen_entries():
    class Wide:
        space = {"z": LatentSpec((4096,), Free()), "text": LatentSpec((5,), frozen=True)}  # noqa: RUF012
        resolution = (4, 4)

        def sample(self, n: int, *, rng: torch.Generator) -> dict[str, Tensor]:
            return {"z": torch.zeros(n, 4096), "text": torch.zeros(n, 5)}

        def __call__(self, latents: dict[str, Tensor]) -> Tensor:
            return latents["z"].mean(dim=1).sigmoid()[:, None, None, None].expand(-1, 3, 4, 4)

    latents = Wide().sample(2, rng=torch.Generator())
    objective = AugCLIP(Wide(), make_target(SCORER, ["red"] * 2), [0, 1], noise=0.01, count=1)
    noisy = objective(latents, step=0).latents
    assert torch.equal(noisy["text"], latents["text"])
    assert noisy["z"].std(dim=1).sub(0.01).abs().max() < 5e-4
    assert torch.corrcoef(noisy["z"])[0, 1].abs() < 0.1


def test_penalties_are_added_to_the_loss_of_their_rows():
    plain, penalised = aug_clip()(LATENTS, step=0), aug_clip(penalties={"first": lambda x: x["z"][:, 0]})(LATENTS, step=0)
    torch.testing.assert_close(penalised.primary, plain.primary + LATENTS["z"][:, 0])


def test_the_norm_penalty_of_reno_is_its_formula_and_least_at_the_likely_norm():
    z = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0))
    norm = z.flatten(1).norm(dim=1)
    expected = torch.tensor([0.01 * (n**2 / 2 - 11 * math.log(n)) for n in norm.tolist()])
    torch.testing.assert_close(reno_norm("z")({"z": z}), expected)
    scale = torch.linspace(0.5, 6, 500)
    ray = scale[:, None] * torch.nn.functional.normalize(torch.ones(1, 12), dim=1)
    assert scale[reno_norm("z")({"z": ray}).argmin()] == pytest.approx(math.sqrt(11), abs=0.02)


def test_the_norm_penalty_is_finite_at_zero():
    assert torch.isfinite(reno_norm("z")({"z": torch.zeros(1, 4)})).all()


def test_a_fresh_score_is_the_mean_over_another_stream_and_independent_of_its_chunks():
    target, images = make_target(SCORER, PROMPTS), GENERATOR(LATENTS)
    options = {"views": Views(), "count": 12, "stream": Stream.REPORT}
    whole = fresh_score(images, target, SEEDS, **options)
    torch.testing.assert_close(fresh_score(images, target, SEEDS, chunk=5, **options), whole)
    torch.testing.assert_close(fresh_score(images[1:2], make_target(SCORER, PROMPTS[1:2]), SEEDS[1:2], **options), whole[1:2])
    reported = aug_clip(count=12, stream=Stream.REPORT)(LATENTS, step=0).primary
    torch.testing.assert_close(whole, -reported)
    assert not torch.allclose(whole, -aug_clip(count=12)(LATENTS, step=0).primary)


WEIGHTED = {"plain": (2.0, NO_VIEWS), "shared": (-0.5, None), "uncut": (3.0, Views(cutout=False))}


def mixed(rows: slice = slice(None)) -> RewardTarget:
    """A reward and two scorers of three resolutions: on the picture itself, on the settings' views, and on views of its own."""
    scorers = (ToyScorer(8), ToyReward(), ToyScorer(12, dim=9))
    members = [fd.Weighted(s, *each) for s, each in zip(scorers, WEIGHTED.values(), strict=True)]
    target = make_target(fd.load_scorer(members), PROMPTS[rows])
    assert isinstance(target, RewardTarget)
    return target


def direct(images: Tensor, row: int, *, views: Views, count: int, stream: Stream, step: int = 0) -> Tensor:
    """The same sum, member by member."""
    whole = torch.zeros(())
    for scorer, (weight, own) in zip((ToyScorer(8), ToyReward(), ToyScorer(12, dim=9)), WEIGHTED.values(), strict=True):
        used = views if own is None else own
        named = {"seeds": [SEEDS[row]], "step": step, "count": count if used.random else 1, "stream": stream}
        seen = used(shrink(images[row : row + 1], scorer.resolution), **named)
        scores = make_target(scorer, [PROMPTS[row]])(seen, torch.zeros(len(seen), dtype=torch.long))
        whole = whole + weight * scores.mean()
    return whole


@pytest.mark.parametrize("count", [4, 60])
def test_each_of_several_scorers_is_averaged_over_its_own_views_and_the_averages_add_up(count: int):
    objective = AugCLIP(GENERATOR, mixed(), SEEDS, count=count)
    leaves = {name: x.clone().requires_grad_() for name, x in LATENTS.items()}
    loss, images = objective(leaves, step=2).primary, GENERATOR(leaves)
    whole = torch.stack([direct(images, row, views=Views(), count=count, stream=Stream.OPTIMISE, step=2) for row in range(3)])
    torch.testing.assert_close(loss, -whole)
    gradients = (torch.autograd.grad(x.sum(), list(leaves.values())) for x in (loss, -whole))
    for own, other in zip(*gradients, strict=True):
        torch.testing.assert_close(own, other, atol=1e-5, rtol=1e-4)


def test_a_row_of_several_scorers_alone_is_the_row_in_a_batch():
    together = AugCLIP(GENERATOR, mixed(), SEEDS, count=4)(LATENTS, step=1).primary
    for row in range(3):
        rows = slice(row, row + 1)
        alone = AugCLIP(GENERATOR, mixed(rows), SEEDS[rows], count=4)(select(LATENTS, [row]), step=1).primary
        torch.testing.assert_close(alone[0], together[row])


def test_the_picture_itself_is_looked_at_once_and_not_once_for_each_view():
    looks: list[int] = []

    class Watching(ToyReward):
        def score(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
            looks.append(len(images))
            return super().score(images, prompts)

    target = make_target(fd.load_scorer([SCORER, fd.Weighted(Watching(), views=NO_VIEWS)]), PROMPTS)
    AugCLIP(GENERATOR, target, SEEDS, count=60)(LATENTS, step=0)
    fresh_score(GENERATOR(LATENTS), target, SEEDS, views=Views(), count=30, stream=Stream.REPORT)
    assert looks == [3, 1, 1, 1]


def test_held_out_and_fresh_scores_of_several_are_the_same_sum_on_other_views():
    images, target = GENERATOR(LATENTS), mixed()
    options = {"views": Views(), "count": 6, "stream": Stream.REPORT}
    expected = torch.stack([direct(images, row, **options) for row in range(3)])
    torch.testing.assert_close(fresh_score(images, target, SEEDS, **options), expected)
    torch.testing.assert_close(AugCLIP(GENERATOR, target, SEEDS, count=6, stream=Stream.REPORT).score(images, step=0), expected)


def test_the_plain_score_of_several_is_that_of_the_picture_itself_for_all_of_them():
    images, target = GENERATOR(LATENTS), mixed()
    plain = fresh_score(images, target, SEEDS, views=NO_VIEWS, count=1, stream=Stream.REPORT)
    torch.testing.assert_close(plain, target(shrink(images, target.resolution), torch.arange(3)), atol=2e-3, rtol=0)
