"""The two losses of a scene."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, PluginContractError
from fusedream_sdk.optim.directions import Descent, DynamicBarrier, WeightedSum
from fusedream_sdk.scenes.consistency import AUGCLIP, CONSISTENCY, Composition, Problem, Reading, make_direction
from fusedream_sdk.scenes.layer import Still
from fusedream_sdk.scenes.placement import Placement
from fusedream_sdk.scenes.scene import Scene
from fusedream_sdk.scoring.augclip import AugCLIP, Penalty
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.testing import ToyGenerator, ToyScorer, random_latents
from tests.scenes.toys import SquareDistance

SCENE = Scene(ToyGenerator(24), ToyGenerator(16), [Placement.at("left", 0.5), Placement.at("top", 0.4)])


def losses(scene: Scene = SCENE, rows: int = 3, distance: Any = None, **options: Any) -> Composition:
    target = make_target(ToyScorer(8), ["red"] * rows)
    noise, penalties = options.pop("noise", 0.0), options.pop("penalties", {})
    augclip = AugCLIP(scene, target, list(range(rows)), count=2, noise=noise, penalties=penalties)
    return Composition(scene, augclip, distance or SquareDistance(), **options)


def test_the_primary_loss_is_augclip_of_the_fused_picture():
    latents = random_latents(SCENE, 3)
    composition = losses()
    found = composition(latents, step=4)
    assert list(found.losses) == [AUGCLIP, CONSISTENCY]
    torch.testing.assert_close(found.images, SCENE(latents))
    torch.testing.assert_close(found.primary, -composition.augclip.score(SCENE(latents), step=4))


@pytest.mark.parametrize("reading", get_args(Reading))
def test_each_row_alone_has_the_losses_of_the_batch(reading: Reading):
    latents = random_latents(SCENE, 3)
    composition = losses(reading=reading, noise=0.1)
    whole = composition(latents, step=1)
    composition = losses(rows=1, reading=reading, noise=0.1)
    alone = composition({name: x[:1] for name, x in latents.items()}, step=1)
    for name, x in alone.losses.items():
        torch.testing.assert_close(x, whole.losses[name][:1])


def test_parts_compares_the_layers_and_fused_the_picture_with_its_background():
    latents = random_latents(SCENE, 3)
    back, front = SCENE.layers(latents)
    seen: list[tuple[Tensor, Tensor]] = []

    def distance(a: Tensor, b: Tensor) -> Tensor:
        seen.append((a, b))
        return (a - b).square().mean(dim=(1, 2, 3))

    losses(distance=distance)(latents, step=0)
    assert seen[0][0].shape == seen[0][1].shape == (3, 3, 24, 24)  # of two resolutions, the larger
    assert torch.equal(seen[0][1], back)
    losses(distance=distance, reading="fused")(latents, step=0)
    assert torch.equal(seen[1][0], SCENE(latents))
    assert torch.equal(seen[1][1], back)
    assert front.shape[-1] == 16


@pytest.mark.parametrize("reading", get_args(Reading))
def test_layers_that_look_the_same_are_consistent(reading: Reading):
    plain = torch.full((3, 24, 24), 0.3)
    scene = Scene(Still(plain), Still(plain[:, :16, :16]))
    found = losses(scene, reading=reading)(random_latents(scene, 3), step=0)
    torch.testing.assert_close(found.losses[CONSISTENCY], torch.zeros(3), atol=1e-9, rtol=0)


def test_the_border_looks_at_the_rim_alone():
    ground, front = torch.full((3, 32, 32), 0.3), torch.full((3, 32, 32), 0.3)
    front[:, 8:24, 8:24] = 1.0  # another thing in the middle of the foreground
    scene = Scene(Still(ground), Still(front), Placement(0.5))
    latents = random_latents(scene, 1)
    assert losses(scene, 1, reading="border")(latents, step=0).losses[CONSISTENCY].abs() < 1e-6
    assert losses(scene, 1, reading="fused")(latents, step=0).losses[CONSISTENCY] > 0.01


def test_of_three_layers_both_foregrounds_count():
    red, grey = torch.zeros(3, 24, 24), torch.full((3, 24, 24), 0.5)
    red[0] = 1
    deep = Scene(Scene(Still(grey), Still(red)), Still(grey))
    found = losses(deep, 1)(random_latents(deep, 1), step=0).losses[CONSISTENCY]
    assert float(found) == pytest.approx(0.25 / 2)


def test_penalties_are_added_to_the_primary_loss():
    latents = random_latents(SCENE, 3)
    plain = losses()(latents, step=0).primary
    penalties: dict[str, Penalty] = {"one": lambda latents: torch.ones(3)}
    torch.testing.assert_close(losses(penalties=penalties)(latents, step=0).primary, plain + 1)


def test_both_losses_reach_both_layers():
    latents = {name: x.requires_grad_() for name, x in random_latents(SCENE, 3).items()}
    for name, loss in losses()(latents, step=0).losses.items():
        for layer in ("background.colour", "foreground.colour"):
            (gradient,) = torch.autograd.grad(loss.sum(), latents[layer], retain_graph=True)
            assert (gradient != 0).any(), f"{name} of {layer}"


def test_a_distance_of_another_shape_and_an_unknown_reading_are_refused():
    with pytest.raises(PluginContractError, match=r"perceptual: expected distances of shape \(3,\), got \(3, 1\)"):
        losses(distance=lambda a, b: (a - b).mean(dim=(2, 3))[:, :1])(random_latents(SCENE, 3), step=0)
    with pytest.raises(InvalidInput, match="reading: expected one of 'parts', 'fused', 'border', got seam"):
        losses(reading="seam")


@pytest.mark.parametrize(
    ("problem", "kind"),
    [("bi-level", DynamicBarrier), ("linear", WeightedSum), ("inverse", DynamicBarrier), ("augclip", Descent)],
)
def test_every_problem_has_its_direction(problem: Problem, kind: type):
    assert isinstance(make_direction(problem), kind)


def test_the_numbers_of_a_problem_are_used():
    linear, inverse = make_direction("linear", coefficient=7), make_direction("inverse", alpha=2)
    assert isinstance(linear, WeightedSum)
    assert linear.weights == {CONSISTENCY: 1.0, AUGCLIP: 7.0}
    assert isinstance(inverse, DynamicBarrier)
    assert (inverse.primary, inverse.secondary, inverse.alpha) == (CONSISTENCY, AUGCLIP, 2.0)
    own = DynamicBarrier(floor=-1.0)
    assert make_direction(own) is own
