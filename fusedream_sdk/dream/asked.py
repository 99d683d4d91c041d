"""What a recipe asks for, checked before anything is loaded: its models, its method, how its picture was inverted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusedream_sdk.dream.recompose import read_scene
from fusedream_sdk.errors import FuseDreamError, InvalidInput
from fusedream_sdk.inversion.likeness import InversionSettings
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.models.trust import check_named, is_path, words_in
from fusedream_sdk.run.recipe import DAMAGED, MALFORMED, Recipe, Verb
from fusedream_sdk.runtime.device import DTYPES
from fusedream_sdk.scenes.request import LAYERS


def check_models(recipe: Recipe, given: Mapping[str, Any], where: str, *, allow_download: bool) -> None:
    """Whatever a recipe would load may be loaded: asked before the first of them is. Raises InvalidInput, UnknownPlugin."""
    named = [("generators", "generator", recipe.generator), ("scorers", "scorer", recipe.scorer)]
    if recipe.perceptual is not None:
        named.append(("perceptual", "perceptual", recipe.perceptual))
    if recipe.verb is Verb.COMPOSE:
        abouts = zip(LAYERS, read_scene(recipe, where)[2], strict=True)
        named += [("generators", role, about.generator) for role, about in abouts if about.generator and not about.picture]
    for kind, role, about in named:
        if given.get(role) is None:
            check_named(kind, role, about.name, allow_download=allow_download)
    if recipe.dtype not in ("auto", *DTYPES):
        raise InvalidInput("picture", expected="a whole recipe", got=f"{where} of dtype {recipe.dtype!r}", fix=DAMAGED)


def inversion_again(recipe: Recipe, where: str) -> InversionSettings:
    """How the picture at which it began was inverted. Raises InvalidInput for settings that cannot be used."""
    try:
        return InversionSettings().replace(**(recipe.inversion or {}))
    except MALFORMED as error:
        got = f"{where} with other settings of its inversion ({error})"
        raise InvalidInput("picture", expected="a whole recipe", got=got, fix=DAMAGED) from error


def method_again(recipe: Recipe, given: Method | None) -> Method:
    """The method that drew a picture. Raises InvalidInput for one without a name that was not given, and for another."""
    about = recipe.method
    if given is None and about.name is not None:
        check_named("methods", "method", about.name, allow_download=False)
        paths = [word for word in words_in(dict(about.options)) if is_path(word)]
        if paths:
            fix = "If you have it, pass the method: replay(picture, method=...)."
            raise InvalidInput("method", expected="options that a picture may name", got=f"the path {paths[0]!r}", fix=fix)
        return _named_method(about.name, about.options)
    if given is None or (given.name, dict(given.options)) != (about.name, dict(about.options)):
        expected = f"the Method that drew the picture, {about.name or 'one of your own'}"
        got, fix = "none" if given is None else str(given), "Pass it: replay(picture, method=...)."
        raise InvalidInput("method", expected=expected, got=got, fix=fix)
    return given


def _named_method(name: str, options: Mapping[str, Any]) -> Method:
    """A method of a recipe. Raises InvalidInput for options that it cannot use, of whatever kind."""
    try:
        return load_method(name, **options)
    except FuseDreamError:
        raise
    except MALFORMED as error:
        got = f"other options of {name!r} ({error})"
        raise InvalidInput("picture", expected="a whole recipe", got=got, fix=DAMAGED) from error
