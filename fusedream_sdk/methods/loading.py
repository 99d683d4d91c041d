"""Methods by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

from fusedream_sdk.errors import InvalidInput, PluginContractError
from fusedream_sdk.methods.base import Method
from fusedream_sdk.models import registry
from fusedream_sdk.runtime.checks import kind_of

MethodLike: TypeAlias = str | Method
"""A method, or its name."""


def load_method(name: str, **options: Any) -> Method:
    """Load a method.

        fd.load_method("random-search", population=32)
        fd.load_method("random-search?population=32")

    Args:
        name: of a method (`fd.list_methods()`), with or without options.
        **options: passed to the plugin.

    Raises:
        UnknownPlugin: no such name. PluginImportError: it does not import. DuplicatePlugin: two packages claim it.
        InvalidInput: an option that it does not take, or cannot use. PluginContractError: it is no `Method`.
    """
    if not isinstance(name, str):
        expected, fix = "the name of a method, or a Method", "See fd.list_methods()."
        raise InvalidInput("method", expected=expected, got=kind_of(name), fix=fix)
    base, written = registry.split_options(name)
    given = {**written, **options}
    made = registry.load("methods", base, **given)
    if not isinstance(made, Method):
        raise PluginContractError(f"method: expected {base!r} to make a Method, got a {type(made).__name__}.")
    return replace(made, name=base, options=given)


def as_method(method: MethodLike) -> Method:
    """A method by its name, or as it is."""
    return method if isinstance(method, Method) else load_method(method)
