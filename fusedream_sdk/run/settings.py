"""Every number of a run, in one frozen place, checked when it is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.optim.loop import Keep
from fusedream_sdk.optim.parametrise import Mix
from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.checks import changed, check_choice, check_kind, check_names, in_bounds, names_of
from fusedream_sdk.scoring.views import Views
from fusedream_sdk.search.ranks import best_ranks, check_ranks

OF_VIEWS = frozenset({"augment", "views", "check_views"})  # without a use where the picture itself is scored
OF_A_SEARCH = frozenset({"search_augment", "samples", "basis", "mix", "bank", "bank_views"})  # where rows begin without one
OF_A_BANK = ["bank", "bank_views", "samples", "augment", "search_augment"]  # what says what a bank holds
COMPARED = {"basis", "samples", "bank"}  # with each other
IN_FILES = {"mix": "start"}  # attribute -> its name in a recipe, where that is older
PLACES = ("pin", "drop")  # in the search
# Left out of a recipe where they are so, as in the first ones.
LATER = {"search_augment": None, "keep": "best", "judge": True, **dict.fromkeys(PLACES, ())}


@dataclass(frozen=True)
class Settings:
    """How a picture is made. Defaults are the paper's, unless a generator or a pair of models recommends its own.

    Every number has an upper bound, in `fusedream_sdk.runtime.bounds`: a million steps, 10,000 views, ten million samples, a
    basis of 1,000, a learning rate of 10,000, noise of 100; and is stored as a plain one.

    Args:
        steps: updates, at least 1 (paper: 1,000).
        views: random views per step in AugCLIP (public code: 50). With `augment` off there is one: the picture.
        augment: the families and strengths of the views; `PUBLIC_VIEWS` are those of the public code, to the letter.
        search_augment: views of the search alone; None takes those of `augment` (paper). `NO_VIEWS` searches by plain CLIP, as
            the public code does.
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
        keep: which point of a row is kept: the "best" of those that were judged, or the "last" (public code, but for its very
            last update).
        report_views: views of the score in the result: drawn for it alone (public code: 1,000, the optimised CLIP too).
        judge: whether the result has the score of the pair's judge too, a model that is not optimised; it is loaded when the
            first pictures are finished.
        pin: places in a row's search, 0 the best, as `FuseDream.basis` shows them: the basis is these, in this order, and
            `basis` is their number. Empty takes the best.
        drop: places that the basis leaves out; the next best stand in.

    Raises:
        InvalidInput: a number outside its range, a basis larger than the samples, samples larger than the bank, or a place
            that the search does not have.
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
    search_augment: Views | None = None
    keep: Keep = "best"
    judge: bool = True
    pin: tuple[int, ...] = ()
    drop: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name, value in in_bounds(self, bounds.SETTINGS).items():
            object.__setattr__(self, name, value)
        for name in PLACES:
            object.__setattr__(self, name, check_ranks(name, getattr(self, name), self.samples))
        if self.pin and self.drop:
            expected, fix = "nothing, as the basis is what is pinned", "Leave out one of them."
            raise InvalidInput("drop", expected=expected, got=list(self.drop), fix=fix)
        if self.pin:
            object.__setattr__(self, "basis", len(self.pin))
        if self.basis > self.samples:
            fix = "Search more samples, or mix fewer."
            raise InvalidInput("basis", expected=f"at most samples = {self.samples}", got=self.basis, fix=fix)
        if self.drop and self.basis + len(self.drop) > self.samples:
            expected = f"at most {self.samples - self.basis} of {self.samples} samples, as {self.basis} are mixed"
            raise InvalidInput("drop", expected=expected, got=f"{len(self.drop)}", fix="Search more samples, or mix fewer.")
        if self.samples > self.bank:
            fix = f"Enlarge the bank too: bank={self.samples}."
            raise InvalidInput("samples", expected=f"at most bank = {self.bank}", got=self.samples, fix=fix)
        check_choice("mix", self.mix, get_args(Mix))
        if not isinstance(self.augment, Views):
            raise InvalidInput("augment", expected="Views", got=self.augment, fix="Give NO_VIEWS for none.")
        if self.search_augment is not None and not isinstance(self.search_augment, Views):
            raise InvalidInput("search_augment", expected="Views, or None for those of `augment`", got=self.search_augment)
        check_choice("keep", self.keep, get_args(Keep))
        if not isinstance(self.judge, bool):
            raise InvalidInput("judge", expected="True or False", got=self.judge)

    @property
    def searches(self) -> bool:
        """Whether a bank is needed."""
        return self.samples > 1

    @property
    def ranks(self) -> tuple[int, ...]:
        """The places in the search that the basis is made of, 0 the best."""
        return self.pin or best_ranks(self.basis, self.drop)

    @property
    def search_views(self) -> Views:
        """The views by which the search scores its samples."""
        return self.augment if self.search_augment is None else self.search_augment

    def replace(self, **changes: Any) -> Settings:
        """A copy with some values changed. Raises InvalidInput for a name that is not a setting."""
        return changed(self, changes)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a recipe."""
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        said = {name: value for name, value in own.items() if name not in LATER or value != LATER[name]}
        plain = {name: value.to_json() if isinstance(value, Views) else value for name, value in said.items()}
        return {IN_FILES.get(name, name): value for name, value in plain.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Settings:
        """The settings of a recipe. Raises InvalidInput, KeyError or TypeError for other values."""
        ours = {name: attribute for attribute, name in IN_FILES.items()}
        own = {ours.get(name, name): value for name, value in values.items()}
        views = {name: Views(**own[name]) for name in ("augment", "search_augment") if name == "augment" or name in own}
        return cls().replace(**{**own, **views})


def check_changes(changes: object) -> None:
    """Changes to settings that are not known yet are names with values that can be used by themselves. Raises InvalidInput."""
    check_kind("settings", changes, Mapping, "names of settings with values", "Give a dictionary: {'steps': 200}.")
    given: dict[Any, Any] = dict(changes)  # pyright: ignore[reportAssignmentType, reportCallIssue, reportArgumentType]
    check_names(given, names_of(Settings))
    for name in COMPARED & given.keys():
        bounds.SETTINGS[name].check(name, given.pop(name))
    Settings(**given)


def check_effect(settings: Settings, given: Mapping[str, Any]) -> None:
    """No setting was given from which another one takes the effect. Raises InvalidInput."""
    without = {
        "views": "" if settings.augment.random else "without random views there is one",
        "mix": "" if settings.basis > 1 else "a basis of 1 is not mixed",
        "bank": "" if settings.searches else "1 sample is not searched",
        "bank_views": "" if settings.searches else "1 sample is not searched",
        "basis": "the basis is what is pinned" if settings.pin else "",
    }
    for name, why in without.items():
        if why and name in given and (name, given[name]) not in (("views", 1), ("basis", len(settings.pin))):
            raise InvalidInput(name, expected=f"nothing, as {why}", got=given[name], fix="Leave it out.")
