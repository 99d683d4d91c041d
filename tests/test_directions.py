"""From losses to a direction."""

from __future__ import annotations

import torch

from fusedream_sdk.directions import Descent


def test_descent_is_the_gradient_of_the_primary_loss_row_by_row():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    losses = {"primary": x.square().sum(dim=1), "secondary": 100 * x.sum(dim=1)}
    assert torch.equal(Descent()(losses, {"x": x})["x"], 2 * x.detach())


def test_a_parameter_that_the_loss_ignores_gets_zero():
    x, y = torch.ones(2, 3, requires_grad=True), torch.ones(2, 1, requires_grad=True)
    assert torch.equal(Descent()({"loss": x.sum(dim=1)}, {"x": x, "y": y})["y"], torch.zeros(2, 1))
