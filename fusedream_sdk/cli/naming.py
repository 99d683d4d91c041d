"""What the command line calls an argument of the Python API: `--seed` for `seeds`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import click

from fusedream_sdk.errors import FuseDreamError, InvalidInput, OutputError

ALIASES = {"background": "background_picture", "foreground": "foreground_picture"}
"""What `replay` takes by another name."""


def as_typed(error: FuseDreamError, group: click.Group, words: Sequence[str]) -> str:
    """The message of an error, with the name of the option that was typed where a verb has one for the argument."""
    if isinstance(error, OutputError):
        name, colon, rest = str(error).partition(": ")
        return options_of(group, words).get(name, name) + colon + rest
    if not isinstance(error, InvalidInput):
        return str(error)
    head = re.match(r"\w+", error.argument)
    options = options_of(group, words)
    name = head[0] if head else error.argument
    option = options.get(name) or options.get(ALIASES.get(name, ""))
    if option is None:
        return str(error)
    named = option + error.argument[len(name) :]
    return str(InvalidInput(named, expected=error.expected, got=error.got, fix=error.fix))


def options_of(group: click.Group, words: Sequence[str]) -> Mapping[str, str]:
    """Argument -> option of the verb that a command line begins with."""
    verb: click.Command = group
    for word in words:
        if isinstance(verb, click.Group) and word in verb.commands:
            verb = verb.commands[word]
    named = {param.name or "": max(param.opts, key=len) for param in verb.params if isinstance(param, click.Option)}
    flat = {option.removeprefix("--").replace("-", "_"): option for option in named.values()}
    return {**flat, **named}
