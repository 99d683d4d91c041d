"""Where the weights of a plugin come from, so that they can be fetched ahead: addresses, and files of repositories.

A plugin says so by a function `sources(entry, options)` in the module of its entry point, as it says by `cached` what is here.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusedream_sdk.errors import InvalidInput, UnknownPlugin
from fusedream_sdk.models import registry
from fusedream_sdk.models.names import split_name

FETCHED = ("models", "generators", "scorers", "perceptual")  # kinds that have weights


@dataclass(frozen=True)
class WebFile:
    """A file at an address.

    Attributes:
        url: http or https.
        target: where the plugin looks for it.
        licence: of the weights, and whose they are, as far as it is known.
        sha256: 64 hexadecimal digits, or the first of them; empty where nobody has published any.
        folder: in which it lies where files are gathered for another machine.
    """

    url: str
    target: Path
    licence: str
    sha256: str = ""
    folder: str = ""


@dataclass(frozen=True)
class HubFiles:
    """Some files of a repository of the Hugging Face hub, which states their sizes, hashes and licence.

    Attributes:
        repository: owner/name.
        one_of: patterns of the weights, in order of preference; the first tuple of which every pattern is matched is taken.
        also: patterns of what else is taken, where it is there.
        revision: branch, tag or commit.
        cache_dir: in place of Hugging Face's cache.
        folder: as of `WebFile`.
    """

    repository: str
    one_of: tuple[tuple[str, ...], ...]
    also: tuple[str, ...] = ()
    revision: str | None = None
    cache_dir: str | Path | None = None
    folder: str = ""


Part = WebFile | HubFiles


@dataclass(frozen=True)
class Sources:
    """All that a plugin would fetch.

    Attributes:
        parts: of it.
        use: the name by which files that were gathered in a folder are loaded: {folder} is that folder, {file} the file of the
            first part's weights.
    """

    parts: tuple[Part, ...]
    use: str


def sources_of(name: str, kind: str | None = None) -> dict[tuple[str, str], Sources | None]:
    """What a name stands for: (kind, name) -> what it would fetch, or None where its plugin does not say. No model is loaded.

    Args:
        name: of a pair, which stands for its parts, or of a generator, scorer or perceptual distance, also with weights and
            options: `clip:owner/name`, `sd-turbo`, `hpsv2?version=v2.0`.
        kind: where the name is in several groups; by default all are meant.

    Raises:
        UnknownPlugin: no such name. InvalidInput: weights that have no address. PluginImportError: an extra is missing.
    """
    kinds = [one for one in FETCHED if kind in (None, one) and _takes(one, name)] or _tagged(kind, name)
    if not kinds and kind is None and "/" in name:
        fix = f"Say whose they are: clip:{name}, biggan:{name}, diffusion:{name}; or --kind."
        raise InvalidInput("name", expected="the name of a plugin, and after a colon its weights", got=name, fix=fix)
    if not kinds and kind is None:
        known = sorted({one for each in FETCHED for one in registry.plugins(each)})
        raise UnknownPlugin(registry.unknown_message("name", name, known))
    found: dict[tuple[str, str], Sources | None] = {}
    for one in kinds or [str(kind)]:
        if one == "models":
            for part in pair_parts(name):
                found[part] = _asked(*part)
        else:
            found[one, name] = _asked(one, name)
    return found


def pair_parts(name: str) -> list[tuple[str, str]]:
    """The models that a pair names: kind and name of each."""
    pair = registry.load("models", name)
    named = (("generators", pair.generator), ("scorers", pair.scorer), ("scorers", pair.judge), ("perceptual", pair.perceptual))
    return list(dict.fromkeys((kind, one) for kind, one in named if one))


def _takes(kind: str, name: str) -> bool:
    """Whether a name is of this kind, and not only because it might be weights of anything."""
    base, known = split_name(name)[0], registry.plugins(kind)
    return base in known or base.partition(":")[0] in known


def _tagged(kind: str | None, name: str) -> list[str]:
    """The kinds to which `architecture:tag` belongs, which no plugin's name begins."""
    tagged = registry.looks_tagged(split_name(name)[0])
    return [one for one in registry.TAGGED if tagged and kind in (None, one)]


def _asked(kind: str, name: str) -> Sources | None:
    """What a plugin says of itself."""
    known = registry.plugins(kind)
    base, written = split_name(name)
    owner, weights = registry.plugin_of(kind, base)
    if owner not in known:
        raise UnknownPlugin(registry.unknown_message("name", owner, list(known)))
    build = registry.resolve(kind, owner, known[owner])
    given = {**written, **({"weights": weights} if weights else {})}
    registry.check_options(kind, owner, build, given)
    whole = getattr(build, "func", build)  # of functools.partial
    say = getattr(sys.modules.get(getattr(whole, "__module__", "")), "sources", None)
    if not callable(say):
        return None
    found = say(known[owner][0].attr or "", {**_defaults(build), **given})
    return found if isinstance(found, Sources) else None


def _defaults(build: Any) -> Mapping[str, Any]:
    """The options that a plugin has where none are given."""
    try:
        parameters = inspect.signature(build).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {p.name: p.default for p in parameters if p.default is not p.empty}
