"""Every number of a run, in one frozen place, checked when it is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.optim.parametrise import Mix
from fusedream_sdk.runtime.checks import at_least_zero, changed, check_choice, check_count, positive
from fusedream_sdk.scoring.views import Views

IN_FILES = {"mix": "start"}  # attribute -> its name in a recipe, where that is older


@dataclass(frozen=True)
class Settings:
    """How a picture is made. Defaults are the paper's, unless a generator or a pair of models recommends its own.

    Args:
        steps: updates, at least 1 (paper: 1,000).
        views: random views per step in AugCLIP (public code: 50). With `augment` off there is one: the picture.
        augment: the families and strengths of the views.
        samples: latents that the search of a row sees (paper: 10,000), at most `bank`. 1 means no search: one draw from the
            seed.
        basis: latents k that are mixed (paper: 5 or 10); 1 means no over-parameterisation.
        mix: weights of the basis at the beginning: "paper" (1/k), "random" (public code) or "best". None is better than
            the paper's in the emoji world (`python -m tests.benchmarks.single_objects`).
        bank: latents in the bank from which every seed picks its own `samples`.
        bank_views: views averaged for each of them.
        lr: of the optimiser (paper: Adam at 5e-3).
        noise: standard deviation of Gaussian noise on the latents in every step (public code: 0.01).
        check_every: steps between two looks at the held-out views that choose the best point.
        check_views: held-out views of such a look.
        patience: looks without a gain after which a row stops; None never stops early.
        report_views: views of the score in the result: drawn for it alone (public code: 1,000, the optimised CLIP too).

    Raises:
        InvalidInput: a number outside its range, a basis larger than the samples, or samples larger than the bank.
    """

    steps: int = 1000
    views: int = 50
    augment: Views = Views()
    samples: int = 10_000
    basis: int = 5
    mix: Mix = "paper"
    bank: int = 20_000
    bank_views: int = 1
    lr: float = 5e-3
    noise: float = 0.01
    check_every: int = 10
    check_views: int = 32
    patience: int | None = None
    report_views: int = 100

    def __post_init__(self) -> None:
        counts = ("steps", "views", "samples", "basis", "bank", "bank_views", "check_every", "check_views", "report_views")
        for name in counts:
            check_count(name, getattr(self, name))
        if self.basis > self.samples:
            fix = "Search more samples, or mix fewer."
            raise InvalidInput("basis", expected=f"at most samples = {self.samples}", got=self.basis, fix=fix)
        if self.samples > self.bank:
            fix = f"Enlarge the bank too: bank={self.samples}."
            raise InvalidInput("samples", expected=f"at most bank = {self.bank}", got=self.samples, fix=fix)
        check_choice("mix", self.mix, get_args(Mix))
        if not isinstance(self.augment, Views):
            raise InvalidInput("augment", expected="Views", got=self.augment, fix="Give NO_VIEWS for none.")
        positive("lr", self.lr)
        at_least_zero("noise", self.noise)
        if self.patience is not None and (not isinstance(self.patience, int) or self.patience < 1):
            raise InvalidInput("patience", expected="an integer of at least 1, or None", got=self.patience)

    @property
    def searches(self) -> bool:
        """Whether a bank is needed."""
        return self.samples > 1

    def replace(self, **changes: Any) -> Settings:
        """A copy with some values changed. Raises InvalidInput for a name that is not a setting."""
        return changed(self, changes)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a recipe."""
        return {IN_FILES.get(name, name): value for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Settings:
        """The settings of a recipe. Raises InvalidInput, KeyError or TypeError for other values."""
        ours = {name: attribute for attribute, name in IN_FILES.items()}
        own = {ours.get(name, name): value for name, value in values.items()}
        return cls().replace(**{**own, "augment": Views(**values["augment"])})
