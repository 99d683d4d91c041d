"""From losses to a direction."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import LatentSpec
from fusedream_sdk.optim.directions import Clipped, Descent, DynamicBarrier, WeightedSum, inner
from fusedream_sdk.optim.loop import iterate
from fusedream_sdk.optim.parametrise import Direct
from fusedream_sdk.protocols import Evaluation, Params

SEEDS = st.integers(0, 2**31)
ALPHAS = st.floats(0.05, 5)


def problem(seed: int, rows: int = 3) -> tuple[dict[str, Tensor], Params, Params, Params]:
    """Two random quadratic losses over two parameters, and their exact gradients."""
    rng = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=rng, dtype=torch.float64)  # noqa: E731
    params = {"x": draw(rows, 4).requires_grad_(), "y": draw(rows, 2, 3).requires_grad_()}
    losses, gradients = {}, {}
    for name in ("augclip", "consistency"):
        centre = {n: draw(*p.shape) for n, p in params.items()}
        losses[name] = torch.stack([(p - centre[n]).square().flatten(1).sum(1) / 2 for n, p in params.items()]).sum(0)
        gradients[name] = {n: p.detach() - centre[n] for n, p in params.items()}
    return losses, params, gradients["augclip"], gradients["consistency"]


def close(a: Params, b: Params) -> bool:
    return all(torch.allclose(a[name], b[name]) for name in a)


def test_descent_is_the_gradient_of_the_primary_loss_row_by_row():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    losses = {"primary": x.square().sum(dim=1), "secondary": 100 * x.sum(dim=1)}
    assert torch.equal(Descent()(losses, {"x": x})["x"], 2 * x.detach())


def test_a_parameter_that_the_loss_ignores_gets_zero():
    x, y = torch.ones(2, 3, requires_grad=True), torch.ones(2, 1, requires_grad=True)
    assert torch.equal(Descent()({"loss": x.sum(dim=1)}, {"x": x, "y": y})["y"], torch.zeros(2, 1))


@given(SEEDS, st.floats(-3, 3), st.floats(-3, 3))
def test_a_weighted_sum_has_the_weighted_gradients(seed: int, c: float, d: float):
    losses, params, g, f = problem(seed)
    v = WeightedSum({"augclip": c, "consistency": d})(losses, params)
    assert close(v, {n: c * g[n] + d * f[n] for n in g})


@given(SEEDS, ALPHAS)
def test_the_barrier_keeps_the_promised_descent_of_the_primary_loss(seed: int, alpha: float):
    losses, params, g, _ = problem(seed)
    v = DynamicBarrier(alpha=alpha)(losses, params)
    assert (inner(g, v) >= alpha * inner(g, g) * (1 - 1e-9)).all()


@given(SEEDS, ALPHAS)
def test_the_barrier_is_the_secondary_gradient_where_that_already_descends_enough(seed: int, alpha: float):
    losses, params, g, f = problem(seed)
    v = DynamicBarrier(alpha=alpha)(losses, params)
    free = inner(f, g) >= alpha * inner(g, g)
    for name in v:
        assert torch.allclose(v[name][free], f[name][free])
        assert not torch.allclose(v[name][~free], f[name][~free]) or not (~free).any()


@given(SEEDS, ALPHAS)
def test_where_they_conflict_the_step_descends_by_exactly_phi(seed: int, alpha: float):
    losses, params, g, f = problem(seed)
    v = DynamicBarrier(alpha=alpha)(losses, params)
    bound = inner(f, g) < alpha * inner(g, g)
    assert torch.allclose(inner(g, v)[bound], (alpha * inner(g, g))[bound])


@given(SEEDS, ALPHAS)
def test_a_constant_secondary_loss_leaves_plain_descent_of_the_primary(seed: int, alpha: float):
    losses, params, g, _ = problem(seed)
    constant = {"augclip": losses["augclip"], "consistency": 0 * sum(p.flatten(1).sum(1) for p in params.values())}
    assert close(DynamicBarrier(alpha=alpha)(constant, params), {n: alpha * x for n, x in g.items()})


@given(SEEDS)
def test_a_constant_primary_loss_leaves_the_secondary_gradient(seed: int):
    losses, params, _, f = problem(seed)
    flat = {"consistency": losses["consistency"], "augclip": 0 * sum(p.flatten(1).sum(1) for p in params.values())}
    assert close(DynamicBarrier()(flat, params), f)


@given(SEEDS, st.floats(0.1, 3), st.floats(0.1, 3))
def test_the_general_form_bounds_the_descent_by_the_gap_and_by_the_gradient(seed: int, alpha: float, beta: float):
    losses, params, g, _ = problem(seed)
    v = DynamicBarrier(alpha=alpha, beta=beta, floor=0.0)(losses, params)
    phi = torch.minimum(alpha * losses["augclip"].detach(), beta * inner(g, g))
    assert (inner(g, v) >= phi * (1 - 1e-9)).all()


@given(SEEDS)
def test_the_inverse_problem_is_the_barrier_with_the_roles_exchanged(seed: int):
    losses, params, _, f = problem(seed)
    v = DynamicBarrier("consistency", "augclip")(losses, params)
    assert (inner(f, v) >= inner(f, f) * (1 - 1e-9)).all()


@given(SEEDS)
def test_each_row_alone_gets_its_direction_in_the_batch(seed: int):
    losses, params, _, _ = problem(seed)
    v = DynamicBarrier()(losses, params)
    for row in range(3):
        again, whole, _, _ = problem(seed)
        one = {n: p.detach()[row : row + 1].requires_grad_() for n, p in whole.items()}
        centres = problem(seed)
        moved = {n: whole[n].detach() - centres[2][n] for n in one}, {n: whole[n].detach() - centres[3][n] for n in one}
        alone = {
            name: torch.stack([(one[n] - c[n][row : row + 1]).square().flatten(1).sum(1) / 2 for n in one]).sum(0)
            for name, c in zip(("augclip", "consistency"), moved, strict=True)
        }
        assert torch.allclose(alone["augclip"], again["augclip"][row])
        assert close(DynamicBarrier()(alone, one), {n: x[row : row + 1] for n, x in v.items()})


def test_a_row_that_is_not_finite_leaves_the_others_alone():
    losses, params, _, _ = problem(1)
    v = DynamicBarrier()(losses, params)
    losses, params, _, _ = problem(1)
    broken = {n: x * torch.tensor([1.0, torch.nan, 1.0]) for n, x in losses.items()}
    again = DynamicBarrier()(broken, params)
    for name in v:
        assert torch.equal(v[name][[0, 2]], again[name][[0, 2]])


def length(v: Params) -> Tensor:
    return inner(v, v).sqrt()


@given(SEEDS, st.floats(0.01, 20))
def test_a_clipped_direction_is_no_longer_than_its_bound_in_any_row_and_points_the_same_way(seed: int, bound: float):
    losses, params, g, _ = problem(seed)
    v = Clipped(bound)(losses, params)
    assert (length(v) <= bound * (1 + 1e-9)).all()
    torch.testing.assert_close(inner(v, g), length(v) * length(g))
    long = length(g) > bound
    torch.testing.assert_close(length(v)[long], torch.full_like(length(v)[long], bound))
    for name in v:
        assert torch.equal(v[name][~long], g[name][~long])


def test_each_row_is_clipped_by_its_own_length_over_all_its_parameters():
    x, y = torch.ones(3, 1, requires_grad=True), torch.ones(3, 1, requires_grad=True)
    slopes = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    v = Clipped(1.0)({"loss": slopes[:, 0] * x[:, 0] + slopes[:, 1] * y[:, 0]}, {"x": x, "y": y})
    torch.testing.assert_close(torch.cat([v["x"], v["y"]], dim=1), torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]]))


@given(SEEDS)
def test_any_direction_can_be_clipped(seed: int):
    losses, params, _, _ = problem(seed)
    barrier = DynamicBarrier()(losses, params)
    again, params, _, _ = problem(seed)
    v = Clipped(0.5, DynamicBarrier())(again, params)
    share = (0.5 / length(barrier)).clamp_max(1)
    assert close(v, {n: x * share.view(-1, *[1] * (x.dim() - 1)) for n, x in barrier.items()})


def test_clipping_hides_no_value_that_is_not_finite_and_spares_the_other_rows():
    x = torch.ones(3, 2, requires_grad=True)
    slopes = torch.tensor([9.0, torch.nan, torch.inf])
    v = Clipped(1.0)({"loss": slopes * x.sum(dim=1)}, {"x": x})["x"]
    assert [bool(torch.isfinite(row).all()) for row in v] == [True, False, False]
    torch.testing.assert_close(v[0].norm(), torch.tensor(1.0))


@pytest.mark.parametrize("bound", [0, -1, float("nan"), float("inf"), True, "1"])
def test_a_bound_that_is_no_positive_number_is_refused(bound: object):
    with pytest.raises(InvalidInput, match="norm: expected a positive number, got"):
        Clipped(bound)  # pyright: ignore[reportArgumentType]


def test_latents_that_are_single_numbers_have_directions_too():
    x = torch.tensor([3.0, -0.2], requires_grad=True)
    torch.testing.assert_close(Clipped(1.0)({"augclip": x.square()}, {"x": x})["x"], torch.tensor([1.0, -0.4]))
    v = DynamicBarrier()({"augclip": x.square(), "consistency": -x}, {"x": x})["x"]
    torch.testing.assert_close(v, torch.tensor([6.0, -1.0]))  # phi where they conflict, the secondary where they do not


POINT = torch.tensor([2.0, 1.0], dtype=torch.float64)


class Ring:
    """g is zero on the unit circle, f is the distance to a point outside it: their minima differ."""

    def __call__(self, latents: Params, *, step: int) -> Evaluation:
        x = latents["x"]
        g = (x.square().sum(dim=1) - 1).square() / 4
        f = (x - POINT).square().sum(dim=1)
        return Evaluation(latents, torch.zeros(len(x), 3, 1, 1), {"augclip": g, "consistency": f})


def test_plain_barrier_descent_lowers_the_primary_loss_in_every_step_and_then_solves_the_bi_level_problem():
    start = {"x": torch.tensor([[0.2, 2.0], [-0.6, 2.2], [2.2, -0.8]], dtype=torch.float64)}
    direct = Direct({"x": LatentSpec((2,))}, start)
    states = list(
        iterate(
            *(Ring(), direct, direct.params),
            steps=1500,
            direction=DynamicBarrier(),
            make_optimiser=lambda params: torch.optim.SGD(params, lr=0.01),
        )
    )
    g = torch.stack([state.evaluation.losses["augclip"] for state in states])
    assert (g.diff(dim=0) <= 1e-12).all()
    assert torch.allclose(states[-1].params["x"], (POINT / POINT.norm()).expand(3, 2), atol=1e-2)


def test_a_wrong_alpha_or_loss_is_named():
    with pytest.raises(InvalidInput, match=r"alpha: expected a positive number, got 0"):
        DynamicBarrier(alpha=0)
    with pytest.raises(InvalidInput, match=r"beta: expected a positive number, got -1"):
        DynamicBarrier(beta=-1)
    x = torch.ones(1, 1, requires_grad=True)
    with pytest.raises(InvalidInput, match=r"losses: expected one named 'consistency'"):
        DynamicBarrier()({"augclip": x.sum(dim=1)}, {"x": x})
    with pytest.raises(InvalidInput, match=r"weights: expected name of a loss"):
        WeightedSum({})
