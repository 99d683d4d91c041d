"""Names that carry options, as `pixels?side=96`, and the names by which objects were loaded.

A recipe keeps a name whole, so what is in it comes back when a picture is drawn again.
"""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Mapping
from typing import Any

from fusedream_sdk.errors import InvalidInput

_KNOWN: dict[int, tuple[weakref.ref[Any], str, str]] = {}  # id -> object, kind, name
PLACES = ("device",)  # options that are no part of what a model is


def split_options(name: str) -> tuple[str, dict[str, Any]]:
    """A name and the options behind it: `random-search?population=8&spread=0.3`; values are read as JSON where they are it.

    Raises:
        InvalidInput: an option without a name or a value, or one that is there twice.
    """
    base, _, written = name.partition("?")
    options: dict[str, Any] = {}
    for part in filter(None, written.split("&")):
        key, given, value = part.partition("=")
        if not key or not given:
            raise InvalidInput(base, expected="options as NAME?key=value&key=value", got=repr(name))
        if key in options:
            raise InvalidInput(base, expected="every option once", got=repr(name), fix=f"Leave out one {key!r}.")
        try:
            options[key] = json.loads(value)
        except ValueError:
            options[key] = value
    return base, options


def split_name(name: str) -> tuple[str, dict[str, Any]]:
    """As `split_options`, but for a file or folder that has a question mark in its name."""
    return (name, {}) if "?" in name and os.path.lexists(os.path.expanduser(name)) else split_options(name)


def joined(name: str, written: Mapping[str, Any], weights: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a plugin: those in its name, with lists as tuples, the weights there, and those given beside it.

    Raises:
        InvalidInput: one of them is given twice, or the place where it runs stands in the name.
    """
    for key in PLACES:
        if key in written:
            fix = f"Say it beside the name, as --{key} or {key}=: a recipe does not say where it is drawn."
            raise InvalidInput(key, expected=f"nothing in the name {name!r}", got=repr(written[key]), fix=fix)
    inside = {**{key: as_tuple(value) for key, value in written.items()}, **({"weights": weights} if weights else {})}
    twice = [key for key in inside if key in options or (key == "weights" and weights and key in written)]
    if twice:
        raise InvalidInput(twice[0], expected=f"one value for {name!r}", got="one in the name, and another")
    return {**options, **inside}


def as_tuple(value: Any) -> Any:
    """A list of JSON, and those in it, as a tuple."""
    return tuple(map(as_tuple, value)) if isinstance(value, list) else value


def remember(kind: str, name: str, options: Mapping[str, Any], model: Any) -> None:
    """Keep the name of a model for as long as it lives; not where its options cannot stand in a name."""
    whole = named_with(name, options)
    if whole is None:
        return
    key = id(model)
    try:
        _KNOWN[key] = (weakref.ref(model, lambda _: _KNOWN.pop(key, None)), kind, whole)
    except TypeError:  # a number, say, or an object with slots
        return


def remembered(kind: str, model: Any) -> str | None:
    """The name by which a model of that kind was loaded, with its options; None for any other object."""
    reference, found, name = _KNOWN.get(id(model), (lambda: None, "", ""))
    return name if model is not None and reference() is model and found == kind else None


def named_with(name: str, options: Mapping[str, Any]) -> str | None:
    """A name with options behind it, as `split_options` reads them; None where one of them cannot be written."""
    parts = []
    for key, value in options.items():
        if key in PLACES:
            continue
        try:
            written = json.dumps(value)
        except (TypeError, ValueError):
            return None
        if "&" in written or "?" in written:
            return None
        parts.append(f"{key}={written}")
    if not parts:
        return name
    return name + ("&" if "?" in name else "?") + "&".join(parts)
