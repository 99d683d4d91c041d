"""The folded network is the package's function."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from pytorch_pretrained_biggan import BigGAN, BigGANConfig

from fusedream_biggan.folding import normalised, statistics, upsampling
from fusedream_biggan.layers import NormReLU
from fusedream_biggan.network import FoldedBigGAN
from fusedream_sdk.errors import WeightsError

from .conftest import make_model


def inputs(model: BigGAN, rows: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """z and one-hot classes."""
    z = torch.randn(rows, model.config.z_dim, generator=torch.Generator().manual_seed(3)).clamp(-2, 2)
    return z, torch.eye(model.config.num_classes)[torch.arange(rows) % model.config.num_classes]


@pytest.mark.parametrize("truncation", [1.0, 0.5, 0.02])
def test_folded_network_equals_the_package_at_grid_points_of_truncation(model: BigGAN, truncation: float) -> None:
    z, classes = inputs(model)
    with torch.no_grad():
        expected = model(z, classes, truncation)
        found = FoldedBigGAN(model, truncation)(z, model.embeddings(classes))
    assert expected.std() > 0.05
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_folded_network_equals_the_package_in_the_shape_of_biggan_deep_128_with_its_gradient() -> None:
    model = make_model(BigGANConfig().to_dict()).requires_grad_(False)
    z, classes = inputs(model, rows=1)
    outcomes = []
    for function in (lambda z, y: model.generator(torch.cat([z, y], 1), 1.0), FoldedBigGAN(model, 1.0)):
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
        mean, _ = statistics(norm, truncation)
        torch.testing.assert_close(mean, torch.full_like(mean, 50 * truncation), atol=1e-4, rtol=0)


def test_upsampling_kernel_equals_doubling_then_convolution() -> None:
    x, kernel = torch.randn(2, 3, 5, 4), torch.randn(6, 3, 3, 3)
    expected = torch.nn.functional.conv2d(torch.nn.functional.interpolate(x, scale_factor=2.0), kernel, padding=1)
    found = torch.nn.functional.conv_transpose2d(x, upsampling(kernel), stride=2, padding=1)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_norm_relu_has_the_right_gradient() -> None:
    x, scale, shift = (torch.randn(s, dtype=torch.double) for s in ((2, 3, 4, 4), (2, 3, 1, 1), (2, 3, 1, 1)))
    assert torch.autograd.gradcheck(NormReLU.apply, [t.requires_grad_() for t in (x, scale, shift)])


def test_nothing_in_the_network_is_trainable(model: BigGAN) -> None:
    assert not list(FoldedBigGAN(model, 1.0).parameters())


def test_zero_spectral_norm_is_refused(model: BigGAN) -> None:
    layer: Any = copy.deepcopy(model.generator.gen_z)
    layer.weight_u.zero_()
    with pytest.raises(WeightsError, match="spectral norm is zero"):
        normalised(layer)
