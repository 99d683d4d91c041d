"""A saved picture, drawn again from the recipe that it carries."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from fusedream_sdk.errors import FingerprintMismatch, InvalidInput
from fusedream_sdk.models import Loaded
from fusedream_sdk.pictures import read_recipe
from fusedream_sdk.pipeline import FuseDream
from fusedream_sdk.protocols import Generator, Reward, Scorer
from fusedream_sdk.result import Result
from fusedream_sdk.settings import Settings

PARTS = {"prompt": str, "seed": int, "generator": dict, "scorer": dict, "settings": dict, "dtype": str, "version": str}


def replay(
    picture: str | Path,
    *,
    generator: Generator | None = None,
    scorer: Scorer | Reward | None = None,
    device: str = "auto",
    progress: bool = True,
) -> Result:
    """Make a picture again, from scratch, as its recipe says.

    On the same machine the picture comes out the same; another processor may round differently.

    Args:
        picture: a PNG that the SDK saved.
        generator, scorer: the models, where the recipe cannot name them because they were passed as objects.
        device: where named models are loaded.
        progress: show progress bars on stderr.

    Raises:
        InvalidInput: the file has no recipe, or a model that cannot be loaded by name was not given.
        FingerprintMismatch: a model is not the one that drew the picture.
    """
    recipe, settings = read_whole_recipe(picture)
    dream = FuseDream(
        generator=_name(recipe, "generator") if generator is None else generator,
        scorer=_name(recipe, "scorer") if scorer is None else scorer,
        device=device,
        dtype=recipe["dtype"],
    )
    _check_same("generator", dream._engine.generator, recipe)
    _check_same("scorer", dream._engine.scorer, recipe)
    result = dream.generate(
        recipe["prompt"], seeds=recipe["seed"], progress=progress, **settings.changed_from(dream.settings)
    )
    if result.recipe["version"] != recipe["version"]:
        warnings.warn(
            f"drawn by version {recipe['version']}, replayed by {result.recipe['version']}: it may differ.", stacklevel=2
        )
    return result


def read_whole_recipe(picture: str | Path) -> tuple[dict[str, Any], Settings]:
    """A recipe with all its parts, and its settings. Raises InvalidInput where one is missing or not understood."""
    recipe = read_recipe(picture)
    fix = "It was damaged, or saved by another version: fusedream --version."
    for part, kind in PARTS.items():
        whole = isinstance(recipe.get(part), kind)
        if not whole or (part in ("generator", "scorer") and not {"name", "class", "fingerprint"} <= set(recipe[part])):
            raise InvalidInput("picture", expected="a whole recipe", got=f"{picture} without {part!r}", fix=fix)
    try:
        return recipe, Settings.from_json(recipe["settings"])
    except (InvalidInput, KeyError, TypeError) as error:
        got = f"{picture} with other settings ({error})"
        raise InvalidInput("picture", expected="a whole recipe", got=got, fix=fix) from error


def _name(recipe: dict[str, Any], role: str) -> str:
    name = recipe[role]["name"]
    if name is None:
        raise InvalidInput(
            role,
            expected=f"the object that drew the picture, a {recipe[role]['class']}",
            got="none",
            fix=f"Pass it: replay(picture, {role}=...).",
        )
    return name


def _check_same(role: str, loaded: Loaded, recipe: dict[str, Any]) -> None:
    wanted, found = recipe[role]["fingerprint"], loaded.describe()["fingerprint"]
    if wanted != found:
        raise FingerprintMismatch(
            f"{role}: the picture was drawn with weights {wanted[:12]}, got {found[:12]}. Load the same weights again."
        )
