"""The folded BigGAN is the function that its weights stand for."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_biggan.folding import affine, conditional_affine, iterated
from fusedream_biggan.network_shallow import EPSILON, ShallowBigGAN
from fusedream_biggan.shapes import plain
from fusedream_sdk.errors import InvalidInput, WeightsError

from .conftest import SHALLOW, make_shallow

Weights = dict[str, Tensor]


def unfolded(w: Weights, z: Tensor, y: Tensor) -> Tensor:
    """Brock et al. 2019, figure 15, step by step; spectral norms from one power iteration."""

    def weight(name: str) -> Tensor:
        matrix = w[f"{name}.weight"].flatten(1)
        v = F.normalize(w[f"{name}.u0"] @ matrix)
        u = F.normalize(v @ matrix.T)
        return w[f"{name}.weight"] / (v @ matrix.T @ u.T)

    def conv(x: Tensor, name: str) -> Tensor:
        kernel = weight(name)
        return F.conv2d(x, kernel, w.get(f"{name}.bias"), padding=kernel.shape[-1] // 2)

    def norm(x: Tensor, name: str, condition: Tensor) -> Tensor:
        x = F.batch_norm(x, w[f"{name}.stored_mean"], w[f"{name}.stored_var"], eps=1e-5)
        gain, bias = (F.linear(condition, weight(f"{name}.{part}"))[:, :, None, None] for part in ("gain", "bias"))
        return F.relu(x * (1 + gain) + bias)

    def attend(x: Tensor, name: str) -> Tensor:
        queries = conv(x, f"{name}theta").flatten(2)
        keys, values = (F.max_pool2d(conv(x, name + part), 2).flatten(2) for part in ("phi", "g"))
        mixed = values @ torch.softmax(queries.transpose(1, 2) @ keys, dim=2).transpose(1, 2)
        return x + w[f"{name}gamma"] * conv(mixed.unflatten(2, x.shape[2:]), f"{name}o")

    parts = z.split(SHALLOW.chunk, dim=1)
    x = F.linear(parts[0], weight("linear"), w["linear.bias"]).view(len(z), -1, 4, 4)
    for i, part in enumerate(parts[1:]):
        condition, block = torch.cat([y, part], dim=1), f"blocks.{i}.0."
        inner = conv(F.interpolate(norm(x, f"{block}bn1", condition), scale_factor=2), f"{block}conv1")
        skip = conv(F.interpolate(x, scale_factor=2), f"{block}conv_sc")
        x = conv(norm(inner, f"{block}bn2", condition), f"{block}conv2") + skip
        if i in SHALLOW.attention:
            x = attend(x, f"blocks.{i}.1.")
    mean, variance, gain, bias = (w[f"output_layer.0.{n}"] for n in ("stored_mean", "stored_var", "gain", "bias"))
    x = F.batch_norm(x, mean, variance, gain, bias, eps=1e-5)
    return torch.tanh(conv(F.relu(x), "output_layer.2"))


def test_folded_network_equals_the_unfolded_one_with_its_gradient() -> None:
    weights = {name: value.double() for name, value in plain(make_shallow()).items()}
    rng = torch.Generator().manual_seed(1)
    z = torch.randn(3, SHALLOW.z_dim, generator=rng, dtype=torch.double)
    y = torch.randn(3, SHALLOW.shared, generator=rng, dtype=torch.double)
    outcomes = []
    for function in (lambda z, y: unfolded(weights, z, y), ShallowBigGAN(weights, SHALLOW, 1.0)):
        point = [z.clone().requires_grad_(), y.clone().requires_grad_()]
        images = function(*point)
        outcomes.append((images.detach(), *torch.autograd.grad(images.square().sum(), point)))
    expected, found = outcomes
    assert expected[0].shape == (3, 3, 32, 32)
    assert 0.1 < expected[0].std() < 0.9
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6, 3, 3)])
def test_spectral_norm_of_a_settled_u_is_the_largest_singular_value(shape: tuple[int, ...]) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, values, _ = torch.linalg.svd(weight.flatten(1), full_matrices=False)
    torch.testing.assert_close(iterated(weight, left[:, :1].T), weight / values[0], atol=1e-5, rtol=1e-5)


def test_zero_spectral_norm_is_refused() -> None:
    with pytest.raises(WeightsError, match="spectral norm is zero"):
        iterated(torch.randn(4, 3), torch.zeros(1, 4))


def test_folded_norms_equal_batch_norm() -> None:
    rng = torch.Generator().manual_seed(0)
    x, mean, gain, bias = (torch.randn(size, generator=rng) for size in ((2, 3, 4, 4), (3,), (3, 5), (3, 5)))
    variance, condition = 0.1 + torch.rand(3, generator=rng), torch.randn(2, 5, generator=rng)
    normal = F.batch_norm(x, mean, variance, eps=EPSILON)
    weight, offset = conditional_affine(mean, variance + EPSILON, gain, bias)
    scale, shift = F.linear(condition, weight, offset)[:, :, None, None].chunk(2, dim=1)
    by_hand = normal * (1 + condition @ gain.T)[:, :, None, None] + (condition @ bias.T)[:, :, None, None]
    torch.testing.assert_close(x * scale + shift, by_hand, atol=1e-5, rtol=1e-5)
    scale, shift = (part[:, None, None] for part in affine(mean, variance + EPSILON, gain[:, 0], bias[:, 0]))
    plain_norm = F.batch_norm(x, mean, variance, gain[:, 0], bias[:, 0], eps=EPSILON)
    torch.testing.assert_close(x * scale + shift, plain_norm, atol=1e-5, rtol=1e-5)


def test_nothing_in_the_network_is_trainable(shallow: Weights) -> None:
    assert not list(ShallowBigGAN(plain(shallow), SHALLOW, 1.0).parameters())


def test_another_truncation_is_refused_as_there_are_no_statistics_for_it(shallow: Weights) -> None:
    with pytest.raises(InvalidInput, match=r"truncation: expected 1.0, as .* batch-norm statistics for no other, got 0.5"):
        ShallowBigGAN(plain(shallow), SHALLOW, 0.5)
