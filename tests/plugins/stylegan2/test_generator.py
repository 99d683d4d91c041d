"""The generator's contract, its spaces and its options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import fusedream_sdk as fd
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.clamp import soft_clamp
from fusedream_sdk.testing import ToyScorer, check_generator
from fusedream_stylegan2 import load
from fusedream_stylegan2.generator import DRAWS, LR, StyleGAN2Generator

from .conftest import W, Z, make_nvidia, make_rosinality, save_nvidia, save_rosinality


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return save_nvidia(tmp_path, make_nvidia())


@pytest.mark.parametrize("space", ["z", "w", "w+"])
@pytest.mark.parametrize("layout", ["nvidia", "rosinality"])
def test_the_generator_keeps_the_contract(space: Any, layout: str, tmp_path: Path) -> None:
    path = save_nvidia(tmp_path, make_nvidia()) if layout == "nvidia" else save_rosinality(tmp_path, make_rosinality())
    generator = load(weights=path, space=space, truncation=0.7)
    check_generator(generator)
    assert generator.to("cpu").device == torch.device("cpu")


def test_the_spaces_are_what_the_paper_calls_them(made: Path) -> None:
    spaces = {name: load(weights=made, space=name).space for name in ("z", "w", "w+")}  # pyright: ignore[reportArgumentType]
    assert {name: {key: spec.shape for key, spec in space.items()} for name, space in spaces.items()} == {
        "z": {"z": (Z,)},
        "w": {"w": (W,)},
        "w+": {"w": (6, W)},
    }
    assert load(weights=made).space["w"].shape == (W,)


def test_one_draw_is_one_picture_in_every_space(made: Path) -> None:
    pictures = []
    for space in ("z", "w", "w+"):
        generator = load(weights=made, space=space, truncation=0.5)  # pyright: ignore[reportArgumentType]
        pictures.append(generator(generator.sample(3, rng=rng())))
    torch.testing.assert_close(pictures[1], pictures[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(pictures[2], pictures[0], atol=1e-5, rtol=0)
    assert pictures[0].std(dim=0).mean() > 0.01


def test_truncation_draws_w_nearer_to_its_mean(made: Path) -> None:
    whole, half = (load(weights=made, truncation=psi) for psi in (1.0, 0.5))
    far, near = (generator.sample(4, rng=rng())["w"] - generator.mean for generator in (whole, half))
    torch.testing.assert_close(near, far / 2)
    latents = whole.sample(2, rng=rng())
    assert torch.equal(whole(latents), half(latents))  # a w that was given is drawn as it is


def test_without_a_mean_in_the_file_it_is_that_of_many_draws(tmp_path: Path) -> None:
    generator = load(weights=save_rosinality(tmp_path, make_rosinality()))
    assert DRAWS == 10_000  # appendix D of the paper
    w = generator.sample(DRAWS, rng=rng(7))["w"]
    assert (generator.mean - w.mean(dim=0)).abs().max() < 0.05 * w.std(dim=0).max()


def test_layers_of_w_plus_are_free_of_each_other(made: Path) -> None:
    generator = load(weights=made, space="w+")
    w = generator.sample(1, rng=rng())["w"]
    assert torch.equal(w[:, 0], w[:, 5])
    for layer in range(6):
        other = w.clone()
        other[:, layer] += 1.0
        assert (generator({"w": other}) - generator({"w": w})).abs().max() > 1e-4


def test_noise_is_the_file_s_or_a_seed_s_and_the_same_in_every_row(made: Path) -> None:
    own, first, second = (load(weights=made, noise=seed) for seed in (None, 1, 2))
    latents = {"w": own.sample(1, rng=rng())["w"].repeat(2, 1)}
    pictures = [generator(latents) for generator in (own, first, second)]
    assert (pictures[0] - pictures[1]).abs().max() > 1e-3
    assert (pictures[1] - pictures[2]).abs().max() > 1e-3
    assert torch.equal(pictures[1], load(weights=made, noise=1)(latents))
    torch.testing.assert_close(pictures[1][0], pictures[1][1])


def test_options_are_part_of_what_a_generator_is(made: Path) -> None:
    options: list[dict[str, Any]] = [{}, {"space": "w+"}, {"truncation": 0.5}, {"noise": 1}]
    assert len({load(weights=made, **each).fingerprint for each in options}) == 4
    assert load(weights=made).fingerprint == load(weights=made.parent).fingerprint


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"space": "s"}, "space: expected one of 'z', 'w', 'w\\+', got s"),
        ({"truncation": 0}, "truncation: expected a number above 0 and at most 1, got 0"),
        ({"truncation": 1.5}, "truncation: expected a number above 0 and at most 1, got 1.5"),
        ({"noise": -1}, "noise: expected"),
        ({"canvas": (16, 32)}, r"canvas: expected nothing, or \(16, 16\), as a StyleGAN2 draws squares"),
        ({"canvas": 16}, "canvas: expected nothing"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, Any], message: str, made: Path) -> None:
    with pytest.raises(InvalidInput, match=message):
        load(weights=made, **options)


def test_the_canvas_that_it_has_may_be_named(made: Path) -> None:
    assert load(weights=made, canvas=(16, 16)).resolution == (16, 16)


def test_the_step_in_w_is_styleclip_s(made: Path) -> None:
    assert load(weights=made).recommended == load(weights=made, space="w+").recommended == {"lr": 0.1}
    assert LR == 0.1  # optimization/run_optimization.py of orpatashnik/StyleCLIP
    assert load(weights=made, space="z").recommended == {}  # a Gaussian z, as the paper's of BigGAN


def test_a_picture_keeps_the_gradient_that_leads_back_into_its_range() -> None:
    x = torch.tensor([-0.5, -0.5, 0.5, 0.5, 1.5, 1.5], requires_grad=True)
    y = soft_clamp(x)
    assert torch.equal(y.detach(), torch.tensor([0.0, 0.0, 0.5, 0.5, 1.0, 1.0]))
    y.backward(torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0]))
    assert torch.equal(x.grad, torch.tensor([0.0, -1.0, 1.0, -1.0, 1.0, 0.0]))  # pyright: ignore[reportArgumentType]


def test_it_is_steered_by_a_prompt(made: Path) -> None:
    small = {"steps": 12, "augment": fd.NO_VIEWS, "bank": 64, "samples": 64, "basis": 2, "mix": "best", "noise": 0.0}
    for space in ("z", "w", "w+"):
        generator: StyleGAN2Generator = load(weights=made, space=space)  # pyright: ignore[reportArgumentType]
        dream = fd.FuseDream(generator=generator, scorer=ToyScorer(8), settings=small)
        losses = dream.generate("red", seeds=[0, 1], progress=False).history["augclip"]
        assert (losses[-1] < losses[0]).all()
