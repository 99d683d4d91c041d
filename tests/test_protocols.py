"""The contracts on one page."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
import torch

from fusedream_sdk import protocols
from fusedream_sdk.latents import LatentSpec
from fusedream_sdk.optim.directions import Descent, DynamicBarrier
from fusedream_sdk.optim.parametrise import BasisMix, Direct
from fusedream_sdk.protocols import Evaluation
from fusedream_sdk.scoring.augclip import plain_clip
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer

SPACE = {"x": LatentSpec((2,))}
OBJECTS = {
    "Generator": [ToyGenerator()],
    "Scorer": [ToyScorer()],
    "Reward": [ToyReward()],
    "Perceptual": [lambda a, b: (a - b).abs().mean(dim=(1, 2, 3))],
    "Objective": [plain_clip(ToyGenerator(), make_target(ToyScorer(), ["red"]), [0])],
    "Parametrisation": [Direct(SPACE, {"x": torch.zeros(1, 2)}), BasisMix(SPACE, {"x": torch.zeros(1, 3, 2)})],
    "Direction": [Descent(), DynamicBarrier()],
}


@pytest.mark.parametrize("name", OBJECTS)
def test_what_the_sdk_has_satisfies_its_own_contracts(name: str):
    for made in OBJECTS[name]:
        assert isinstance(made, getattr(protocols, name))


@pytest.mark.parametrize("name", OBJECTS)
def test_nothing_has_to_be_inherited_and_not_everything_will_do(name: str):
    assert not isinstance(object(), getattr(protocols, name))
    assert all(type(made).__mro__[1:] == (object,) for made in OBJECTS[name])


def test_the_first_loss_is_the_primary_one():
    first, second = torch.tensor([1.0, 2.0]), torch.tensor([0.0, -9.0])
    evaluation = Evaluation({}, torch.zeros(2, 3, 1, 1), {"secondary by its name": first, "augclip": second})
    assert evaluation.primary is first


def test_a_point_its_picture_and_its_losses_cannot_drift_apart():
    evaluation = Evaluation({}, torch.zeros(1, 3, 1, 1), {"loss": torch.zeros(1)})
    for name in ("latents", "images", "losses"):
        with pytest.raises(FrozenInstanceError):
            setattr(evaluation, name, None)
