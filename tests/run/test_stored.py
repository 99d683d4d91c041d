"""Tensors of a saved folder."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.stored import Stored


def stored(**changes: Any) -> Stored:
    whole = {
        "status": [Status.DONE, Status.FAILED],
        "pictures": {"images": torch.rand(2, 3, 4, 4)},
        "latents": {"z": torch.zeros(2, 5)},
        "numbers": {"psnr": torch.tensor([torch.inf, torch.nan]), "best_step": torch.tensor([1, 2])},
        "history": {"augclip": torch.full((3, 2), torch.nan)},
    }
    return Stored(**{**whole, **changes})


def test_what_fits_passes_and_scores_and_histories_may_be_no_numbers():
    stored().check()
    stored(history={}).check()


def test_a_row_that_failed_may_not_be_finite_and_others_have_to():
    latents = torch.zeros(2, 5)
    latents[1] = torch.nan
    stored(latents={"z": latents}).check()
    with pytest.raises(ValueError, match=r"latents\.z with values that are not finite"):
        stored(latents={"z": latents.flip(0)}).check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": []}, "no rows"),
        ({"latents": {}}, "no latents"),
        ({"latents": {"z": torch.zeros(3, 5)}}, "latents.z of shape"),
        ({"latents": {"z": torch.tensor(1.0)}}, "latents.z of shape"),
        ({"latents": {"z": torch.zeros(2, 5, dtype=torch.long)}}, "latents.z of torch.int64"),
        ({"pictures": {"images": torch.rand(2, 1, 4, 4)}}, "images of shape"),
        ({"pictures": {"images": torch.rand(2, 3, 0, 4)}}, "images of shape"),
        ({"pictures": {"images": torch.rand(2, 3, 4)}}, "images of shape"),
        ({"pictures": {"images": torch.rand(2, 3, 4, 4) + 1.5}}, r"images outside \[0, 1\]"),
        ({"numbers": {"psnr": torch.zeros(2, 2)}}, "psnr of shape"),
        ({"numbers": {"psnr": torch.zeros(2, dtype=torch.complex64)}}, "psnr of shape"),
        ({"history": {"augclip": torch.zeros(3, 3)}}, "history.augclip of shape"),
    ],
)
def test_what_does_not_fit_is_told(changes: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        stored(**changes).check()
