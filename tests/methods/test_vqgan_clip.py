"""VQGAN-CLIP's choice of parts."""

from __future__ import annotations

from typing import Any

import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.methods.base import settings_adam
from fusedream_sdk.methods.vqgan_clip import vqgan_clip
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import Task, direct, drawn
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.scoring.spherical import SphericalTarget
from fusedream_sdk.scoring.views import VQGAN_CLIP_CUTOUTS
from fusedream_sdk.testing import ToyScorer, check_method, random_latents


def test_its_constants_are_those_of_the_script_whatever_the_models_recommend():
    settings = vqgan_clip().settings_for(Settings(steps=80, views=8, lr=0.02, noise=0.01, basis=5), {})
    assert (settings.steps, settings.views, settings.lr) == (500, 32, 0.1)  # max_iterations, cutn, step_size
    assert settings.augment == VQGAN_CLIP_CUTOUTS
    assert (settings.samples, settings.basis, settings.noise, settings.keep) == (1, 1, 0.0, "last")
    assert vqgan_clip(published=False).settings_for(Settings(steps=80, lr=0.02), {}).lr == 0.02


def test_its_parts_begin_at_random_codes_and_move_them_alone():
    method = vqgan_clip()
    assert (method.starts, method.parametrise, method.optimiser) == (drawn, direct, settings_adam)


def test_its_loss_is_half_the_mean_squared_angle_to_each_prompt(dream: FuseDream):
    pair = [(Prompt("red | blue:-0.5"), 3), (Prompt("green"), 4)]
    task = Task(dream.engine, dream.engine.rows(pair), vqgan_clip(published=False).settings_for(dream.settings, {}))
    objective: Any = vqgan_clip().objective(task)
    latents = random_latents(dream.generator, 2)
    evaluation = objective(latents, step=1)
    views = VQGAN_CLIP_CUTOUTS.seen(evaluation.images, 8, seeds=[3, 4], step=1, count=task.settings.views)
    seen = ToyScorer(8).encode_image(views).view(2, task.settings.views, -1)

    def angle(row: int, word: str) -> torch.Tensor:
        return (seen[row] @ ToyScorer(8).encode_text([word])[0]).arccos()

    expected = [(angle(0, "red") ** 2 / 2 - 0.5 * angle(0, "blue") ** 2 / 2).mean() / 1.5, (angle(1, "green") ** 2 / 2).mean()]
    torch.testing.assert_close(evaluation.primary, torch.stack(expected), atol=1e-4, rtol=1e-4)
    assert isinstance(objective.target, SphericalTarget)


def test_it_keeps_the_contract_of_a_method():
    check_method(vqgan_clip(published=False))
