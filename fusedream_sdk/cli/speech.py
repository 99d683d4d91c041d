"""What a verb says: lines for a person on stderr, results on stdout, in words or, with --json, as an object a line.

The two options are the same for every verb that has them, and no verb is handed either: what is said asks here.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import click

from fusedream_sdk.runtime.progress import is_silent, silence

_AS_JSON = ContextVar("as_json", default=False)  # ends with the verb, as `silence` does: see `exits.run`
LONGEST = 1200  # letters of a line
OF_THE_HUB = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_VERBOSITY": "error"}  # its client reads them once, when imported


def say(message: str) -> None:
    """A line for the person at the terminal, unless there is to be none."""
    if not is_silent():
        complain(message)


def complain(message: str) -> None:
    """A line that is said with --quiet too, as it tells of an error."""
    click.echo(f"fusedream: {one_line(message)}", err=True)


def one_line(message: str) -> str:
    """A message without line breaks, and with what a terminal would obey, or cannot show, written out."""
    joined = re.sub(r"\s*[\r\n\x0b\x0c\x85\u2028\u2029]\s*", " ", message[:LONGEST].strip())
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in joined)


def tell(words: str, kind: str, facts: Mapping[str, Any]) -> None:
    """A result, on stdout.

    Args:
        words: for a person.
        kind: of the result, which an object has as its first entry.
        facts: the further entries, for a program: numbers, texts, paths, and lists and mappings of them.
    """
    if as_json():
        click.echo(json.dumps({"kind": kind, **plain(facts)}, allow_nan=False))
    else:
        click.echo(words)


def as_json() -> bool:
    """Whether results are told to a program."""
    return _AS_JSON.get()


def plain(value: Any) -> Any:
    """A value as JSON has it: a number that is not finite is null, a path its text."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return str(value) if isinstance(value, (str, Path)) else value


def told_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that adds --quiet and --json; the verb has no argument for them."""
    quiet = click.option(
        *("-q", "--quiet"),
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_be_quiet,
        help="Nothing on stderr but errors.",
    )
    for_programs = click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_be_plain,
        help="Results as JSON, an object a line, for programs.",
    )
    return quiet(for_programs(verb))


def _be_quiet(context: click.Context, param: click.Parameter, given: bool) -> None:
    if given:
        silence()
        os.environ.update(OF_THE_HUB)


def _be_plain(context: click.Context, param: click.Parameter, given: bool) -> None:
    if given:
        _AS_JSON.set(True)
