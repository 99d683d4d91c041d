"""Methods side by side: the same prompts, the same seeds, the same models and banks."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from fusedream_sdk.dream.comparison import Comparison, Contender
from fusedream_sdk.dream.draw import Watch
from fusedream_sdk.dream.fusedream import FuseDream, Into
from fusedream_sdk.dream.prepare import searches
from fusedream_sdk.errors import FuseDreamError, InvalidInput, OutputError, PluginImportError
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.loading import MethodLike, load_method
from fusedream_sdk.models.loading import ModelPair, choose
from fusedream_sdk.optim.state import State
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.folder import Folder, as_folder
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.rows import each_with_each
from fusedream_sdk.run.saving import slug
from fusedream_sdk.run.settings import Settings, check_changes
from fusedream_sdk.runtime.checks import check_flag, check_function, check_kind, check_seeds
from fusedream_sdk.runtime.files import atomic_path
from fusedream_sdk.scoring.prompt import Prompt, PromptLike, check_prompts

log = logging.getLogger(__name__)
TIMES = "seconds.json"
OF_THE_PLACE = ("resume", "out", "into")  # arguments that no method is to blame for


def compare(
    prompts: PromptLike | Sequence[PromptLike],
    *,
    methods: Sequence[MethodLike],
    models: str | ModelPair | None = None,
    dream: FuseDream | None = None,
    seeds: int | Sequence[int] = 0,
    into: Into = None,
    progress: bool = True,
    watch: Watch | None = None,
    **changes: Any,
) -> Comparison:
    """Draw the same prompts from the same seeds by several methods.

        fd.compare(["a blue dog", "a red apple"], methods=["fusedream", "clip-adam"], models="emoji").save("methods.png")

    Args:
        prompts, seeds: as for `FuseDream.generate`; every method draws all of them.
        methods: names, with or without options, and `Method`s. A name may end in another pair of models, after an @, for a
            method that cannot use the others: "vqgan-clip@emoji-vqgan".
        models: the pair for all the others, or `dream`: models that are loaded already, with their settings.
        into: a folder, or a `Folder`, that takes the pictures of each method into one of its own; with `resume=True` what is
            whole there is not drawn again, and methods may be added.
        progress: show progress bars on stderr.
        watch: called with every state, of all methods alike, as by `FuseDream.generate`.
        **changes: settings of each method that has a use for them, such as `steps=200`.

    A method that cannot draw with its models, whatever it raises of `FuseDreamError`, is told in its place, and the others
    go on. Ctrl-C ends the comparison with what there is.

    Raises:
        InvalidInput: a prompt, seed or setting cannot be used, a method comes twice, or there are no models for it.
        UnknownPlugin: no such method or pair. OutputError: `into` cannot be written.
    """
    check_flag("progress", progress)
    if watch is not None:
        check_function("watch", watch)
    check_changes(changes)
    pairs = each_with_each(prompts, seeds)
    asked = _Asked(tuple(check_prompts(prompts)), tuple(check_seeds(seeds)), changes, progress, watch)
    entrants = _entrants(methods)
    stage = _Stage(_default(models, dream, entrants), as_folder(into))
    done: list[Contender] = []
    stopped = False
    for entrant in entrants:
        if stopped:
            done.append(Contender(entrant.name, told="Not begun: the comparison was stopped."))
            continue
        contender, stopped = stage.run(entrant, asked)
        done.append(contender)
    return Comparison(tuple(str(p) for p, _ in pairs), tuple(s for _, s in pairs), tuple(done), stopped)


@dataclass(frozen=True)
class _Asked:
    """Prompts and seeds, and what is changed for all methods."""

    prompts: tuple[Prompt, ...]
    seeds: tuple[int, ...]
    changes: Mapping[str, Any]
    progress: bool
    watch: Watch | None

    def for_method(self, method: Method) -> dict[str, Any]:
        """The changes that a method has a use for."""
        return {name: value for name, value in self.changes.items() if name not in method.unused}


@dataclass(frozen=True)
class _Entrant:
    """A method as it was asked for: its pair of models, where it has one of its own, and why it cannot be had."""

    name: str
    method: Method | None
    pair: str = ""
    told: str = ""


def _entrants(methods: Sequence[MethodLike]) -> list[_Entrant]:
    """The methods, loaded before any model is. Raises InvalidInput, UnknownPlugin."""
    check_kind("methods", methods, (list, tuple), "a list of methods", "Put a single one in a list.")
    if not methods:
        raise InvalidInput("methods", expected="at least one method", got="an empty list", fix="See fd.list_methods().")
    found = [_entrant(method, number) for number, method in enumerate(methods)]
    for number, entrant in enumerate(found):
        if slug(entrant.name) in [slug(other.name) for other in found[:number]]:
            fix = "Leave one of them out, or give it other options."
            raise InvalidInput("methods", expected="methods that differ", got=f"{entrant.name} twice", fix=fix)
    return found


def _entrant(method: MethodLike, number: int) -> _Entrant:
    if isinstance(method, Method):
        options = "&".join(f"{name}={value}" for name, value in method.options.items())
        base = method.name or f"own-{number}"
        return _Entrant(f"{base}?{options}" if options else base, method)
    check_kind("methods", method, str, "names of methods, or Methods", "See fd.list_methods().")
    name, _, pair = method.partition("@")
    try:
        if pair:
            choose(pair, None, None, None)  # one that is not there takes no time to find
        return _Entrant(method, load_method(name), pair)
    except PluginImportError as error:
        return _Entrant(method, None, pair, str(error))


def _default(models: str | ModelPair | None, dream: FuseDream | None, entrants: Sequence[_Entrant]) -> FuseDream | None:
    """The models of the methods that name none. Raises InvalidInput where there are none, or two."""
    lacking = [entrant.name for entrant in entrants if not entrant.pair]
    if dream is not None:
        check_kind("dream", dream, FuseDream, "a FuseDream", "Make one: fd.FuseDream('emoji').")
        if models is not None:
            raise InvalidInput("models", expected="nothing beside dream", got="both", fix="Leave one of them out.")
        return dream
    if models is None:
        if lacking:
            fix = f"Give models=..., or name a pair behind it: {lacking[0]}@emoji."
            raise InvalidInput("models", expected=f"models for {lacking[0]}", got="none", fix=fix)
        return None
    return FuseDream(models) if lacking else None


@dataclass
class _Stage:
    """Where the methods draw: the pairs of models, each loaded once, and the folder with a folder for each of them."""

    default: FuseDream | None
    folder: Folder | None
    _loaded: dict[str, FuseDream] = field(default_factory=dict)

    def run(self, entrant: _Entrant, asked: _Asked) -> tuple[Contender, bool]:
        """Let one method draw; also whether Ctrl-C ended it. Raises InvalidInput, OutputError: the folder cannot be used."""
        method, name = entrant.method, entrant.name
        if method is None:
            return Contender(name, told=entrant.told), False
        if asked.progress:
            count = len(asked.prompts) * len(asked.seeds)
            log.info("%s: %d %s", name, count, "picture" if count == 1 else "pictures")
        try:
            dream = self._models(entrant)
            changes = asked.for_method(method)
            settings = method.settings_for(dream.settings, changes)
            _warm(dream, method, settings, asked)
            result, seconds = self._draw(dream, entrant, method, asked)
        except KeyboardInterrupt:
            return Contender(name, told="Stopped before its first picture was done."), True
        except OutputError:
            raise
        except FuseDreamError as error:
            if isinstance(error, InvalidInput) and error.argument in OF_THE_PLACE:
                raise
            return Contender(name, entrant.pair, told=str(error)), False
        early = Status.CANCELLED in result.status or len(result) < len(asked.prompts) * len(asked.seeds)
        return Contender(name, dream.engine.label, result, method.evaluations(settings), seconds), early

    def _models(self, entrant: _Entrant) -> FuseDream:
        """Those that a method draws with, on the device of the others."""
        if not entrant.pair:
            if self.default is None:
                raise InvalidInput("models", expected=f"models for {entrant.name}", got="none", fix="Give models=....")
            return self.default
        if entrant.pair not in self._loaded:
            device = "auto" if self.default is None else str(self.default.device)
            self._loaded[entrant.pair] = FuseDream(entrant.pair, device=device)
        return self._loaded[entrant.pair]

    def _draw(self, dream: FuseDream, entrant: _Entrant, method: Method, asked: _Asked) -> tuple[Result, float | None]:
        """The pictures, and seconds for each of those that this or an earlier run has drawn."""
        into = self._into(entrant)
        seen: set[int] = set()

        def note(state: State, rows: Sequence[int]) -> None:
            seen.update(rows)
            if asked.watch is not None:
                asked.watch(state, rows)

        begun = time.perf_counter()
        result = dream.generate(
            list(asked.prompts),
            seeds=list(asked.seeds),
            method=method,
            progress=asked.progress,
            watch=note,
            into=into,
            **asked.for_method(method),
        )
        seconds = time.perf_counter() - begun
        known = _read_times(into)
        total, count = known[0] + (seconds if seen else 0.0), known[1] + len(seen)
        if into is not None and seen:
            with atomic_path(into.path / TIMES) as temporary:
                temporary.write_text(json.dumps({"seconds": total, "pictures": count}) + "\n", encoding="utf-8")
        return result, total / count if count else None

    def _into(self, entrant: _Entrant) -> Folder | None:
        """The folder of one method, in that of all."""
        if self.folder is None:
            return None
        try:
            self.folder.path.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"into: expected a folder, got {self.folder.path} ({error.strerror}).") from error
        return Folder(self.folder.path / slug(entrant.name), resume=self.folder.resume, overwrite=self.folder.overwrite)


def _warm(dream: FuseDream, method: Method, settings: Settings, asked: _Asked) -> None:
    """Build the bank and load the judge, so that no method's time has them in it."""
    engine, judge = dream.engine, dream.engine.judge
    with engine.faults():
        if searches(method, settings) and engine.has_bank:
            engine.bank(settings, progress=asked.progress)
        if judge is not None and settings.judge:
            judge.scores(torch.zeros(1, 3, *dream.generator.resolution), asked.prompts[:1])


def _read_times(into: Folder | None) -> tuple[float, int]:
    """Seconds and pictures of earlier runs into a folder that is gone on with."""
    if into is not None and into.resume:
        with suppress(OSError, ValueError, KeyError, TypeError):  # none yet, or damaged: the times of this run remain
            found = json.loads(Path(into.path / TIMES).read_text(encoding="utf-8"))
            return float(found["seconds"]), int(found["pictures"])
    return 0.0, 0
