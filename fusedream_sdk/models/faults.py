"""Whose fault it was: an error that comes out of a plugin is told with the plugin's name and package."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fusedream_sdk.errors import FuseDreamError, PluginFault
from fusedream_sdk.models import registry
from fusedream_sdk.runtime.room import out_of_memory

OURS = "fusedream_sdk"


@contextmanager
def named_faults(models: Mapping[str, Any]) -> Iterator[None]:
    """A block in which plugins run.

    Args:
        models: role -> model in use, for one that no plugin made but was passed as an object.

    Raises:
        PluginFault: an error whose innermost frame, outside of libraries, lies in a plugin or in a method of a model.
    """
    try:
        yield
    except FuseDreamError:
        raise
    except Exception as error:
        owner = None if out_of_memory(error) else owner_of(error, models)
        if owner is None:
            raise
        raise PluginFault(f"{owner} raised {type(error).__name__}: {error or 'without a word'}. Tell its author.") from error


def owner_of(error: BaseException, models: Mapping[str, Any]) -> str | None:
    """The plugin, or the model, that an error comes from, in words; None where it is nobody's but ours."""
    packages = plugin_packages()
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        module = str(frame.f_globals.get("__name__", "")).split(".")[0]
        if module == OURS:
            continue
        if module in packages:
            return packages[module]
        for role, model in models.items():
            if frame.f_locals.get("self") is model:
                return f"{role}, a {type(model).__name__} of the module {type(model).__module__},"
    return None


def plugin_packages() -> dict[str, str]:
    """Module of every installed plugin -> its names and its distribution, in words. Imports none of them."""
    found: dict[str, tuple[list[str], str]] = {}
    for kind in registry.KINDS:
        for name, points in registry.plugins(kind).items():
            for point in points:
                names, _ = found.setdefault(point.module.split(".")[0], ([], registry.package(point)))
                names.append(name)
    return {
        module: f"{'the plugin' if len(names) == 1 else 'one of the plugins'} {', '.join(dict.fromkeys(names))} of {package}"
        for module, (names, package) in found.items()
        if module != OURS
    }
