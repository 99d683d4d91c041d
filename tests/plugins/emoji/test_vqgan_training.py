"""Training the emoji VQGAN: it learns, resumes exactly, keeps its codes alive, and exports what the plugin loads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import fusedream_vqgan
from fusedream_emoji.training import vqgan as training
from fusedream_emoji.training.codes import Codes, perplexity
from fusedream_emoji.training.vqgan import CONFIG, Plan, Run, World
from fusedream_vqgan.config import Config
from fusedream_vqgan.network import nearest

pytest.importorskip("taming")  # of the extra vqgan

TINY = Config("vq", 4, 16, {**CONFIG.ddconfig, "z_channels": 4, "resolution": 32, "ch_mult": [1, 1, 1]})
PLAN = Plan(steps=100, batch=4, warmup=5, rate=0.01)


@pytest.fixture(scope="module")
def world() -> World:
    """Three styles of five concepts: plain squares of different colours and sizes."""
    sprites = torch.zeros(3, 5, 4, 32, 32)
    for style in range(3):
        for concept in range(5):
            edge = 4 + concept
            sprites[style, concept, concept % 3, edge : 32 - edge, edge : 32 - edge] = 0.6 + 0.2 * style
            sprites[style, concept, 3, edge : 32 - edge, edge : 32 - edge] = 1
    return World(sprites)


def advance(run: Run, world: World, steps: int) -> None:
    for _ in range(steps):
        training.advance(run, world, PLAN)


def test_error_falls_on_pictures_that_no_step_has_seen(world: World) -> None:
    run = training.start(PLAN, TINY)
    before, _ = training.held_out(run, world, PLAN, 16)
    advance(run, world, 12)
    after, used = training.held_out(run, world, PLAN, 16)
    assert after < 0.95 * before
    assert used > 4


def test_resumed_run_continues_as_if_never_stopped(world: World, tmp_path: Path) -> None:
    run = training.start(PLAN, TINY)
    advance(run, world, 3)
    training.save(run, tmp_path / "checkpoint.pt")
    advance(run, world, 3)
    resumed = training.start(PLAN, TINY)
    training.restore(resumed, tmp_path / "checkpoint.pt")
    advance(resumed, world, 3)
    assert resumed.step == run.step == 6
    torch.testing.assert_close(resumed.model.state_dict(), run.model.state_dict(), rtol=0, atol=0)
    torch.testing.assert_close(resumed.codes.state(), run.codes.state(), rtol=0, atol=0)


def test_a_step_draws_the_same_pictures_again_and_another_step_others(world: World) -> None:
    first = world.pictures(PLAN, 3, 4)
    assert not torch.equal(world.pictures(PLAN, 4, 4), first)
    assert torch.equal(world.pictures(PLAN, 3, 4), first)
    assert first.shape == (4, 3, 32, 32)


def test_a_distance_is_part_of_the_loss(world: World) -> None:
    plan = Plan(steps=100, batch=4, perceptual=2.0)
    extra = World(world.sprites, distance=lambda a, b: torch.full((len(a),), 5.0))
    plain, with_distance = (training.advance(training.start(plan, TINY), w, plan) for w in (world, extra))
    assert with_distance == pytest.approx(plain + 10)


def test_the_plugin_loads_what_is_exported_and_draws_the_same(world: World, tmp_path: Path) -> None:
    run = training.start(PLAN, TINY)
    advance(run, world, 3)
    training.export(run.model, tmp_path)
    generator = fusedream_vqgan.load(weights=tmp_path)
    z = generator.sample(2, rng=torch.Generator().manual_seed(0))["z"]
    with torch.no_grad():
        expected = ((run.model.decode(z) + 1) / 2).clamp(0, 1)
    torch.testing.assert_close(generator({"z": z}), expected, rtol=0, atol=0.01)


def test_codes_move_to_the_features_that_choose_them_and_dead_ones_are_revived() -> None:
    rng = torch.Generator().manual_seed(0)
    centres = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 3.0]])
    codes = Codes.of(torch.full((6, 2), 50.0))
    for _ in range(200):
        features = centres[torch.randint(3, (2, 4, 4), generator=rng)].movedim(-1, 1)
        features = features + 0.1 * torch.randn(features.shape, generator=rng)
        codes.update(features, nearest(features, codes.book), rng)
    assert torch.cdist(centres, codes.book).amin(dim=1).max() < 0.2
    assert torch.cdist(codes.book, centres).amin(dim=1).max() < 0.5


def test_perplexity_counts_the_codes_in_use() -> None:
    assert perplexity(torch.arange(8).view(2, 2, 2), 16) == pytest.approx(8, rel=1e-4)
    assert perplexity(torch.zeros(2, 2, 2, dtype=torch.long), 16) == pytest.approx(1)
