"""Big Sleep's choice of parts, against plain restatements of what its package computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Box, Free, Latents, LatentSpec
from fusedream_sdk.methods.base import settings_adam
from fusedream_sdk.methods.big_sleep import Sleeping, big_sleep, has_classes, moments, sparsity
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import Task
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.scoring.views import BIG_SLEEP_CUTOUTS
from fusedream_sdk.testing import check_method


class ToyLayers:
    """A picture with a band for each of three layers, whose colour is a mixture of five and is shaded by z.

    Latents: `z` (3, 6), free; `classes` (3, 5), shares of the colours.
    """

    space: Mapping[str, LatentSpec] = {"z": LatentSpec((3, 6), Free()), "classes": LatentSpec((3, 5), Box(0.0, 1.0))}
    colours = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    resolution = (12, 12)
    fingerprint = "toy-layers"

    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        one = torch.eye(5)[torch.randint(5, (n,), generator=rng)]
        return {"z": torch.randn(n, 3, 6, generator=rng), "classes": one.unsqueeze(1).expand(n, 3, 5).contiguous()}

    def __call__(self, latents: Latents) -> Tensor:
        shade = torch.sigmoid(latents["z"].mean(dim=2, keepdim=True))
        paint = (latents["classes"] @ self.colours * shade).clamp(0, 1)  # (B, 3, 3)
        return paint.transpose(1, 2).repeat_interleave(4, dim=2).unsqueeze(3).expand(-1, 3, 12, 12)


def task_of(generator: Any, make_dream: Any, seeds: Sequence[int] = (0, 1), **options: Any) -> Task:
    dream = make_dream(generator)
    method = big_sleep(published=False, **options)
    rows = dream.engine.rows([(Prompt("red"), seed) for seed in seeds])
    return Task(dream.engine, rows, method.settings_for(dream.settings, {}))


def test_its_constants_are_the_packages_whatever_the_models_recommend():
    method = big_sleep()
    settings = method.settings_for(Settings(steps=80, views=8, lr=0.02, noise=0.01), {})
    assert (settings.lr, settings.views, settings.steps) == (0.07, 128, 1050)  # lr=.07, num_cutouts=128, iterations=1050
    assert settings.augment == BIG_SLEEP_CUTOUTS
    assert (settings.samples, settings.basis, settings.noise, settings.keep) == (1, 1, 0.0, "last")
    assert method.optimiser is settings_adam
    assert big_sleep(published=False).settings_for(Settings(steps=80, views=8), {}).steps == 80


def test_the_average_decays_by_the_packages_share(make_dream):
    selection = big_sleep().selection(task_of(ToyLayers(), make_dream))
    assert (selection.average, selection.keep) == (0.99, "last")  # ema_decay=0.99


def test_rows_begin_at_independent_layers_and_hardly_any_class(make_dream):
    task = task_of(ToyLayers(), make_dream, seeds=range(400))
    starts = big_sleep().starts(task)
    z, logits = starts["z"], starts["classes"].logit()
    assert (z.shape, logits.shape) == ((400, 1, 3, 6), (400, 1, 3, 5))
    assert z.std() == pytest.approx(1.0, abs=0.05)
    assert torch.corrcoef(torch.stack([z[:, 0, 0].flatten(), z[:, 0, 1].flatten()]))[0, 1].abs() < 0.1
    assert logits.mean() == pytest.approx(-3.9, abs=0.02)  # normal_(mean=-3.9, std=.3)
    assert logits.std() == pytest.approx(0.3, abs=0.02)
    alone = big_sleep().starts(task.take([7]))
    assert all(torch.equal(x, starts[name][7:8]) for name, x in alone.items())


def restated_moments(z: Tensor) -> Tensor:
    """The package's penalty of one row's latents (L, d), in its own words and order."""
    loss = (1 - z.std(dim=1)).abs().mean() + z.mean(dim=1).abs().mean() + 4 * max(float(z.square().mean()), 1.0)
    for array in z:
        scores = (array - array.mean()) / (array - array.mean()).square().mean().sqrt()
        loss = loss + (scores**4).mean().sub(3).abs() / len(z) + (scores**3).mean().abs() / len(z)
    return loss


@given(st.integers(0, 10_000), st.floats(0.3, 3.0))
def test_the_moments_of_each_layer_are_penalised_as_the_package_does(seed: int, scale: float):
    z = scale * torch.randn(3, 4, 9, generator=torch.Generator().manual_seed(seed)) + 0.3
    expected = torch.stack([restated_moments(row) for row in z])
    torch.testing.assert_close(100 * moments({"z": z}), expected, rtol=1e-4, atol=1e-4)


def test_a_single_latent_is_one_layer_and_a_grid_is_one_too():
    z = torch.randn(2, 24, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(moments({"z": z}), moments({"z": z.view(2, 1, 24)}))
    torch.testing.assert_close(moments({"z": z}), moments({"z": z.view(2, 4, 3, 2)}))
    assert torch.isfinite(moments({"z": torch.ones(2, 1)})).all()  # one number has no spread


@given(st.integers(0, 10_000))
def test_all_classes_but_the_largest_of_each_layer_are_penalised(seed: int):
    shares = torch.rand(2, 3, 7, generator=torch.Generator().manual_seed(seed))
    rest = shares.sort(dim=2).values[..., :-1]
    torch.testing.assert_close(100 * sparsity({"classes": shares}), (50 * rest).square().mean(dim=(1, 2)))


def sleeping(**options: Any) -> Sleeping:
    start = ToyLayers().sample(2, rng=torch.Generator().manual_seed(0))
    return Sleeping(ToyLayers.space, start, **{"most": None, "temperature": 2.0, **options})


def test_what_is_free_are_the_logits_of_the_shares():
    part = sleeping()
    start = ToyLayers().sample(2, rng=torch.Generator().manual_seed(0))
    torch.testing.assert_close(part(part.params)["classes"], start["classes"], atol=1e-5, rtol=0)
    moved = part.project({name: x + 30 for name, x in part.params.items()})
    assert torch.equal(moved["classes"], part.params["classes"] + 30)  # a logit has no bounds
    assert (part(moved)["classes"] <= 1).all()


def test_the_shares_of_a_few_classes_are_those_of_a_softmax_among_what_is_left():
    logits = torch.tensor([[0.0, 4.0, 2.0, -2.0, 1.0]])
    found = sleeping(most=2).shares(logits)[0]
    first = (logits / 2.0).softmax(dim=1)[0, 1]
    second = (logits[0, [0, 2, 3, 4]] / 2.0).softmax(dim=0)[1]
    torch.testing.assert_close(found, torch.tensor([0.0, float(first), float(second), 0.0, 0.0]))
    assert (sleeping(most=99).shares(logits) > 0).all()


def test_the_loss_is_the_score_of_cutouts_and_both_penalties(make_dream):
    task = task_of(ToyLayers(), make_dream)
    objective: Any = big_sleep().objective(task)
    latents = ToyLayers().sample(2, rng=torch.Generator().manual_seed(3))
    evaluation = objective(latents, step=2)
    plain = -objective.score(evaluation.images, step=2)
    torch.testing.assert_close(evaluation.primary, plain + moments(latents) + sparsity(latents))


def test_what_is_kept_is_the_average_of_the_steps(make_dream):
    states = list(make_dream(ToyLayers()).iterate("red", method="big-sleep?published=false", steps=6, lr=0.07))
    points = torch.stack([state.params["z"] for state in states])
    shares = 0.99 ** torch.arange(6.0, -1.0, -1.0)
    expected = (points * (shares / shares.sum()).view(-1, 1, 1, 1)).sum(dim=0)
    torch.testing.assert_close(states[-1].best.latents["z"], expected, atol=1e-5, rtol=1e-5)
    logits = torch.stack([state.params["classes"] for state in states])
    average = (logits * (shares / shares.sum()).view(-1, 1, 1, 1)).sum(dim=0)
    torch.testing.assert_close(states[-1].best.latents["classes"], average.sigmoid(), atol=1e-5, rtol=1e-4)


def test_a_generator_without_classes_is_drawn_by_what_it_has(dream: FuseDream):
    assert not has_classes(dream.generator.space)
    assert next(dream.iterate("red", method="big-sleep?published=false")).params.keys() == {"z", "colour"}
    message = "max_classes: expected nothing, as this generator has no shares of classes, got 3. .* biggan.layers=true"
    with pytest.raises(InvalidInput, match=message):
        next(dream.iterate("red", method="big-sleep?max_classes=3&published=false"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_classes": 0}, "max_classes: expected an integer of at least 1, got 0"),
        ({"temperature": 0}, "temperature: expected a positive number, got 0"),
        ({"published": 1}, "published: expected True or False, got 1"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        load_method("big-sleep", **options)


def test_it_keeps_the_contract_of_a_method():
    check_method(big_sleep(published=False))
