"""The techniques of FuseDream, each with what a run is without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from fusedream_sdk.errors import InvalidInput, did_you_mean
from fusedream_sdk.optim.parametrise import Mix
from fusedream_sdk.run.settings import Settings, check_effect
from fusedream_sdk.runtime.bounds import SETTINGS
from fusedream_sdk.runtime.checks import check_kind
from fusedream_sdk.scoring.cutouts import CUTOUTS
from fusedream_sdk.scoring.views import NO_VIEWS

DEFAULT = "default"
FAMILIES = ("colour", "translation", "resize", "cutout")


@dataclass(frozen=True)
class Variant:
    """A run that differs in one technique.

    Attributes:
        name: of the variant, such as "no-colour". technique: that it is about, such as "views"; empty of the default.
        about: what it changes, in words.
        changes: of the settings.
    """

    name: str
    technique: str = ""
    about: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)

    def over(self, given: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
        """The changes of a call with these in place of its own.

        Args:
            given: of the call, for every variant; what this one has no use for is left out, as the number of views where
                there are none.
            settings: of the default, those changes made.

        Raises:
            InvalidInput: they cannot be used together.
        """
        whole = settings.replace(**self.changes)
        kept = dict(self.changes)
        for name, value in given.items():
            if name not in kept and _has_effect(whole, name, value):
                kept[name] = value
        return kept


def _has_effect(settings: Settings, name: str, value: Any) -> bool:
    try:
        check_effect(settings, {name: value})
    except InvalidInput:
        return False
    return True


def _views(settings: Settings) -> list[Variant]:
    """No random views at all, and all but one family. The search keeps its views, so that rows begin where they always do."""
    views, same = settings.augment, {"search_augment": settings.search_views}
    if not views.random:
        return []
    found = [Variant("no-views", "views", "the picture itself: plain CLIP", {"augment": NO_VIEWS, **same})]
    for family in () if views.variant in CUTOUTS else FAMILIES:
        if getattr(views, family):
            changes = {"augment": replace(views, **{family: False}), **same}
            found.append(Variant(f"no-{family}", "views", f"views without {family}", changes))
    return found


def _search(settings: Settings) -> list[Variant]:
    """As many samples as are mixed, one sample, and a search by the picture itself."""
    if not settings.searches or settings.pin or settings.drop:
        return []
    found = []
    if 1 < settings.basis < settings.samples:
        about = f"{settings.basis} samples, all of them mixed"
        found.append(Variant("no-search", "search", about, {"samples": settings.basis}))
    found.append(Variant("one-sample", "search", "one sample, neither searched nor mixed", {"samples": 1, "basis": 1}))
    if settings.search_views.random:
        found.append(Variant("plain-search", "search", "a search by plain CLIP", {"search_augment": NO_VIEWS}))
    return found


def _mixture(settings: Settings) -> list[Variant]:
    about = "one latent, the best of the search"
    return [] if settings.basis == 1 else [Variant("no-mixture", "mixture", about, _basis(settings, 1))]


def _start(settings: Settings) -> list[Variant]:
    """The other weights with which a mixture may begin."""
    others = [mix for mix in get_args(Mix) if mix != settings.mix] if settings.basis > 1 else []
    return [Variant(f"start-{mix}", "start", f"weights that begin as {mix!r}", {"mix": mix}) for mix in others]


def _noise(settings: Settings) -> list[Variant]:
    return [Variant("no-noise", "noise", "no noise on the latents", {"noise": 0.0})] if settings.noise else []


def _best_point(settings: Settings) -> list[Variant]:
    about = "the last point in place of the best by held-out views"
    return [Variant("last-point", "best-point", about, {"keep": "last"})] if settings.keep == "best" else []


def _view_count(settings: Settings) -> list[Variant]:
    """One view, half as many and twice as many."""
    if not settings.augment.random:
        return []
    counts = _others("views", settings.views, [1, settings.views // 2, 2 * settings.views])
    return [Variant(f"views-{n}", "view-count", f"{n} {_plural('view', n)} in each step", {"views": n}) for n in counts]


def _basis_size(settings: Settings) -> list[Variant]:
    """Two latents, and twice as many."""
    if settings.pin:
        return []
    counts = [n for n in _others("basis", settings.basis, [2, 2 * settings.basis]) if n <= settings.samples]
    return [Variant(f"basis-{n}", "basis", f"a mixture of {n} latents", _basis(settings, n)) for n in counts]


def _steps(settings: Settings) -> list[Variant]:
    """A quarter of the steps, half and twice as many."""
    counts = _others("steps", settings.steps, [settings.steps // 4, settings.steps // 2, 2 * settings.steps])
    return [Variant(f"steps-{n}", "steps", f"{n} {_plural('step', n)}", {"steps": n}) for n in counts]


def _basis(settings: Settings, count: int) -> dict[str, Any]:
    """A basis of another size; pinned starts would be it."""
    return {"basis": count, **({"pin": ()} if settings.pin else {})}


def _others(name: str, own: int, counts: Sequence[int]) -> list[int]:
    """Those counts that a setting can have, each once, and that are not its own."""
    return [n for n in dict.fromkeys(counts) if n != own and SETTINGS[name].holds(n)]


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


TECHNIQUES: dict[str, Callable[[Settings], list[Variant]]] = {
    "views": _views,
    "search": _search,
    "mixture": _mixture,
    "start": _start,
    "noise": _noise,
    "best-point": _best_point,
    "view-count": _view_count,
    "basis": _basis_size,
    "steps": _steps,
}
"""Name -> what runs without it, or with another number of it, are; none where the settings do without it already."""


def variants_of(settings: Settings, techniques: Sequence[str] | None) -> list[Variant]:
    """The default, and every variant of some techniques, or of all.

    Raises:
        InvalidInput: an unknown technique, none at all, or only ones that the settings do without.
    """
    if techniques is None:
        techniques = list(TECHNIQUES)
    check_kind("techniques", techniques, (list, tuple), f"a list of {', '.join(TECHNIQUES)}", "Put a single one in a list.")
    for name in techniques:
        if name not in TECHNIQUES:
            expected, fix = f"some of {', '.join(TECHNIQUES)}", did_you_mean(str(name), TECHNIQUES)
            raise InvalidInput("techniques", expected=expected, got=name, fix=fix)
    found = [variant for name in dict.fromkeys(techniques) for variant in TECHNIQUES[name](settings)]
    if not found:
        got = ", ".join(techniques) or "an empty list"
        raise InvalidInput("techniques", expected="at least one that these settings make use of", got=got)
    return [Variant(DEFAULT, "", "nothing"), *found]
