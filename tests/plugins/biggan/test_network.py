"""The folded network is the package's function."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from pytorch_pretrained_biggan import BigGAN, BigGANConfig

from fusedream_biggan.folding import normalised, statistics, upsampling
from fusedream_biggan.layers import NormReLU
from fusedream_sdk.errors import WeightsError

from .conftest import folded, make_model


def inputs(model: BigGAN, rows: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """z and one-hot classes."""
    z = torch.randn(rows, model.config.z_dim, generator=torch.Generator().manual_seed(3)).clamp(-2, 2)
    return z, torch.eye(model.config.num_classes)[torch.arange(rows) % model.config.num_classes]


def of(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Its entries, under the name "it"."""
    return {f"it.{name}": value for name, value in module.state_dict().items()}


@pytest.mark.parametrize("truncation", [1.0, 0.5, 0.02])
def test_folded_network_equals_the_package_at_grid_points_of_truncation(model: BigGAN, truncation: float) -> None:
    z, classes = inputs(model)
    with torch.no_grad():
        expected = model(z, classes, truncation)
        found = folded(model, truncation)(z, model.embeddings(classes))
    assert expected.std() > 0.05
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_folded_network_equals_the_package_in_the_shape_of_biggan_deep_128_with_its_gradient() -> None:
    model = make_model(BigGANConfig().to_dict()).requires_grad_(False)
    z, classes = inputs(model, rows=1)
    outcomes = []
    for function in (lambda z, y: model.generator(torch.cat([z, y], 1), 1.0), folded(model)):
        point = [z.clone().requires_grad_(), model.embeddings(classes).requires_grad_()]
        images = function(*point)
        outcomes.append((images.detach(), *torch.autograd.grad(images.square().sum(), point)))
    expected, found = outcomes
    assert expected[0].shape == (1, 3, 128, 128)
    torch.testing.assert_close(found[0], expected[0], atol=1e-4, rtol=0)
    for gradient, wanted in zip(found[1:], expected[1:], strict=True):
        torch.testing.assert_close(gradient, wanted, atol=1e-3 * wanted.abs().max().item(), rtol=0)


def test_statistics_are_interpolated_linearly_between_grid_points(model: BigGAN) -> None:
    norm: Any = copy.deepcopy(model.generator.bn)
    norm.running_means.copy_(torch.arange(51.0)[:, None].expand_as(norm.running_means))
    for truncation in (0.013, 0.58, 0.995, 1.0):
        mean, _ = statistics(of(norm), "it", truncation)
        torch.testing.assert_close(mean, torch.full_like(mean, 50 * truncation), atol=1e-4, rtol=0)


PACKAGE = {0.5: 25.0, 0.51: 25.5, 0.515: 25.25, 0.14: 8.0, 0.28: 15.0, 0.56: 29.0, 0.58: 28.0, 0.94: 46.0, 0.995: 49.25}


def means_used(norm: Any, truncation: float) -> float:
    """The row of the table of means, counted from 0, that the package's own batch norm takes at a truncation."""
    norm.running_means.copy_(torch.arange(51.0)[:, None].expand_as(norm.running_means))
    norm.running_vars.fill_(1 - norm.eps)
    norm.weight.data.fill_(1.0)
    norm.bias.data.zero_()
    with torch.no_grad():
        return -float(norm(torch.zeros(1, norm.num_features, 1, 1), truncation).mean())


@pytest.mark.parametrize(("truncation", "theirs"), PACKAGE.items())
def test_between_grid_points_the_package_swaps_the_two_shares_and_ours_do_not(
    model: BigGAN, truncation: float, theirs: float
) -> None:
    norm: Any = copy.deepcopy(model.generator.bn)
    assert means_used(norm, truncation) == pytest.approx(theirs, abs=1e-3)
    assert float(statistics(of(norm), "it", truncation)[0].mean()) == pytest.approx(50 * truncation, abs=1e-3)


@pytest.mark.parametrize(("truncation", "apart"), [(0.5, 0.0), (0.58, 0.157), (0.515, 0.059)])
def test_pictures_differ_from_the_packages_where_its_statistics_are_others(
    model: BigGAN, truncation: float, apart: float
) -> None:
    z, classes = inputs(model)
    with torch.no_grad():
        theirs = model(z, classes, truncation)
        found = folded(model, truncation)(z, model.embeddings(classes))
    assert float((found - theirs).abs().max()) / 2 == pytest.approx(apart, abs=0.01)


def test_upsampling_kernel_equals_doubling_then_convolution() -> None:
    x, kernel = torch.randn(2, 3, 5, 4), torch.randn(6, 3, 3, 3)
    expected = torch.nn.functional.conv2d(torch.nn.functional.interpolate(x, scale_factor=2.0), kernel, padding=1)
    found = torch.nn.functional.conv_transpose2d(x, upsampling(kernel), stride=2, padding=1)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_norm_relu_has_the_right_gradient() -> None:
    x, scale, shift = (torch.randn(s, dtype=torch.double) for s in ((2, 3, 4, 4), (2, 3, 1, 1), (2, 3, 1, 1)))
    assert torch.autograd.gradcheck(NormReLU.apply, [t.requires_grad_() for t in (x, scale, shift)])


def test_nothing_in_the_network_is_trainable(model: BigGAN) -> None:
    assert not list(folded(model).parameters())


def test_zero_spectral_norm_is_refused(model: BigGAN) -> None:
    layer: Any = copy.deepcopy(model.generator.gen_z)
    layer.weight_u.zero_()
    with pytest.raises(WeightsError, match="spectral norm is zero"):
        normalised(of(layer), "it")
