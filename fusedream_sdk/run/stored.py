"""Whether the tensors of a saved folder fit together: they may come from a stranger, and later code relies on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from fusedream_sdk.latents import Latents
from fusedream_sdk.optim.status import Status

WITHIN = 1e-3  # of [0, 1]: pictures are rendered, not clamped, to a rounding


@dataclass(frozen=True)
class Stored:
    """What was read.

    Attributes:
        status: of each row; what failed may not be finite.
        pictures: name -> (B, 3, H, W) in [0, 1].
        latents: (B, ...) each.
        numbers: name -> (B,), of any real kind.
        history: name of a loss -> (T, B).
    """

    status: Sequence[Status]
    pictures: Mapping[str, Tensor]
    latents: Latents
    numbers: Mapping[str, Tensor]
    history: Mapping[str, Tensor] = field(default_factory=dict)

    def check(self) -> None:
        """One row or more, and of every tensor as many, of its kind and finite. Raises ValueError for the first that is not."""
        count = len(self.status)
        if not count or not self.latents:
            raise ValueError("no rows" if not count else "no latents")
        whole = torch.tensor([status != Status.FAILED for status in self.status])
        for name, x in self.pictures.items():
            self._check_rows(name, x, count, dimensions=4)
            if x.shape[1] != 3 or not min(x.shape[2:]):
                raise ValueError(f"{name} of shape {tuple(x.shape)}")
            self._check_finite(name, x, whole)
            if not bool(((x[whole] >= -WITHIN) & (x[whole] <= 1 + WITHIN)).all()):
                raise ValueError(f"{name} outside [0, 1]")
        for name, x in self.latents.items():
            self._check_rows(f"latents.{name}", x, count)
            self._check_finite(f"latents.{name}", x, whole)
        for name, x in self.numbers.items():
            self._check_rows(name, x, count, dimensions=1)
        for name, x in self.history.items():
            if x.dim() != 2 or x.shape[1] != count:
                raise ValueError(f"history.{name} of shape {tuple(x.shape)} for {count} rows")

    @staticmethod
    def _check_rows(name: str, x: Tensor, count: int, *, dimensions: int | None = None) -> None:
        if x.dim() < 1 or len(x) != count or x.dim() != (dimensions or x.dim()) or x.is_complex():
            raise ValueError(f"{name} of shape {tuple(x.shape)} for {count} rows")

    @staticmethod
    def _check_finite(name: str, x: Tensor, whole: Tensor) -> None:
        if not x.is_floating_point():
            raise ValueError(f"{name} of {x.dtype}")
        if not bool(torch.isfinite(x[whole]).all()):
            raise ValueError(f"{name} with values that are not finite")
