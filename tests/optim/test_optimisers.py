"""What takes the step."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.optim.optimisers import adam, sgd
from tests.optim.toys import START, Bowl, states

MAKERS = {
    "adam": adam(0.1),
    "falling": adam(0.1, falls_over=6),
    "plain": sgd(0.1),
    "nesterov": sgd(0.1, momentum=0.9, nesterov=True),
}


def walk(make: Callable, gradients: list[Tensor]) -> Tensor:
    """Where zero comes to, after each of the gradients: (T, ...)."""
    x = torch.zeros_like(gradients[0]).requires_grad_()
    optimiser, seen = make([x]), []
    for gradient in gradients:
        x.grad = gradient.clone()
        optimiser.step()
        seen.append(x.detach().clone())
    return torch.stack(seen)


def test_adam_takes_steps_of_the_learning_rate_along_a_steady_gradient():
    steps = walk(adam(0.1), [torch.tensor([1e-3, 50.0, -2.0])] * 5).diff(dim=0)
    torch.testing.assert_close(steps, -0.1 * torch.tensor([1.0, 1.0, -1.0]).expand(4, 3), rtol=1e-4, atol=1e-6)


def test_adam_has_the_papers_learning_rate_by_default_and_no_weight_decay():
    torch.testing.assert_close(walk(adam(), [torch.ones(1)])[0], torch.tensor([-5e-3]))
    start = torch.full((1, 3), 2.0)
    assert torch.equal(states(Bowl(2.0), start, make_optimiser=adam())[-1].params["x"], start)


def test_a_falling_learning_rate_follows_a_cosine_to_zero():
    seen = walk(adam(0.1, falls_over=8), [torch.ones(1)] * 9)
    moved = -torch.cat([seen[:1], seen.diff(dim=0)]).flatten()
    cosine = [0.05 * (1 + math.cos(math.pi * step / 8)) for step in range(9)]
    torch.testing.assert_close(moved, torch.tensor(cosine), rtol=1e-4, atol=1e-6)
    assert moved[-1] == 0


def test_plain_descent_follows_the_gradient_whatever_its_size():
    gradients = [torch.tensor([1e-3, 50.0]), torch.tensor([2.0, 0.0])]
    assert torch.equal(walk(sgd(0.5), gradients)[-1], -0.5 * (gradients[0] + gradients[1]))


def test_momentum_keeps_its_share_of_the_last_step():
    seen = walk(sgd(1.0, momentum=0.5), [torch.ones(1), torch.zeros(1), torch.zeros(1)])
    assert seen.flatten().tolist() == [-1.0, -1.5, -1.75]


def test_sgd_with_nesterov_momentum_takes_its_own_steps():
    seen = states(Bowl(0.0), steps=2, make_optimiser=sgd(0.1, momentum=0.5, nesterov=True))
    first = START - 0.1 * 1.5 * 2 * START
    torch.testing.assert_close(seen[1].params["x"], first)
    velocity = 0.5 * 2 * START + 2 * first
    torch.testing.assert_close(seen[2].params["x"], first - 0.1 * (2 * first + 0.5 * velocity))


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_row_alone_is_moved_as_among_others(make: Callable):
    rng = torch.Generator().manual_seed(0)
    gradients = [torch.randn(4, 3, generator=rng) * 10 ** torch.arange(-2.0, 2.0)[:, None] for _ in range(6)]
    together = walk(make, gradients)
    for row in range(4):
        assert torch.equal(walk(make, [x[row : row + 1] for x in gradients]), together[:, row : row + 1])


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_maker_may_be_used_for_several_runs(make: Callable):
    gradients = [torch.ones(2), -torch.ones(2), torch.ones(2)]
    assert torch.equal(walk(make, gradients), walk(make, gradients))


def test_looking_ahead_needs_momentum():
    with pytest.raises(InvalidInput, match="nesterov: expected momentum above 0 to look ahead along, got momentum 0"):
        sgd(0.1, nesterov=True)
