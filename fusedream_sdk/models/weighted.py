"""The members of an ensemble: scorers with weights, and with views of their own.

In Python a member is a name, a loaded scorer, or a `Weighted`. In a name, and so in a recipe and on the command line, the views
are an option, `imagereward?views=false`. This room knows no views, so it keeps them as plain values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.models.names import split_name
from fusedream_sdk.protocols import Reward, Scorer
from fusedream_sdk.runtime.bounds import FACTOR
from fusedream_sdk.runtime.checks import is_number, kind_of

if TYPE_CHECKING:  # its room is above this one
    from fusedream_sdk.scoring.views import Views

OWN = "views"  # the option in a member's name
VARIANTS = ("ours", "public", "big-sleep", "vqgan-clip")  # of views, by number: a recipe may name no word of unknown meaning
VALUES = 10  # of `Views`, before the variant, which is left out where it is ours

PlainViews: TypeAlias = bool | tuple[bool | float, ...] | None
"""Views as a name has them: None are those of the settings, False the picture itself, a tuple the values of `Views`."""


@dataclass(frozen=True)
class Weighted:
    """A scorer of several, with its weight and its views.

    Args:
        scorer: a name, or a loaded scorer or reward.
        weight: what its score is multiplied by, of any sign, at most a million.
        views: on which views it sees a picture; None for those of the settings, `NO_VIEWS` for the picture itself, once.

    Raises:
        InvalidInput: one of them is of another kind, or the weight is no finite number.
    """

    scorer: str | Scorer | Reward
    weight: float = 1.0
    views: Views | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.scorer, (str, Scorer, Reward)):
            expected = "a name, or an object with the members of Scorer or Reward"
            raise InvalidInput("Weighted.scorer", expected=expected, got=kind_of(self.scorer))
        check_factor("Weighted.weight", self.weight)
        if self.views is not None and not (hasattr(self.views, "to_json") and hasattr(self.views, "random")):
            fix = "Give NO_VIEWS for none, or leave it out for those of the settings."
            raise InvalidInput("Weighted.views", expected="Views", got=kind_of(self.views), fix=fix)


@dataclass(frozen=True)
class Member:
    """The same with the views as plain values."""

    scorer: Any
    weight: float
    views: PlainViews = None


def members_of(scorers: Sequence[Any] | Mapping[str, float], weights: Any = None) -> list[Member]:
    """The members of an ensemble, without those of weight 0; nothing is loaded.

    Args:
        scorers: names, loaded scorers and `Weighted`, or names with their weights.
        weights: a number for each, all 1 by default; None where the scorers have their own.

    Raises:
        InvalidInput: there is none, the weights do not fit, or a name comes twice in a list of `Weighted`.
    """
    given = list(scorers)
    if not given:
        fix = "Name one, such as 'clip'."
        raise InvalidInput("scorer", expected="at least one scorer", got="an ensemble of nothing", fix=fix)
    own = "the dictionary has" if isinstance(scorers, Mapping) else "Weighted has" if has_weighted(given) else ""
    if own and weights is not None:
        raise InvalidInput("weights", expected=f"None, as {own} them", got=weights, fix="Leave it out.")
    values = check_weights(len(given), scorers.values() if isinstance(scorers, Mapping) else weights)
    members = [member_of(scorer, weight) for scorer, weight in zip(given, values, strict=True)]
    if has_weighted(given):
        named = [(member.scorer, member.views) for member in members if isinstance(member.scorer, str)]
        twice = next((name for i, (name, views) in enumerate(named) if (name, views) in named[:i]), None)
        if twice is not None:
            fix = "Add their weights up."
            raise InvalidInput("scorer", expected="every name once with the same views", got=f"{twice!r} twice", fix=fix)
    if not any(member.weight for member in members):
        fix = "Give those that count another."
        raise InvalidInput("weights", expected="at least one that is not 0", got=[m.weight for m in members], fix=fix)
    return [member for member in members if member.weight]


def has_weighted(scorers: Iterable[Any]) -> bool:
    """Whether one of them is a `Weighted`."""
    return any(isinstance(scorer, Weighted) for scorer in scorers)


def member_of(scorer: Any, weight: float) -> Member:
    """One member; the weight is that of what is no `Weighted`. Raises InvalidInput for views that are no views."""
    views: PlainViews = None
    if isinstance(scorer, Weighted):
        scorer, weight, views = scorer.scorer, float(scorer.weight), plain_views(scorer.views)
    if not isinstance(scorer, str):
        return Member(scorer, weight, views)
    name, written = split_views(scorer)
    if written is not None and views is not None:
        raise InvalidInput(OWN, expected=f"one value for {name!r}", got="one in the name, and another")
    return Member(name, weight, views if written is None else written)


def name_of(scorer: object) -> Any:
    """What a recipe keeps of a scorer as the user gave it, and what loads it again: None where there are objects in it.

    Of a list with `Weighted` in it that is a dictionary from names, with the views in them, to weights.
    """
    listed = list(scorer) if isinstance(scorer, (Sequence, Mapping)) and not isinstance(scorer, str) else [scorer]
    members = [member_of(one, 1.0) for one in listed]
    if not all(isinstance(member.scorer, str) for member in members):
        return None
    names = [whole_name(member) for member in members]
    if isinstance(scorer, str):
        return names[0]
    if isinstance(scorer, Mapping):
        return {name: float(weight) for name, weight in zip(names, scorer.values(), strict=True)}
    return {name: m.weight for name, m in zip(names, members, strict=True)} if has_weighted(listed) else names


def whole_name(member: Member) -> str:
    """The name of a member with its views in it."""
    if member.views is None:
        return member.scorer
    return f"{member.scorer}{'&' if '?' in member.scorer else '?'}{OWN}={json.dumps(member.views, separators=(',', ':'))}"


def split_views(name: str) -> tuple[str, PlainViews]:
    """A name without the views in it, and these. Raises InvalidInput for what are no views."""
    base, options = split_name(name)
    if OWN not in options:
        return name, None
    others = [part for part in name.partition("?")[2].split("&") if part and not part.startswith(f"{OWN}=")]
    return "?".join([base, *(["&".join(others)] if others else [])]), views_in_name(options[OWN])


def views_in_name(value: Any) -> PlainViews:
    """Views as a name has them. Raises InvalidInput; `Views` itself checks the single values."""
    if value is False or value == "none":
        return False
    if isinstance(value, (list, tuple)) and all(isinstance(x, bool) or is_number(x) for x in value):
        variant = value[VALUES:]
        if len(value) == VALUES or (len(variant) == 1 and variant[0] in range(1, len(VARIANTS))):
            return tuple(value)
    fix = "In Python, give Weighted(name, views=Views(...))."
    raise InvalidInput(OWN, expected="'none', 'false', or the values of Views in their order", got=repr(value), fix=fix)


def plain_views(views: Views | None) -> PlainViews:
    """Views as plain values."""
    if views is None:
        return None
    *values, variant = (getattr(views, field.name) for field in fields(views))
    if variant == VARIANTS[0]:
        return tuple(values) if views.random else False
    return (*values, VARIANTS.index(variant))


def check_factor(name: str, value: Any) -> None:
    """A finite number of any sign. Raises InvalidInput."""
    if not is_number(value) or not abs(value) <= FACTOR.most:  # nor NaN
        raise InvalidInput(name, expected=f"a finite number of at most {FACTOR.most:,}", got=value, fix="The default is 1.")


def check_weights(count: int, weights: Any) -> list[float]:
    """A weight for each of `count` members, all 1 by default. Raises InvalidInput."""
    given = [1.0] * count if weights is None else weights
    fix = "Give a list as long as that of the scorers: [1, 0.5]."
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise InvalidInput("weights", expected="a number for each scorer", got=weights, fix=fix)
    values = list(given)
    if not all(map(is_number, values)):
        raise InvalidInput("weights", expected="a number for each scorer", got=values, fix=fix)
    if len(values) != count:
        raise InvalidInput("weights", expected=f"one for each of {count} scorers", got=f"{len(values)} of them", fix=fix)
    if not all(abs(value) <= FACTOR.most for value in values):  # nor NaN
        expected, fix = f"finite numbers of at most {FACTOR.most:,}", "Scores are multiplied by them."
        raise InvalidInput("weights", expected=expected, got=values, fix=fix)
    return [float(value) for value in values]
