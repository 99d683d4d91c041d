"""Plugins, found by entry points that stay strings until one is used.

Groups: `fusedream_sdk.generators`, `fusedream_sdk.scorers`, `fusedream_sdk.perceptual`, `fusedream_sdk.models` (a named
pair of generator and scorer) and `fusedream_sdk.methods`. An entry point is any callable that takes options and returns
the model or the method.
"""

from __future__ import annotations

import inspect
import os
import re
from collections import defaultdict
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from fusedream_sdk.errors import (
    DuplicatePlugin,
    FuseDreamError,
    InvalidInput,
    PluginFault,
    PluginImportError,
    UnknownPlugin,
    did_you_mean,
    shown,
)
from fusedream_sdk.models.missing import install_hint, left_out
from fusedream_sdk.models.names import joined, remember, split_name
from fusedream_sdk.models.names import split_options as split_options

if TYPE_CHECKING:  # listing needs no torch
    from fusedream_sdk.protocols import Generator, Perceptual

KINDS = {  # kind -> who takes a hub id, a folder or a file as `weights`
    "generators": "biggan",
    "scorers": "clip",
    "perceptual": None,
    "models": None,
    "methods": None,
}
BUILT_IN = {"perceptual": [EntryPoint("scorer", "fusedream_sdk.models.features:scorer_features", "fusedream_sdk.perceptual")]}
TAGGED = {"scorers": "openclip"}  # kind -> who takes `architecture:weights`


def plugins(kind: str) -> dict[str, list[EntryPoint]]:
    """Every installed name of a kind, sorted, with the entry points that claim it. Imports no plugin."""
    found: defaultdict[str, list[EntryPoint]] = defaultdict(list)
    for point in (*BUILT_IN.get(kind, ()), *entry_points(group=f"fusedream_sdk.{kind}")):
        twins = [p for p in found[point.name] if p.value == point.value and package(p) == package(point)]
        if not twins:  # an editable install and its source folder on the path show the same one twice
            found[point.name].append(point)
    return dict(sorted(found.items()))


def package(point: EntryPoint) -> str:
    """The distribution that an entry point comes from."""
    built_in = "fusedream-sdk" if point.value.startswith("fusedream_sdk.") else "an unnamed package"
    return point.dist.name if point.dist is not None else built_in


def list_generators() -> list[str]:
    """Names that `load_generator` takes. Imports no plugin."""
    return list(plugins("generators"))


def list_scorers() -> list[str]:
    """Names that `load_scorer` takes. Imports no plugin."""
    return list(plugins("scorers"))


def list_perceptual() -> list[str]:
    """Names that `load_perceptual` takes. Imports no plugin."""
    return list(plugins("perceptual"))


def list_models() -> list[str]:
    """Names of ready pairs that `FuseDream(name)` takes. Imports no plugin."""
    return list(plugins("models"))


def list_methods() -> list[str]:
    """Names that `load_method` and `FuseDream.generate(method=...)` take. Imports no plugin."""
    return list(plugins("methods"))


def load_generator(name: str, **options: Any) -> Generator:
    """Load a generator.

    Args:
        name: a plugin's name (`biggan`), also with its weights (`vqgan:folder`); a pretrained name (`biggan-deep-256`); or a
            folder, file or hub id of BigGAN weights. Each may carry options, as `pixels?side=96` or
            `emoji-vqgan?canvas=[32,64]`: then a recipe has them too.
        **options: passed to the plugin, such as `device`.

    Raises:
        UnknownPlugin: no such name. PluginImportError: it does not import. DuplicatePlugin: two packages claim it.
        InvalidInput: an option that it does not take, or lacks. WeightsError: its weights cannot be loaded.
    """
    return load("generators", name, **options)


def load_perceptual(name: str, **options: Any) -> Perceptual:
    """Load a perceptual distance by its plugin's name, with or without options in it. Errors as for `load_generator`."""
    return load("perceptual", name, **options)


def load(kind: str, name: str, **options: Any) -> Any:
    """Find, import and call one entry point; another plugin that is broken does not matter."""
    if not isinstance(name, str):
        raise InvalidInput(kind, expected="the name of a plugin", got=name)
    known = plugins(kind)
    base, written = split_name(name)
    owner, weights = plugin_of(kind, base)
    if owner not in known:
        raise UnknownPlugin(unknown_message(kind, owner, list(known)))
    given = joined(owner, written, weights, options)
    build = resolve(kind, owner, known[owner])
    check_options(kind, owner, build, given)
    model = build_with(kind, owner, known[owner][0], build, given, written)
    remember(kind, name, options, model)
    return model


def build_with(
    kind: str, name: str, point: EntryPoint, build: Any, options: Mapping[str, Any], written: Mapping[str, Any]
) -> Any:
    """Call an entry point; what it cannot import or use is said with its name.

    Args:
        kind, name, point, build: of the plugin.
        options: what it is given. written: those of them that stood in the name, and may be of the wrong type.
    """
    try:
        return build(**options)
    except FuseDreamError:
        raise
    except (TypeError, ValueError) as error:
        if not written:
            raise fault(kind, name, point, error) from error
        got = f"{'&'.join(f'{key}={value!r}' for key, value in written.items())} ({type(error).__name__}: {error})"
        raise InvalidInput(kind, expected=f"options that {name!r} can use", got=got) from error
    except ImportError as error:  # a good plugin imports what is heavy only when it is called
        raise import_failure(kind, name, point, error) from error
    except FileNotFoundError as error:
        if left_out(error, point):
            raise import_failure(kind, name, point, error) from error
        raise
    except MemoryError:
        raise
    except Exception as error:  # whatever a stranger's code does
        raise fault(kind, name, point, error) from error


def plugin_of(kind: str, name: str) -> tuple[str, str]:
    """The plugin that a name means, and the weights in it: `vqgan:folder` is ("vqgan", "folder"). Imports no plugin.

    A name that nobody takes is given back, without weights.
    """
    known = plugins(kind)
    owner, _, weights = name.partition(":")
    if name not in known and owner in known and weights:
        return owner, weights
    default = TAGGED.get(kind) if looks_tagged(name) else KINDS[kind]
    if name not in known and default in known and looks_like_weights(name):
        return default, name
    return name, ""


def takes(kind: str, name: str, option: str) -> bool:
    """Whether a plugin names an option in its signature; False for an unknown plugin. Imports that plugin."""
    name = split_name(name)[0]
    points = plugins(kind).get(name)
    return points is not None and option in inspect.signature(resolve(kind, name, points)).parameters


def resolve(kind: str, name: str, points: list[EntryPoint]) -> Any:
    """The callable behind a name."""
    if len(points) > 1:
        owners = " and ".join(f"{package(p)} ({p.value})" for p in points)
        raise DuplicatePlugin(f"{kind}: {name!r} is claimed by {owners}. Uninstall one of them, or ask it to rename.")
    point = points[0]
    try:
        return point.load()
    except FuseDreamError:
        raise
    except (Exception, SystemExit) as error:  # whatever a stranger's module does at import
        raise import_failure(kind, name, point, error) from error


def check_options(kind: str, name: str, build: Any, options: Mapping[str, Any]) -> None:
    """The options are those of the plugin, and none is lacking. Raises InvalidInput."""
    try:
        parameters = inspect.signature(build).parameters.values()
    except (TypeError, ValueError):  # not a function of Python: its call will tell
        return
    named = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    lacking = [p.name for p in parameters if p.name in named and p.default is p.empty and p.name not in options]
    strange = [] if any(p.kind is p.VAR_KEYWORD for p in parameters) else [o for o in options if o not in named]
    if lacking:
        fix = f"Give it: {lacking[0]}=..." + (f", or the name {name}:PATH." if lacking[0] == "weights" else ".")
        raise InvalidInput(lacking[0], expected=f"a value, as {name!r} of {kind} has none of its own", got="nothing", fix=fix)
    if strange:
        expected = f"an option of {name!r}, which takes {', '.join(named) or 'none'}"
        raise InvalidInput(kind, expected=expected, got=repr(strange[0]), fix=did_you_mean(strange[0], named))


def fault(kind: str, name: str, point: EntryPoint, error: Exception) -> PluginFault:
    """The error for a plugin whose own code raised one."""
    told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return PluginFault(f"{kind}: {name!r} of {package(point)} raised {told}. Tell its author.")


def import_failure(kind: str, name: str, point: EntryPoint, error: BaseException) -> PluginImportError:
    """The error for a plugin that does not import: whose it is, why, and what to do."""
    return PluginImportError(
        f"{kind}: {name!r} of {package(point)} ({point.value}) does not import: {type(error).__name__}: {error}. "
        f"{install_hint(error, point)}"
    )


def looks_like_weights(name: str) -> bool:
    """Whether a name can only be a folder, a file, a hub id (`owner/name`), or an architecture with a tag or a file."""
    return "/" in name or "\\" in name or looks_tagged(name) or os.path.exists(os.path.expanduser(name))


def looks_tagged(name: str) -> bool:
    """Whether a name is `architecture:tag` or `architecture:file`; a single letter before the colon is a drive."""
    return re.match(r"[^/\\:]{2,}:.", name) is not None and not os.path.exists(name)  # unlike pathlib's, never raises


def unknown_message(kind: str, name: str, known: list[str]) -> str:
    """The error for a name that nobody registered, with the nearest one that somebody did."""
    expected = f"one of {', '.join(known)}" if known else "an installed plugin (there is none of this kind)"
    return f"{kind}: expected {expected}; got {shown(repr(name), 80)}. {did_you_mean(name, known)}".rstrip()
