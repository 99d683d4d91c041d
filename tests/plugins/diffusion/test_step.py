"""The one step of a scheduler as four numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from fusedream_sdk.errors import WeightsError
from tests.plugins.diffusion.conftest import SCHEDULE

diffusers: Any = pytest.importorskip("diffusers")  # of the extra diffusers
from fusedream_diffusion.step import one_step  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # numpy of diffusers

ONE_STEP = {
    "sd-turbo": lambda: diffusers.EulerDiscreteScheduler(**SCHEDULE),
    "sdxl-turbo": lambda: diffusers.EulerAncestralDiscreteScheduler(**SCHEDULE),
    "velocity": lambda: diffusers.EulerDiscreteScheduler(**SCHEDULE, prediction_type="v_prediction"),
    "lcm": lambda: diffusers.LCMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
    "ddim": lambda: diffusers.DDIMScheduler(**SCHEDULE, clip_sample=False),
}


@pytest.mark.parametrize("name", ONE_STEP)
def test_it_does_to_a_batch_what_the_scheduler_does(name: str):
    scheduler: Any = ONE_STEP[name]()
    step = one_step(scheduler)
    rng = torch.Generator().manual_seed(0)
    noise, prediction = (torch.randn(2, 4, 8, 8, generator=rng) for _ in range(2))
    scheduler.set_timesteps(1)
    sample, at = noise * scheduler.init_noise_sigma, scheduler.timesteps[0]
    torch.testing.assert_close(step.seen(noise), scheduler.scale_model_input(sample, at))
    expected = scheduler.step(prediction, at, sample, return_dict=False)[0]
    torch.testing.assert_close(step.taken(noise, prediction), expected, rtol=1e-4, atol=1e-4)
    assert step.timestep == float(at)


def test_the_step_of_a_turbo_model_takes_all_the_noise_off():
    step = one_step(diffusers.EulerDiscreteScheduler(**SCHEDULE))
    assert step.timestep == 999
    assert step.begin == pytest.approx(14.6146, abs=1e-3)  # of the noise schedule of Stable Diffusion
    assert (step.keep, step.add) == (1.0, pytest.approx(-step.begin))


def test_a_global_random_state_is_not_touched():
    before = torch.get_rng_state()
    one_step(diffusers.EulerAncestralDiscreteScheduler(**SCHEDULE))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("spacing", ["leading", "linspace"])
def test_a_scheduler_whose_one_step_would_leave_the_noise_is_refused_unless_told(spacing: str):
    scheduler = diffusers.EulerDiscreteScheduler(**{**SCHEDULE, "timestep_spacing": spacing})
    with pytest.raises(
        WeightsError, match=r"expected a pipeline of one step, got one whose scheduler EulerDiscrete.*one_step=true"
    ):
        one_step(scheduler)
    assert one_step(scheduler, trusted=True) == one_step(diffusers.EulerDiscreteScheduler(**SCHEDULE))


def test_a_scheduler_that_clips_is_refused():
    with pytest.raises(WeightsError, match="DDIMScheduler clips or draws noise in its step"):
        one_step(diffusers.DDIMScheduler(**SCHEDULE, clip_sample=True))
