"""What a stranger's recipe may load: what is installed or here already, unless its user says more.

A recipe names models, and a picture with a recipe comes from anybody. The name of a plugin is what its user installed. Behind
such a name, or alone, stand weights that the recipe's author chose: a file or a folder, which is never followed, or something
that would be fetched.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from pathlib import Path
from typing import Any

from fusedream_sdk.errors import DuplicatePlugin, InvalidInput, PluginImportError, UnknownPlugin
from fusedream_sdk.models import registry
from fusedream_sdk.models.names import split_name

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")  # owner/name
ELSEWHERE = ("cache_dir", "config", "revision")  # options by which a recipe would choose what is read
SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")


def check_named(kind: str, role: str, name: str | list[str] | dict[str, float] | None, *, allow_download: bool) -> None:
    """A model that a recipe names may be loaded.

    Args:
        kind: of plugins: "generators", "scorers" or "perceptual".
        role: what an error calls it.
        name: in the recipe; of an ensemble, all its members.
        allow_download: whether weights that the recipe's author chose may be fetched.

    Raises:
        InvalidInput: it is a path, or would be fetched without leave.
        UnknownPlugin: no plugin has that name.
    """
    for one in [name] if isinstance(name, str) else list(name or ()):
        _check_one(kind, role, one, allow_download=allow_download)


def _check_one(kind: str, role: str, name: str, *, allow_download: bool) -> None:
    known = registry.plugins(kind)
    base, options = split_name(name)
    owner, weights = registry.plugin_of(kind, base)
    chosen = [word for word in (weights, *words_in(options.pop("weights", ""))) if word]
    others = [word for value in options.values() for word in words_in(value)]
    led = next((key for key in options if key in ELSEWHERE), None)
    if led or any(map(is_path, others)) or any(is_path(one) or is_path(one.partition(":")[2]) for one in chosen):
        raise InvalidInput(
            role,
            expected="a model that a picture may name",
            got=f"the path {name!r}, which is not followed" if led is None else f"{name!r} with {led!r}",
            fix=f"If you have these weights, name them yourself: replay(..., {role}=...){_option(', or', role)}.",
        )
    if owner not in known:
        raise UnknownPlugin(registry.unknown_message(kind, owner, list(known)))
    known_words = all(_is_choice(kind, owner, key, word) for key, value in options.items() for word in words_in(value))
    if allow_download or (known_words and all(_is_cached(kind, owner, one) for one in chosen)):
        return
    fix = "If you trust it, allow that: replay(..., allow_download=True), or --allow-download"
    raise InvalidInput(
        role,
        expected="a model that is shipped, cached or named by you",
        got=f"{name!r}, which the picture names and which would be downloaded",
        fix=f"{fix}{_option('; or name yours:', role)}.",
    )


def words_in(value: Any) -> list[str]:
    """The texts in the value of an option, which may name something; numbers are harmless."""
    if isinstance(value, dict):
        return [word for pair in value.items() for one in pair for word in words_in(one)]
    if isinstance(value, (list, tuple)):
        return [word for one in value for word in words_in(one)]
    return [value] if isinstance(value, str) else []


def _option(words: str, role: str) -> str:
    """The option of the command line for a model; a layer's generator has none."""
    return f"{words} --{role}" if role in ("generator", "scorer", "perceptual") else ""


def is_path(weights: str) -> bool:
    """Whether weights are a file or folder: by their looks, or because something of that name is here."""
    if not weights:
        return False
    looks = weights.startswith(("/", "~", ".")) or "\\" in weights or weights.lower().endswith(SUFFIXES)
    deep = "/" in weights and HUB_ID.fullmatch(weights) is None
    return looks or deep or not weights.isprintable() or os.path.lexists(os.path.expanduser(weights))


def _is_cached(kind: str, owner: str, weights: str) -> bool:
    """Whether weights are all here, as the module of a plugin says with a function `cached`; without one they are not."""
    build = _builder(kind, owner)
    ask = getattr(sys.modules.get(getattr(build, "__module__", "")), "cached", None)
    return callable(ask) and bool(ask(weights))


def _is_choice(kind: str, owner: str, option: str, word: str) -> bool:
    """Whether a word is one that the plugin's own signature lists, as a `Literal`; any other might be something to fetch."""
    try:
        parameters = inspect.signature(_builder(kind, owner)).parameters
    except (TypeError, ValueError):  # not a function of Python
        return False
    listed = str(parameters[option].annotation) if option in parameters else ""
    return "Literal[" in listed and (repr(word) in listed or f'"{word}"' in listed)


def _builder(kind: str, owner: str) -> Any:
    """The function behind the name of a plugin; None for one that is broken, of which its loading will tell."""
    try:
        build: Any = registry.resolve(kind, owner, registry.plugins(kind)[owner])
    except (PluginImportError, DuplicatePlugin):
        return None
    return getattr(build, "func", build)  # of functools.partial


def hub_cached(repository: str, *choices: str) -> bool:
    """For plugins: whether config.json of a repository of the Hugging Face hub, and any of these files, are in its cache."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = [try_to_load_from_cache(repository, name) for name in ("config.json", *choices)]
    except HFValidationError:
        return False
    here = [isinstance(path, str) and Path(path).is_file() for path in found]
    return here[0] and any(here[1:])
