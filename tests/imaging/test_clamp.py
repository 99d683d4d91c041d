"""Pictures put into [0, 1]."""

from __future__ import annotations

import torch

from fusedream_sdk.imaging.clamp import soft_clamp


def test_a_clamped_pixel_keeps_the_gradient_that_leads_back() -> None:
    x = torch.tensor([-0.5, -0.5, 0.5, 0.5, 1.5, 1.5], requires_grad=True)
    y = soft_clamp(x)
    (y * torch.tensor([1.0, -1, 1, -1, 1, -1])).sum().backward()
    assert y.tolist() == [0, 0, 0.5, 0.5, 1, 1]
    assert x.grad is not None
    assert x.grad.tolist() == [0, -1, 1, -1, 1, 0]
