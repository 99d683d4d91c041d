"""The distance, for every trunk."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import lpips
import pytest
import torch

import fusedream_sdk as fd
from fusedream_lpips import load
from fusedream_lpips.loading import TRUNKS
from fusedream_lpips.metric import Lpips
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.protocols import Perceptual
from fusedream_sdk.testing import check_perceptual


@pytest.fixture(scope="module", params=list(TRUNKS))
def net(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def metric(net: str, trunks: dict[str, Path]) -> Lpips:
    return load(net=net, weights=trunks[net])  # pyright: ignore[reportArgumentType]


def pictures(count: int = 2, side: int = 48) -> tuple[torch.Tensor, ...]:
    return torch.rand(2, count, 3, side, side, generator=torch.Generator().manual_seed(1)).unbind(0)


def test_the_contract_is_kept(metric: Lpips) -> None:
    check_perceptual(metric, side=40)
    assert isinstance(metric, Perceptual)
    assert metric.to("cpu").device == torch.device("cpu")
    assert not metric.model.training
    assert not any(weight.requires_grad for weight in metric.model.parameters())


def test_the_distance_is_that_of_the_package(metric: Lpips, net: str, trunks: dict[str, Path]) -> None:
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        package = lpips.LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False)
    trunk = torch.load(trunks[net])
    slices = {name: trunk[f"features.{name.split('.', 1)[1]}"] for name in package.net.state_dict()}
    package.net.load_state_dict(slices, assign=True)
    heads = torch.load(Path(lpips.__file__).parent / "weights" / "v0.1" / f"{net}.pth", map_location="cpu")
    package.load_state_dict(heads, strict=False, assign=True)
    a, b = pictures()
    with torch.no_grad():
        expected = package.eval()(a, b, normalize=True).flatten()
        torch.testing.assert_close(metric(a, b), expected, atol=1e-6, rtol=1e-5)
    assert expected.min() > 1e-3


def test_the_smallest_pictures_are_read_and_smaller_ones_refused(metric: Lpips) -> None:
    a, b = pictures(1, metric.least)
    assert metric(a, b) > 0
    expected = f"a: expected pictures of at least {metric.least} x {metric.least} pixels"
    with pytest.raises(InvalidInput, match=expected):
        metric(a[..., 1:], b[..., 1:])


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ((2, 3, 40, 40), (2, 3, 40, 41), r"b: expected pictures of the shape of a, \(2, 3, 40, 40\)"),
        ((3, 40, 40), (3, 40, 40), r"a: expected pictures of shape \(B, 3, H, W\)"),
        ((1, 3, 40, 40), (1, 1, 40, 40), r"b: expected pictures of shape \(B, 3, H, W\)"),
    ],
)
def test_pictures_that_cannot_be_compared_are_refused(trunks: dict[str, Path], a: tuple, b: tuple, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        load(weights=trunks["alex"])(torch.zeros(a), torch.zeros(b))


def test_pictures_need_not_be_square(metric: Lpips) -> None:
    a, b = pictures()
    assert metric(a[..., :40], b[..., :40]).shape == (2,)


@pytest.mark.parametrize("bias", [-2.0, -100.0])
def test_the_gradient_is_finite_where_no_channel_of_the_first_layer_is_active(trunks: dict[str, Path], bias: float) -> None:
    metric = load(weights=trunks["alex"])
    first: Any = metric.model.net.slice1[0]
    first.bias.fill_(bias)
    a, b = pictures(1)
    (gradient,) = torch.autograd.grad(metric(a.requires_grad_(), b).sum(), a)
    dead = float((metric.model.net(2 * a - 1)[0].sum(dim=1) == 0).float().mean())
    assert dead > 0
    assert torch.isfinite(gradient).all()


def test_the_gradient_is_finite_between_a_picture_and_itself(metric: Lpips) -> None:
    a, _ = pictures(1)
    (gradient,) = torch.autograd.grad(metric(a.requires_grad_(), a.detach()).sum(), a)
    assert torch.isfinite(gradient).all()


def test_half_precision_pictures_are_compared_in_float32(trunks: dict[str, Path]) -> None:
    a, b = pictures()
    assert load(weights=trunks["alex"])(a.bfloat16(), b.bfloat16()).dtype == torch.float32


def test_the_fingerprint_is_of_the_net_and_its_weights(trunks: dict[str, Path], tmp_path: Path) -> None:
    own = load(weights=trunks["alex"]).fingerprint
    assert fd.load_perceptual("lpips", weights=trunks["alex"]).fingerprint == own  # pyright: ignore[reportAttributeAccessIssue]
    changed = torch.load(trunks["alex"])
    changed["features.0.bias"] += 1
    torch.save(changed, tmp_path / "changed.pth")
    assert load(weights=tmp_path / "changed.pth").fingerprint != own
