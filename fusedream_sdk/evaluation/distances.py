"""How far the features of two sets of pictures are apart (FID, KID), and how sure and varied a classifier finds one (IS).

The figures of whole sets are torchmetrics'; what is here besides are the same formulas for resamples, whose pictures have
weights, so that a thousand of them take no thousand times as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fusedream_sdk.evaluation.bootstrap import Array

CHUNK = 1024  # rows of a kernel matrix at a time
PARTS, OF_MANY = 10, 5000  # the published inception score is a mean over parts; of fewer pictures they are too small


def frechet(features: Tensor, reference: Tensor) -> float:
    """The Fréchet distance of the Gaussians of two sets of features (N, D) and (M, D), as torchmetrics has it.

    References:
        Heusel et al. (2017). GANs trained by a two time-scale update rule converge to a local Nash equilibrium.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    metric = FrechetInceptionDistance(feature=_AsTheyAre(features.shape[1]), normalize=True).set_dtype(torch.float64)
    metric.update(reference.double(), real=True)
    metric.update(features.double(), real=False)
    return max(0.0, float(metric.compute()))  # a rounding below


class FrechetResamples:
    """`frechet` of weighted features to one reference.

    Tr (S R)^(1/2) is the sum of the singular values of R^(1/2) X, where X X^T is the covariance S. So one root of R serves all
    resamples, and each takes the eigenvalues of a symmetric matrix with as many rows as there are features or pictures,
    whichever are fewer.

    Args:
        features: (N, D). reference: (M, D).
    """

    def __init__(self, features: Tensor, reference: Tensor) -> None:
        self.features, other = features.double().numpy(), reference.double().numpy()
        self._mean = other.mean(axis=0)
        covariance = np.atleast_2d(np.cov(other, rowvar=False))
        values, vectors = np.linalg.eigh(covariance)
        self._trace, root = float(np.trace(covariance)), vectors * np.sqrt(values.clip(0))
        self._seen = self.features @ root  # (N, D): the sum of singular values is the same after the last rotation

    def __call__(self, weights: Array) -> float:
        """Of a resample: how often each picture is in it, (N,); at least two of them. To the distance."""
        kept = weights > 0
        x, seen, w = self.features[kept], self._seen[kept], weights[kept]
        count = w.sum()
        mean = w @ x / count
        trace = float(w @ (x - mean) ** 2 @ np.ones(x.shape[1])) / (count - 1)
        scaled = (seen - w @ seen / count) * np.sqrt(w / (count - 1))[:, None]
        square = scaled.T @ scaled if scaled.shape[1] <= len(scaled) else scaled @ scaled.T
        both = np.sqrt(np.linalg.eigvalsh(square).clip(0)).sum()
        return float(((mean - self._mean) ** 2).sum() + trace + self._trace - 2 * both)


def kernel_distance(features: Tensor, reference: Tensor, draws: Iterator[Array]) -> Array:
    """The kernel distance (KID) of weighted features to a reference, for many weights at once: unbiased, by all pairs.

    The squared maximum mean discrepancy under the kernel (x . y / D + 1)^3. Published figures are a mean over subsets of
    1,000 pictures; that of all pairs has the same expectation, and varies less. A pair of one picture with itself, as a
    resample that has it twice would make, is left out.

    Args:
        features: (N, D). reference: (M, D).
        draws: blocks of weights, (b, N) each.

    Returns:
        A distance for each row of the blocks; below 0 where chance puts it there.

    References:
        Bińkowski et al. (2018). Demystifying MMD GANs. arXiv:1801.01401.
    """
    from torchmetrics.image.kid import poly_kernel

    x, y = features.double(), reference.double()
    weights = torch.from_numpy(np.concatenate(list(draws)))  # (R, N)
    alone = torch.cat([poly_kernel(part, part).diagonal() for part in x.split(CHUNK)])
    within = _of_chunks(lambda part, w: (w @ poly_kernel(part, x) * weights).sum(dim=1), x, weights)
    across = _of_chunks(lambda part, w: w @ poly_kernel(part, y).sum(dim=1), x, weights)
    others = sum(float(poly_kernel(part, y).sum() - poly_kernel(part, part).diagonal().sum()) for part in y.split(CHUNK))
    total, squares = weights.sum(dim=1), weights.square()
    pairs = total.square() - squares.sum(dim=1)
    own = (within - squares @ alone) / pairs
    return (own + others / (len(y) * (len(y) - 1)) - 2 * across / (total * len(y))).numpy()


def inception_score(logits: Tensor, seed: int = 0) -> tuple[float, int]:
    """exp(E KL(p(y | x) || p(y))) of class logits (N, K), as torchmetrics has it; and over how many parts it is a mean.

    Of 5,000 pictures or more it is the mean over ten parts, as published; of fewer that of the whole, as small parts have
    smaller scores.

    References:
        Salimans et al. (2016). Improved techniques for training GANs. arXiv:1606.03498.
    """
    import warnings

    from torchmetrics.image.inception import InceptionScore

    parts = PARTS if len(logits) >= OF_MANY else 1
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it keeps features in memory, and that one part has no deviation
        torch.manual_seed(seed)  # it deals the pictures out at random
        metric = InceptionScore(feature=_AsTheyAre(logits.shape[1]), splits=parts)
        metric.update(logits.double())
        return float(metric.compute()[0]), parts


def inception_resamples(logits: Tensor, draws: Iterator[Array]) -> Array:
    """The inception score of weighted logits (N, K), each of a whole set, for blocks of weights (b, N)."""
    sure = logits.double().log_softmax(dim=1)
    likely = sure.exp()
    each = (likely * sure).sum(dim=1).numpy()  # minus the entropy of each picture's classes
    share = likely.numpy()
    found = []
    for weights in draws:
        total = weights.sum(axis=1, keepdims=True)
        mean = (weights @ share / total).clip(1e-300)
        found.append(np.exp((weights @ each) / total[:, 0] - (mean * np.log(mean)).sum(axis=1)))
    return np.concatenate(found)


def _of_chunks(work: Any, x: Tensor, weights: Tensor) -> Tensor:
    """The sum over chunks of pictures of what some work makes of them and their weights."""
    places = range(0, len(x), CHUNK)
    return torch.stack([work(x[i : i + CHUNK], weights[:, i : i + CHUNK]) for i in places]).sum(dim=0)


class _AsTheyAre(torch.nn.Module):
    """Features that are features already."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.num_features = count

    def forward(self, features: Tensor) -> Tensor:
        return features
