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
    recipe = read_recipe(picture)
    models = {"generator": generator or _name(recipe, "generator"), "scorer": scorer or _name(recipe, "scorer")}
    settings = Settings.from_json(recipe["settings"])
    dream = FuseDream(**models, device=device, dtype=recipe["dtype"])
    _check_same("generator", dream._generator, recipe)
    _check_same("scorer", dream._scorer, recipe)
    result = dream.generate(
        recipe["prompt"], seeds=recipe["seed"], progress=progress, **settings.changed_from(dream.settings)
    )
    if result.recipe["version"] != recipe["version"]:
        warnings.warn(
            f"drawn by version {recipe['version']}, replayed by {result.recipe['version']}: it may differ.", stacklevel=2
        )
    return result


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
