"""Models that visitors may choose, each loaded once, when somebody first asks for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, fields

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, did_you_mean
from fusedream_sdk.models import registry

KEPT = 2  # sets of models in memory
KINDS = {"models": "models", "generator": "generators", "scorer": "scorers"}


@dataclass(frozen=True)
class Choice:
    """A pair of models by its name, and names of a generator and a scorer in place of its own; all None for the page's."""

    models: str | None = None
    generator: str | None = None
    scorer: str | None = None

    def __bool__(self) -> bool:
        return any((self.models, self.generator, self.scorer))


class Shelf:
    """The models behind a page.

    Args:
        first: the models that the page was started with.
        load: makes the models of a choice ready.
        fixed: whether no others may be chosen. Otherwise every installed name may be, but no path and no options: these are
            for whoever starts the page.
    """

    def __init__(self, first: Choice, load: Callable[[Choice], FuseDream], *, fixed: bool = False) -> None:
        self.first, self.fixed = first, fixed
        self._load, self._lock, self._loading = load, threading.Lock(), threading.Lock()
        self._loaded: OrderedDict[Choice, FuseDream] = OrderedDict()

    def names(self, kind: str) -> list[str]:
        """What may be chosen as "models", "generator" or "scorer"; what the page was started with comes first."""
        own = getattr(self.first, kind)
        installed = [] if self.fixed else list(registry.plugins(KINDS[kind]))
        return list(dict.fromkeys([*([own] if own else []), *installed]))

    def chosen(self, choice: Choice) -> Choice:
        """The choice, checked; what was not chosen is as of the page. Raises InvalidInput for an unknown name."""
        for field in fields(choice):
            name, known = getattr(choice, field.name), self.names(field.name)
            if name and name not in known:
                expected = f"one of {', '.join(known)}" if known else "nothing, as the models of this page are fixed"
                raise InvalidInput(field.name, expected=expected, got=name, fix=did_you_mean(name, known))
        if choice.models:
            return choice
        first = self.first
        return Choice(first.models, choice.generator or first.generator, choice.scorer or first.scorer)

    def dream(self, choice: Choice) -> FuseDream:
        """The models of a choice, loaded. Raises InvalidInput for an unknown name, or as `FuseDream`."""
        wanted = self.chosen(choice)
        found = self._there(wanted)
        if found is not None:  # without waiting for what somebody else has loaded
            return found
        with self._loading:  # one at a time: two would need the memory of both
            found = self._there(wanted)
            if found is None:
                self._make_room()
                found = self._load(wanted)
                with self._lock:
                    self._loaded[wanted] = found
            return found

    def _there(self, wanted: Choice) -> FuseDream | None:
        with self._lock:
            if wanted in self._loaded:
                self._loaded.move_to_end(wanted)
            return self._loaded.get(wanted)

    def _make_room(self) -> None:
        """The set that was asked for the longest ago goes, but for the page's own."""
        with self._lock:
            others = [choice for choice in self._loaded if choice != self.first]
            if len(self._loaded) >= KEPT and others:
                del self._loaded[others[0]]
