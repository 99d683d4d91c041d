"""Every choice of a composition, in one frozen place, checked when it is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.optim.parametrise import Mix
from fusedream_sdk.protocols import Direction
from fusedream_sdk.run.settings import Settings, check_effect
from fusedream_sdk.runtime.bounds import SCENE
from fusedream_sdk.runtime.checks import changed, check_choice, check_flag, check_names, in_bounds, is_number, names_of
from fusedream_sdk.scenes.consistency import Problem, Reading, make_direction

USED = {"alpha": ("bi-level", "inverse"), "coefficient": ("linear",)}  # number -> the directions that it is for
Update = Literal["adam", "plain"]
IN_FILES = {"direction": "method", "mix": "start"}  # attribute -> its name in a recipe, where that is older


@dataclass(frozen=True)
class SceneSettings:
    """How a scene is composed, beside the `Settings` of any picture.

    Every number has an upper bound, in `fusedream_sdk.runtime.bounds`: a million for alpha and coefficient, 1,000 for halving.

    Args:
        direction: how the two losses are combined: "bi-level" (eq. 5), "linear" (eq. 7), "inverse" (eq. 8), "augclip": no
            consistency, or any `Direction`.
        alpha: of the barrier, positive (paper: 1).
        coefficient: of AugCLIP in the linear method, positive.
        update: what takes the direction: "adam", or "plain" descent, for which alone the barrier's guarantee holds and which
            needs a learning rate a thousand times larger. See docs/composition.md for a measurement of both.
        reading: which pictures the consistency compares: "parts", "fused" or "border"; see `Composition`.
        feather: width of the foreground's soft edge, as a share of its shorter side, from 0 to 0.5.
        free: optimise centre and scale too; the places and scales are then where it begins. Two numbers bound the scale; with
            True it may go from half of the smallest that is asked for to half as much again as the largest.
        halving: after each stage only one candidate in so many goes on; None runs all of them to the end (the paper).
        pairs: start the layers from pictures that complete each other; otherwise each from the best for the whole prompt.
        mix: weights of each layer's basis at the beginning, in place of `Settings.mix`: "best" begins at the very pair that
            the search chose, "paper" and "random" at mixtures, which may no longer complete each other.
    """

    direction: Problem | Direction = "bi-level"
    alpha: float = 1.0
    coefficient: float = 10.0
    update: Update = "adam"
    reading: Reading = "border"
    feather: float = 0.0
    free: bool | tuple[float, float] = False
    halving: int | None = None
    pairs: bool = True
    mix: Mix = "best"

    def __post_init__(self) -> None:
        for name, value in in_bounds(self, SCENE).items():
            object.__setattr__(self, name, value)
        make_direction(self.direction, alpha=self.alpha, coefficient=self.coefficient)
        for name, choices in (("update", get_args(Update)), ("reading", get_args(Reading)), ("mix", get_args(Mix))):
            check_choice(name, getattr(self, name), choices)
        if not is_number(self.feather) or not 0 <= self.feather <= 0.5:
            raise InvalidInput("feather", expected="a number from 0 to 0.5", got=self.feather, fix="0 is a hard edge.")
        check_flag("pairs", self.pairs)
        if not isinstance(self.free, bool):
            object.__setattr__(self, "free", _bounds(self.free))

    @classmethod
    def split(cls, changes: Mapping[str, Any], settings: Settings) -> tuple[SceneSettings, Settings]:
        """Keywords as the scene's settings and as changes of any picture's. Raises InvalidInput for one that is neither."""
        own = names_of(cls)
        check_names(changes, list(dict.fromkeys([*own, *names_of(Settings)])))
        scene = cls(**{name: value for name, value in changes.items() if name in own})
        scene.check_used(changes)
        # A scene's mixture is its own setting; its runs have no other.
        rest = {name: value for name, value in changes.items() if name not in own}
        made = settings.replace(**rest, mix=scene.mix)
        check_effect(made, changes)
        return scene, made

    def check_used(self, given: Mapping[str, Any]) -> None:
        """Numbers that the direction has no use for are a misunderstanding. Raises InvalidInput."""
        for name, used in USED.items():
            if given.get(name) is not None and self.direction not in used:
                fix, shown = f"Leave it out, or give the direction {used[0]!r}.", self.direction
                expected = f"nothing with the direction {shown if isinstance(shown, str) else 'that is an object'}"
                raise InvalidInput(name, expected=expected, got=given[name], fix=fix)

    def replace(self, **changes: Any) -> SceneSettings:
        """A copy with some values changed. Raises InvalidInput for a name that is not a setting."""
        return changed(self, changes, "a setting of a scene")

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a recipe; a direction that is an object by the name of its class."""
        own, kind = dataclasses.asdict(self.replace(direction="bi-level")), type(self.direction)
        own["direction"] = self.direction if isinstance(self.direction, str) else f"{kind.__module__}.{kind.__qualname__}"
        own["free"] = self.free if isinstance(self.free, bool) else list(self.free)
        return {IN_FILES.get(name, name): value for name, value in own.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SceneSettings:
        """The settings of a recipe. Raises InvalidInput for other values."""
        ours = {name: attribute for attribute, name in IN_FILES.items()}
        return cls().replace(**{ours.get(name, name): value for name, value in values.items()})


def _bounds(value: object) -> tuple[float, float]:
    """The least and the greatest scale. Raises InvalidInput for anything else."""
    if isinstance(value, (tuple, list)) and len(value) == 2 and all(map(is_number, value)) and 0 < value[0] < value[1] <= 1:
        return (float(value[0]), float(value[1]))
    raise InvalidInput("free", expected="True, False, or the least and greatest scale, from 0 to 1", got=value)
