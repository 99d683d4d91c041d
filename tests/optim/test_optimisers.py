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
    "ramped": adam(0.1, ramps_over=6),
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


def test_a_ramped_learning_rate_rises_along_a_line_and_falls_along_a_cosine():
    """The schedule of StyleGAN2's projector: rampup 0.05, rampdown 0.25."""
    seen = walk(adam(0.1, ramps_over=40), [torch.ones(1)] * 41)
    moved = -torch.cat([seen[:1], seen.diff(dim=0)]).flatten()
    up = [min(1.0, step / 2) for step in range(41)]
    down = [0.5 - 0.5 * math.cos(math.pi * min(1.0, (40 - step) / 10)) for step in range(41)]
    torch.testing.assert_close(moved, 0.1 * torch.tensor(up) * torch.tensor(down), rtol=1e-4, atol=1e-6)
    assert moved[0] == moved[-1] == 0


def test_one_schedule_is_enough():
    with pytest.raises(InvalidInput, match="ramps_over: expected nothing, as falls_over is a schedule already, got 9"):
        adam(0.1, falls_over=9, ramps_over=9)


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


THEIRS: dict[str, Callable] = {
    "adam": lambda params: torch.optim.Adam(params, lr=0.1),
    "plain": lambda params: torch.optim.SGD(params, lr=0.1),
    "nesterov": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True),
    "heavy": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9),
}
OURS: dict[str, Callable] = {**MAKERS, "heavy": sgd(0.1, momentum=0.9)}


def rough(shape: tuple[int, ...], count: int) -> list[Tensor]:
    """Gradients of all sizes, among them zeros."""
    rng = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=rng) * 10.0 ** torch.randint(-9, 5, shape, generator=rng) for _ in range(count)]


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("shape", [(), (1, 3), (5, 128), (2, 3, 17, 9)], ids=str)
def test_every_step_is_torchs_to_the_bit(name: str, shape: tuple[int, ...]):
    gradients = [*rough(shape, 150), torch.zeros(shape), *rough(shape, 50)]
    assert torch.equal(walk(OURS[name], gradients), walk(THEIRS[name], gradients))


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("first", [OURS, THEIRS], ids=["ours-first", "torchs-first"])
def test_ours_and_torchs_go_on_from_what_the_other_kept(name: str, first: dict[str, Callable]):
    second = THEIRS if first is OURS else OURS
    gradients = rough((4, 3), 20)
    x = torch.zeros(4, 3).requires_grad_()
    optimiser = first[name]([x])
    for at, gradient in enumerate(gradients):
        if at == 10:
            kept = optimiser.state[x]
            optimiser = second[name]([x])
            optimiser.state.update({x: kept})
        x.grad = gradient.clone()
        optimiser.step()
    assert torch.equal(x.detach(), walk(THEIRS[name], gradients)[-1])


def test_what_is_kept_has_torchs_names_and_shapes():
    for name in THEIRS:
        kept = []
        for make in (OURS[name], THEIRS[name]):
            x = torch.zeros(2, 3).requires_grad_()
            optimiser = make([x])
            assert optimiser.state[x] == {}
            x.grad = torch.ones(2, 3)
            optimiser.step()
            kept.append({key: (value.dtype, value.shape) for key, value in optimiser.state[x].items() if value is not None})
        assert kept[0] == kept[1], name


def test_a_parameter_without_a_gradient_stays():
    for make in MAKERS.values():
        x, y = torch.zeros(2).requires_grad_(), torch.zeros(2).requires_grad_()
        x.grad = torch.ones(2)
        optimiser = make([x, y])
        for _ in range(2):  # the first step of a ramped learning rate is none
            optimiser.step()
        assert x.abs().min() > 0
        assert y.abs().max() == 0


def test_looking_ahead_needs_momentum():
    with pytest.raises(InvalidInput, match="nesterov: expected momentum above 0 to look ahead along, got momentum 0"):
        sgd(0.1, nesterov=True)
