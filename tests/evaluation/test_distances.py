"""FID, KID and IS against what is known of them in closed form, and against torchmetrics."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.evaluation.bootstrap import Array, Bootstrap
from fusedream_sdk.evaluation.distances import (
    FrechetResamples,
    frechet,
    inception_resamples,
    inception_score,
    kernel_distance,
)


def drawn(count: int, size: int, seed: int) -> Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def once(count: int) -> Iterator[Array]:
    yield np.ones((1, count))


def kid(a: Tensor, b: Tensor) -> float:
    return float(kernel_distance(a, b, once(len(a)))[0])


def standard(x: Tensor) -> Tensor:
    """With exactly the mean 0 and the covariance 1."""
    x = x - x.mean(dim=0)
    return x @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T))).T


@pytest.mark.parametrize("count", [5, 200])  # fewer pictures than features, and more
def test_a_set_is_at_no_distance_from_itself(count: int):
    x = drawn(count, 24, 0)
    assert frechet(x, x) == pytest.approx(0, abs=1e-5)
    assert FrechetResamples(x, x)(np.ones(count)) == pytest.approx(0, abs=1e-5)


def test_the_distance_of_two_gaussians_is_that_of_the_closed_form():
    a, b = standard(drawn(300, 3, 0)), standard(drawn(200, 3, 1))
    scale, shift = torch.tensor([0.5, 2.0, 3.0], dtype=torch.float64), torch.tensor([1.0, 0.0, -2.0], dtype=torch.float64)
    wanted = float(shift.square().sum() + (scale - 1).square().sum())  # |m|^2 + Tr(1 + S - 2 S^(1/2)), S diagonal
    assert frechet(a, b * scale + shift) == pytest.approx(wanted, rel=1e-9)
    assert FrechetResamples(a, b * scale + shift)(np.ones(300)) == pytest.approx(wanted, rel=1e-9)


def test_the_distance_of_correlated_gaussians_does_not_depend_on_the_axes():
    a, b, turn = drawn(50, 6, 0), drawn(60, 6, 1) @ drawn(6, 6, 2), torch.linalg.qr(drawn(6, 6, 3))[0]
    assert frechet(a @ turn, b @ turn) == pytest.approx(frechet(a, b), rel=1e-8)


@settings(max_examples=20)
@given(st.integers(3, 40), st.integers(3, 40), st.integers(1, 30), st.integers(0, 1000))
def test_a_resample_of_every_picture_once_is_what_torchmetrics_has(n: int, m: int, size: int, seed: int):
    a, b = drawn(n, size, seed), 2 * drawn(m, size, seed + 1) + 1
    assert FrechetResamples(a, b)(np.ones(n)) == pytest.approx(frechet(a, b), rel=1e-5, abs=1e-5)


def test_a_weight_is_so_many_copies():
    a, b = drawn(12, 5, 0), drawn(30, 5, 1)
    weights = np.array([0, 1, 2, 3, 0, 1, 1, 2, 0, 0, 1, 1], dtype=float)
    copies = a.repeat_interleave(torch.from_numpy(weights).long(), dim=0)
    assert FrechetResamples(a, b)(weights) == pytest.approx(frechet(copies, b), rel=1e-6)
    logits = drawn(12, 4, 2)
    copied = logits.repeat_interleave(torch.from_numpy(weights).long(), dim=0)
    assert inception_resamples(logits, iter([weights[None]]))[0] == pytest.approx(inception_score(copied)[0])


def test_the_kernel_distance_is_that_of_torchmetrics_for_sets_of_one_size():
    from torchmetrics.image.kid import poly_mmd

    a, b = drawn(40, 8, 0), drawn(40, 8, 1) + 0.5
    assert kid(a, b) == pytest.approx(float(poly_mmd(b, a)), rel=1e-9)


def test_the_kernel_distance_is_unbiased_whatever_the_numbers_of_pictures():
    found = [kid(drawn(n, 4, 2 * seed), drawn(9, 4, 2 * seed + 1)) for n in (3, 12) for seed in range(400)]
    for some in (found[:400], found[400:]):
        mean, error = np.mean(some), np.std(some) / math.sqrt(len(some))
        assert abs(mean) < 3 * error  # 0: both sets are of one distribution
    apart = [kid(drawn(4, 4, 2 * seed) + 0.4, drawn(9, 4, 2 * seed + 1)) for seed in range(400)]
    whole = kid(drawn(2000, 4, 90_001) + 0.4, drawn(2000, 4, 90_002))
    assert np.mean(apart) == pytest.approx(whole, abs=3 * float(np.std(apart)) / 20 + 0.03)


def test_a_resample_of_the_kernel_distance_has_no_pair_of_a_picture_with_itself():
    a, b = drawn(25, 6, 0), drawn(30, 6, 1)
    found = kernel_distance(a, b, Bootstrap(resamples=2000).counts(25))
    assert found.mean() == pytest.approx(kid(a, b), abs=4 * found.std() / math.sqrt(2000))


def test_the_kernel_distance_is_the_same_in_chunks(monkeypatch: pytest.MonkeyPatch):
    a, b = drawn(30, 4, 0), drawn(25, 4, 1)
    whole = kid(a, b)
    monkeypatch.setattr("fusedream_sdk.evaluation.distances.CHUNK", 7)
    assert kid(a, b) == pytest.approx(whole, rel=1e-12)


def test_the_inception_score_of_sure_and_even_classes_is_their_number_and_of_none_it_is_one():
    sure = 1000 * torch.eye(5, dtype=torch.float64).repeat(4, 1)
    assert inception_score(sure)[0] == pytest.approx(5)
    assert inception_score(torch.zeros(20, 5))[0] == pytest.approx(1)
    assert inception_resamples(sure, once(20))[0] == pytest.approx(5)


def test_the_inception_score_of_many_pictures_is_a_mean_over_ten_parts_and_leaves_the_random_state_alone():
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    logits = drawn(5000, 3, 0)
    value, parts = inception_score(logits)
    assert parts == 10
    assert inception_score(logits[:4999])[1] == 1
    assert value == pytest.approx(inception_score(logits[:4999])[0], rel=0.02)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_interval_of_a_frechet_distance_covers_what_sets_of_that_size_have_on_average():
    reference, size = drawn(400, 3, 999), 60
    often = [FrechetResamples(drawn(size, 3, seed) + 0.5, reference)(np.ones(size)) for seed in range(1000, 1400)]
    truth, hits = float(np.mean(often)), 0
    bootstrap = Bootstrap(resamples=100)
    for seed in range(150):
        x = drawn(size, 3, seed) + 0.5
        of = FrechetResamples(x, reference)
        found = np.array([of(weights) for block in bootstrap.counts(size) for weights in block])
        one = bootstrap.around(of(np.ones(size)), found, size)
        hits += one.low <= truth <= one.high
    assert 0.86 <= hits / 150 <= 0.99
