"""What visitors ask for, as the page hands it over: read, and refused where it cannot be used, before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.models.names import split_options
from fusedream_sdk.models.trust import is_path, words_in
from fusedream_sdk.run.recipe import DEFAULT_METHOD
from fusedream_sdk.runtime.checks import check_seeds
from fusedream_sdk.runtime.ranges import seeds_in
from fusedream_sdk.scoring.prompt import Prompt, check_prompts
from fusedream_sdk.web.limits import Limits
from fusedream_sdk.web.shelf import Choice


@dataclass(frozen=True)
class Form:
    """What is to be drawn.

    Args:
        prompts: a sentence on each line.
        seeds: `7`, `0,1,2` or `0-3`.
        choice: of models.
        method: its name, also with options.
        numbers: of `Settings`, or of another verb's, as they were written; nothing leaves what the models recommend.
    """

    prompts: str | None
    seeds: str | None = "0"
    choice: Choice = field(default_factory=Choice)
    method: str = DEFAULT_METHOD
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def rows(self, limits: Limits) -> tuple[list[Prompt], list[int]]:
        """Prompts, and seeds, each once. Raises InvalidInput for none, or too many."""
        lines = [line.strip() for line in (self.prompts or "").splitlines() if line.strip()]
        prompts = check_prompts(lines or "")
        seeds = check_seeds(list(dict.fromkeys(seeds_in("seeds", self.seeds or ""))))
        limits.check_pictures(len(prompts) * len(seeds))
        return prompts, seeds

    def row(self) -> tuple[Prompt, int]:
        """The one prompt and the one seed. Raises InvalidInput for another number of them."""
        prompts, seeds = self.rows(Limits(pictures=1))
        return prompts[0], seeds[0]

    def given(self) -> dict[str, Any]:
        """The settings that were given."""
        read = {name: number_in(value) for name, value in self.numbers.items()}
        return {name: value for name, value in read.items() if value is not None}


def number_in(value: Any) -> Any:
    """A number that was written, None where nothing was; what is no number is left to whoever checks it."""
    if not isinstance(value, str):
        return value
    for read in (int, float):
        with suppress(ValueError):
            return read(value)
    return value.strip() or None


def named_method(name: str | None) -> Method:
    """A method by its name. Raises UnknownPlugin, or InvalidInput for options that name a file, or that it does not take."""
    wanted = (name or "").strip() or DEFAULT_METHOD
    paths = [word for word in words_in(split_options(wanted)[1]) if is_path(word)]
    if paths:
        expected = "options that name no file"
        raise InvalidInput("method", expected=expected, got=paths[0], fix="Files are for whoever runs the page.")
    return load_method(wanted)


def two_methods(names: Sequence[str | None]) -> list[Method]:
    """Two methods that differ. Raises as `named_method`, and InvalidInput where they are the same."""
    methods = [named_method(name) for name in names]
    if len({(method.name, str(method.options)) for method in methods}) < len(methods):
        fix = "Choose another one, or give it options, as random-search?population=8."
        raise InvalidInput("methods", expected="two that differ", got=f"{methods[0]} twice", fix=fix)
    return methods
