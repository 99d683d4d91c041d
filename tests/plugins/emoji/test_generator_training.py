"""Fitting the emoji generator: it learns, resumes, and exports what pytorch_pretrained_biggan loads."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pytorch_pretrained_biggan import BigGAN, BigGANConfig
from safetensors.torch import load_file

from fusedream_emoji.factors import FACTORS, directions
from fusedream_emoji.training import generator as training
from fusedream_emoji.training.beginning import as_features, principal_drawings
from fusedream_emoji.training.export import export
from fusedream_emoji.training.muon import Muon, orthogonalise
from fusedream_emoji.training.run import Run, restore, save, start
from fusedream_emoji.training.twin import squash

LAYERS = [(True, 16, 8), (False, 8, 4), (True, 4, 2), (True, 2, 1)]  # to 32 px
PLAN = training.Plan(samples=800, batch=8, warmup=5, rate=0.03)


@pytest.fixture(scope="module")
def sprites() -> torch.Tensor:
    """Three styles of five concepts: plain squares of different colours and sizes."""
    sprites = torch.zeros(3, 5, 4, 32, 32)
    for style in range(3):
        for concept in range(5):
            edge = 4 + concept
            sprites[style, concept, concept % 3, edge : 32 - edge, edge : 32 - edge] = 0.6 + 0.2 * style
            sprites[style, concept, 3, edge : 32 - edge, edge : 32 - edge] = 1
    return sprites


@pytest.fixture
def run(sprites: torch.Tensor) -> Run:
    return start(sprites, PLAN.seed, width=4, layers=LAYERS)


def advance(run: Run, sprites: torch.Tensor, steps: int) -> None:
    for _ in range(steps):
        training.advance(run, sprites, PLAN, run.twin)


@pytest.mark.parametrize(("sketch_share", "head"), [(1.0, 0), (0.0, 1)], ids=["sketch", "picture"])
def test_error_falls_on_pictures_that_no_step_has_seen(sprites: torch.Tensor, sketch_share: float, head: int) -> None:
    plan = replace(PLAN, sketch_share=sketch_share)
    run = start(sprites, PLAN.seed, width=8, layers=LAYERS)
    before = training.held_out_error(run.twin, sprites, 64)[head]
    for _ in range(50):
        training.advance(run, sprites, plan, run.twin)
    assert training.held_out_error(run.twin, sprites, 64)[head] < 0.95 * before


def test_resumed_run_continues_as_if_never_stopped(run: Run, sprites: torch.Tensor, tmp_path: Path) -> None:
    advance(run, sprites, 3)
    save(run, tmp_path / "checkpoint.pt")
    advance(run, sprites, 3)
    resumed = start(sprites, PLAN.seed, width=4, layers=LAYERS)
    restore(resumed, tmp_path / "checkpoint.pt")
    advance(resumed, sprites, 3)
    assert resumed.step == run.step
    torch.testing.assert_close(resumed.twin.state_dict(), run.twin.state_dict())
    torch.testing.assert_close(resumed.average.state_dict(), run.average.state_dict())


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float16, 5e-3)], ids=str)
def test_export_is_a_biggan_that_draws_the_same_picture(
    run: Run, sprites: torch.Tensor, tmp_path: Path, dtype: torch.dtype, tolerance: float
) -> None:
    advance(run, sprites, 10)
    before = copy.deepcopy(run.twin.state_dict())
    export(run.twin, tmp_path, dtype)
    torch.testing.assert_close(run.twin.state_dict(), before, rtol=0, atol=0)
    model = BigGAN(BigGANConfig.from_json_file(tmp_path / "config.json"))
    model.load_state_dict(load_file(tmp_path / "model.safetensors"), strict=True)
    model.eval()
    z = torch.randn(6, 128, generator=torch.Generator().manual_seed(0))
    concept = torch.tensor([0, 1, 2, 3, 4, 0])
    with torch.no_grad():
        drawn = model(z, torch.nn.functional.one_hot(concept, 5).float(), 1.0)
        half = model(z, torch.nn.functional.one_hot(concept, 5).float(), 0.5)
        _, expected = run.twin.eval()(concept, z @ directions().T)
    assert drawn.std() > 0.01
    torch.testing.assert_close(drawn, expected, rtol=0, atol=tolerance)
    torch.testing.assert_close(half, drawn)


def test_whole_pictures_follow_sketches(run: Run, sprites: torch.Tensor) -> None:
    concept, factors, target = training.rehearse(sprites, 8, seed=0, step=0)
    sketch, picture = run.twin(concept, factors, 2)
    assert factors.shape == (8, len(FACTORS))
    assert target.shape == sketch.shape == (8, 3, 32, 32)
    assert picture.shape == (2, 3, 32, 32)


def test_muon_makes_gradients_orthogonal() -> None:
    matrix = torch.randn(1, 24, 60, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalise(matrix).float())
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_weights_of_one_shape_move_as_they_would_alone() -> None:
    rng = torch.Generator().manual_seed(0)
    weights = [torch.nn.Parameter(torch.randn(shape, generator=rng)) for shape in ((6, 4), (6, 4), (4, 6), (4, 3, 2))]
    alone = [torch.nn.Parameter(weight.detach().clone()) for weight in weights]
    together, apart = Muon(weights, lr=0.1, weight_decay=0.1), [Muon([weight], lr=0.1, weight_decay=0.1) for weight in alone]
    for _ in range(2):
        for one, other in zip(weights, alone, strict=True):
            one.grad = torch.randn(one.shape, generator=rng)
            other.grad = one.grad.clone()
        for optimiser in (together, *apart):
            optimiser.step()
    for one, other in zip(weights, alone, strict=True):
        torch.testing.assert_close(one, other, atol=2e-3, rtol=0)


def test_principal_drawings_return_every_sprite_when_codes_are_long_enough(sprites: torch.Tensor) -> None:
    codes, basis, mean = principal_drawings(sprites, side=32, size=5)
    drawn = mean + torch.tensordot(codes, basis, dims=1)  # (concepts, styles, ...)
    torch.testing.assert_close(drawn.transpose(0, 1), sprites, rtol=0, atol=1e-3)


def test_features_hold_the_drawing_cell_by_cell() -> None:
    drawing = torch.arange(3 * 4 * 8 * 8).view(3, 4, 8, 8)
    features = as_features(drawing)
    assert features.shape == (4, 4, 48)
    assert features[1, 2].view(3, 4, 2, 2).equal(drawing[:, :, 2:4, 4:6])


def test_burst_picture_can_come_back() -> None:
    burst = torch.full((3,), 50.0, requires_grad=True)
    squash(burst, leak=0.02).sum().backward()
    assert burst.grad is not None
    assert burst.grad.min() > 0.01
    assert squash(burst, leak=0.0).max() <= 1
