"""Of what kind each part of a recipe is. A recipe comes from strangers, so it is asked before anything reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fusedream_sdk.runtime.checks import is_number
from fusedream_sdk.runtime.plain import is_text

Kind = Callable[[Any], bool]

MODEL = ("name", "class", "fingerprint")


def is_name(value: Any) -> bool:
    """What a recipe calls a model: a text, several of them, texts with their weights, or nothing."""
    if isinstance(value, dict):
        return all(map(is_number, value.values()))
    return is_text(value) or (isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value))


def is_model(value: Any) -> bool:
    """The description of a model."""
    return (
        isinstance(value, dict)
        and value.keys() >= set(MODEL)
        and is_name(value["name"])
        and all(isinstance(value[name], str) for name in MODEL[1:])
    )


def is_layer(value: Any) -> bool:
    """A layer of a composition."""
    return (
        isinstance(value, dict)
        and value.keys() >= {"prompt", "generator", "picture"}
        and is_text(value["prompt"])
        and (value["generator"] is None or is_model(value["generator"]))
        and isinstance(value["picture"], bool)
    )


def numbers(value: Any) -> bool:
    """Names and numbers."""
    return isinstance(value, dict) and all(map(is_number, value.values()))


def texts(value: Any) -> bool:
    """Names and texts."""
    return isinstance(value, dict) and all(map(is_text, value.values()))


def of(kind: type) -> Kind:
    """A value of a kind of Python's."""
    return lambda value: isinstance(value, kind)


KINDS: dict[str, Kind] = {
    "method": of(str),
    "version": of(str),
    "generator": is_model,
    "scorer": is_model,
    "dtype": of(str),
    "compiled": of(bool),
    "settings": of(dict),
    "steering": of(dict),
    "start": texts,
    "scene": of(dict),
    "layers": of(list),
    "perceptual": is_model,
    "inversion": of(dict),
    "prompt": of(str),
    "seed": of(int),
    "scores": numbers,
    "placement": numbers,
    "found": numbers,
}
"""Part of a recipe -> whether a value is of its kind."""


def wrong_part(values: Mapping[str, Any], needed: set[str]) -> str | None:
    """The first part that is of another kind, or missing though it is needed."""
    return next((name for name, is_good in KINDS.items() if name in {*values, *needed} and not is_good(values.get(name))), None)
