"""The one step of a scheduler as four numbers: what it does to the noise is linear in the noise and in the prediction.

    input = scale * begin * noise,   latent = keep * begin * noise + add * prediction

They are found by asking the scheduler, so its own arithmetic holds whatever its kind, and the loop has no state.
"""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.errors import WeightsError
from fusedream_sdk.models.weights import first_line

TRIED = ((3.0, -2.0), (0.25, 7.0), (40.0, 30.0))  # samples and predictions on which the four numbers have to hold
TOLERANCE = 1e-4
LATE = 0.5  # share of the training's timesteps that one step has to pass
OVERRIDE = "If it was trained for one step, say so: one_step=true."


@dataclass(frozen=True)
class OneStep:
    """From noise of unit variance to the latent of a picture.

    Args:
        timestep: at which the network predicts.
        begin: standard deviation of the noise where the step begins.
        scale: of the sample, before the network sees it.
        keep, add: of the sample and of the prediction, in the latent.
    """

    timestep: float
    begin: float
    scale: float
    keep: float
    add: float

    def seen(self, noise: Tensor) -> Tensor:
        """What the network is given, shaped as the noise."""
        return self.scale * self.begin * noise

    def taken(self, noise: Tensor, prediction: Tensor) -> Tensor:
        """The latent, shaped as both."""
        return self.keep * self.begin * noise + self.add * prediction


def one_step(scheduler: Any, *, trusted: bool = False) -> OneStep:
    """What a scheduler of diffusers makes of noise in one step.

    Args:
        scheduler: as its pipeline has it.
        trusted: the pipeline is of one step though its scheduler was not set for it: then the step is the scheduler's with
            "trailing" timesteps, from the noisiest one, as the public code of ReNO has it for SDXL-Turbo.

    Raises:
        WeightsError: one step of it would leave the noise where it is, it takes several steps for one, or it does more than
            add and multiply.

    References:
        Lin et al. (2023). Common diffusion noise schedules and sample steps are flawed. arXiv:2305.08891, table 2: spacings.
        Eyring et al. (2024). ReNO. arXiv:2406.04312; code: ExplainableML/ReNO, models/utils.py.
    """
    name = type(scheduler).__name__
    changes = {"timestep_spacing": "trailing"} if trusted and "timestep_spacing" in scheduler.config else {}
    try:
        with warnings.catch_warnings():  # of numpy, about how diffusers hands it tensors
            warnings.simplefilter("ignore")
            found = _measured(scheduler, changes)
            wrong = [pair for pair in TRIED if not _holds(scheduler, changes, found, *pair)]
    except WeightsError:
        raise
    except Exception as error:  # whatever a scheduler says of a plan of one step
        raise WeightsError(f"weights: the scheduler {name} makes no picture in one step: {first_line(error)}.") from error
    if wrong:
        raise WeightsError(f"weights: the scheduler {name} clips or draws noise in its step, which cannot be steered.")
    trained = int(scheduler.config.get("num_train_timesteps", 1000))
    if found.timestep < LATE * trained and not trusted:
        raise WeightsError(
            f"weights: expected a pipeline of one step, got one whose scheduler {name} would begin it at timestep "
            f"{found.timestep:.0f} of {trained}, where no noise is left to remove: it needs many steps. {OVERRIDE}"
        )
    return found


def _measured(scheduler: Any, changes: dict[str, Any]) -> OneStep:
    """The four numbers, from what the scheduler makes of ones and zeros."""
    fresh = _fresh(scheduler, changes)
    if len(fresh.timesteps) != 1:
        got = f"{len(fresh.timesteps)} predictions for it"
        raise WeightsError(f"weights: expected a scheduler of one step, got {type(scheduler).__name__}, which takes {got}.")
    begin = float(fresh.init_noise_sigma)
    scale = float(fresh.scale_model_input(torch.ones(1, 1, 1, 1), fresh.timesteps[0]))
    keep, add = (_after(scheduler, changes, *pair) for pair in ((1.0, 0.0), (0.0, 1.0)))
    return OneStep(float(fresh.timesteps[0]), begin, scale, keep, add)


def _holds(scheduler: Any, changes: dict[str, Any], found: OneStep, sample: float, prediction: float) -> bool:
    expected = found.keep * sample + found.add * prediction
    return abs(_after(scheduler, changes, sample, prediction) - expected) <= TOLERANCE * max(1.0, abs(expected))


def _after(scheduler: Any, changes: dict[str, Any], sample: float, prediction: float) -> float:
    """What one step makes of a sample and a prediction of one number each."""
    fresh = _fresh(scheduler, changes)
    given, told = torch.full((1, 1, 1, 1), sample), torch.full((1, 1, 1, 1), prediction)
    fresh.scale_model_input(given, fresh.timesteps[0])  # some count their steps there
    own = {"generator": torch.Generator().manual_seed(0)} if "generator" in inspect.signature(fresh.step).parameters else {}
    return float(fresh.step(told, fresh.timesteps[0], given, return_dict=False, **own)[0])


def _fresh(scheduler: Any, changes: dict[str, Any]) -> Any:
    """The same scheduler before its only step: stepping changes it."""
    fresh = type(scheduler).from_config(scheduler.config, **changes)
    fresh.set_timesteps(1)
    return fresh
