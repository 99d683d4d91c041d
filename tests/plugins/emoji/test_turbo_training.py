"""Training the emoji one-step diffusion model: it learns, resumes exactly, and exports what the plugin loads."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

pytest.importorskip("diffusers")  # of the extra diffusers
from fusedream_emoji.art import load_sprites, names
from fusedream_emoji.training import turbo as training
from fusedream_emoji.training.turbo import CHANNELS, HELD_OUT, SIDE, Plan, Run, World, world
from fusedream_emoji.training.turbo_models import Sizes, Sketch, codes_of

TINY = Sizes(widths=(16, 16, 16), condition=16, decoder=8, blocks=(1, 1, 0, 0))
PLAN = Plan(steps=100, batch=4, warmup=5, rate=0.02)


@pytest.fixture(scope="module")
def place() -> World:
    """Five concepts, squares of different colours and sizes."""
    sprites = torch.zeros(3, 5, 4, 64, 64)
    for concept in range(5):
        edge = 8 + 2 * concept
        sprites[:, concept, concept % 3, edge : 64 - edge, edge : 64 - edge] = 0.8
        sprites[:, concept, 3, edge : 64 - edge, edge : 64 - edge] = 1
    return World(sprites, codes_of(sprites))


def start(place: World) -> Run:
    return training.start(PLAN, TINY, place)


def advance(run: Run, place: World, steps: int) -> list[float]:
    return [training.advance(run, place, PLAN) for _ in range(steps)]


def test_error_falls_on_noise_that_no_step_has_seen(place: World):
    losses = torch.tensor(advance(start(place), place, 20))  # every step draws its own
    assert losses[-5:].mean() < 0.85 * losses[:3].mean()


def test_the_held_out_error_is_that_of_the_pictures(place: World):
    run = start(place)
    noise, codes, pictures = place.batch(PLAN, HELD_OUT, 4)
    with torch.no_grad():
        expected = (run.student(noise, codes).clamp(0, 1) - pictures).abs().mean()
    assert training.held_out(run.student, place, PLAN, 4) == pytest.approx(float(expected), rel=1e-4)


def test_resumed_run_continues_as_if_never_stopped(place: World, tmp_path: Path):
    run = start(place)
    advance(run, place, 2)
    training.save(run, tmp_path / "checkpoint.pt")
    advance(run, place, 2)
    resumed = start(place)
    training.restore(resumed, tmp_path / "checkpoint.pt")
    advance(resumed, place, 2)
    assert resumed.step == run.step == 4
    torch.testing.assert_close(resumed.student.state_dict(), run.student.state_dict(), rtol=0, atol=0)
    torch.testing.assert_close(resumed.average.state_dict(), run.average.state_dict(), rtol=0, atol=0)


def test_a_step_draws_the_same_again_and_another_step_others(place: World):
    first, again, other = (place.batch(PLAN, step, 4) for step in (3, 3, 4))
    for x, y, z in zip(first, again, other, strict=True):
        assert torch.equal(x, y)
        assert not torch.equal(x, z)
    assert first[2].shape == (4, 3, 64, 64)
    assert not torch.equal(place.batch(PLAN, HELD_OUT, 4)[0], first[0])


def test_the_last_three_means_are_the_background_s_colour(place: World):
    noise = torch.zeros(2, CHANNELS, SIDE, SIDE)
    noise[:, 4] = 5.0  # red at its most
    noise[:, 5:7] = -5.0
    noise[1, 7:] = 9.0  # no factor
    pictures = world(place.sprites, torch.tensor([0, 0]), noise)
    torch.testing.assert_close(pictures[:, :, 0, 0], torch.tensor([[1.0, 0.0, 0.0]]).expand(2, -1), atol=1e-3, rtol=0)
    assert torch.equal(pictures[0], pictures[1])


def test_the_taught_latents_are_all_of_order_one_and_hold_most_of_a_picture(place: World):
    pictures = place.batch(PLAN, 0, 64)[2]
    sketch = Sketch(pictures)
    latents = sketch(pictures)
    assert latents.shape == (64, 16, 8, 8)
    deviation = latents.std(dim=(0, 2, 3))
    assert deviation[0] == pytest.approx(1, abs=0.1)
    assert (deviation[:-1] >= 0.9 * deviation[1:]).all()
    back = torch.linalg.lstsq(latents.movedim(1, 3).flatten(0, 2), Sketch.cut(pictures).flatten(0, 1) - sketch.mean)
    assert back.residuals.sum() < 0.1 * (Sketch.cut(pictures) - sketch.mean).square().sum()


def test_codes_tell_the_known_drawings_apart():
    codes = codes_of(load_sprites())
    assert codes.shape == (len(names()), 128)
    apart = torch.cdist(codes, codes) + 99 * torch.eye(len(codes))
    assert apart.min() > 0.5
    assert codes[:, 0].std() == pytest.approx(1, abs=0.05)


def test_at_the_end_both_halves_are_trained_together(place: World):
    run, plan = start(place), Plan(steps=2, batch=4, apart=0.0)
    before = run.student.unet.get_parameter("conv_out.bias").clone()
    assert math.isfinite(training.advance(run, place, plan))
    assert not torch.equal(run.student.unet.get_parameter("conv_out.bias"), before)
