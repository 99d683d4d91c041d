"""A saved picture, drawn again from the recipe that it carries."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict, Unpack

from fusedream_sdk.composed import Composed
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.layers import LayerLike
from fusedream_sdk.pictures import PictureLike, read_recipe
from fusedream_sdk.pipeline import FuseDream
from fusedream_sdk.prompts import Prompt
from fusedream_sdk.protocols import Generator, Perceptual, Reward, Scorer
from fusedream_sdk.recomposing import SCENE_PARTS, check_same, compose_again, is_composed, pick_model, read_scene
from fusedream_sdk.result import Result
from fusedream_sdk.settings import Settings

PARTS = {"prompt": str, "seed": int, "generator": dict, "scorer": dict, "settings": dict, "dtype": str, "version": str}
MODELS, MODEL = ("generator", "scorer", "perceptual"), {"name", "class", "fingerprint"}


class Given(TypedDict, total=False):
    """What a recipe cannot load by name.

    Attributes:
        generator, scorer, perceptual: models that were passed as objects.
        background, foreground: layers of a composed picture that were pictures, or generators passed as objects.
        image_prompts: the pictures in its prompt, in any order.
    """

    generator: Generator | None
    scorer: Scorer | Reward | None
    perceptual: Perceptual | None
    background: LayerLike
    foreground: LayerLike
    image_prompts: Sequence[PictureLike]


def replay(
    picture: str | Path, *, device: str = "auto", progress: bool = True, **given: Unpack[Given]
) -> Result | Composed:
    """Make a picture again, from scratch, as its recipe says.

    On the same machine the picture comes out the same; another processor may round differently. Of a composed picture only
    the placement that won is composed again, which a row alone can be.

    Args:
        picture: a PNG that the SDK saved.
        device: where named models are loaded.
        progress: show progress bars on stderr.
        **given: what the recipe cannot load by name: `generator`, `scorer`, `perceptual`, `background` or `foreground` that
            were objects or pictures, and `image_prompts`, the pictures in the prompt.

    Returns:
        One row, as from `FuseDream.generate`; of a composed picture one candidate, as from `FuseDream.compose`.

    Raises:
        InvalidInput: the file has no recipe, or a model or layer that cannot be loaded by name was not given.
        FingerprintMismatch: a model or layer is not the one that drew the picture.
    """
    recipe, settings = read_whole_recipe(picture)
    composed = is_composed(recipe)
    check_given(given, composed=composed)
    dream = FuseDream(
        generator=pick_model("generator", recipe["generator"], given.get("generator")),
        scorer=pick_model("scorer", recipe["scorer"], given.get("scorer")),
        perceptual=pick_model("perceptual", recipe["perceptual"], given.get("perceptual")) if composed else None,
        device=device,
        dtype=recipe["dtype"],
    )
    check_same("generator", dream._engine.generator, recipe["generator"])
    check_same("scorer", dream._engine.scorer, recipe["scorer"])
    if composed:
        again = compose_again(dream, recipe, settings, given, progress=progress)
        version = again.candidates.recipe["version"]
    else:
        changes = settings.changed_from(dream.settings)
        prompt = Prompt(recipe["prompt"]).with_pictures(given.get("image_prompts", ()))
        again = dream.generate(prompt, seeds=recipe["seed"], progress=progress, **changes)
        version = again.recipe["version"]
    if version != recipe["version"]:
        warnings.warn(f"drawn by version {recipe['version']}, replayed by {version}: it may differ.", stacklevel=2)
    return again


def check_given(given: Given, *, composed: bool) -> None:
    """Only what a picture can need was given. Raises InvalidInput."""
    for name in given:
        if name not in Given.__annotations__:
            raise InvalidInput(name, expected=f"one of {', '.join(Given.__annotations__)}", got="an unknown name")
    for name in ("background", "foreground", "perceptual"):
        value = given.get(name)
        if value is not None and not composed:
            got = f"a {type(value).__name__}"
            raise InvalidInput(name, expected="nothing, as the picture was not composed", got=got, fix="Leave it out.")


def read_whole_recipe(picture: str | Path) -> tuple[dict[str, Any], Settings]:
    """A recipe with all its parts, and its settings. Raises InvalidInput where one is missing or not understood."""
    recipe = read_recipe(picture)
    fix = "It was damaged, or saved by another version: fusedream --version."
    parts = PARTS | (SCENE_PARTS if is_composed(recipe) else {})
    for part, kind in parts.items():
        whole = isinstance(recipe.get(part), kind)
        if not whole or (part in MODELS and not set(recipe[part]) >= MODEL):
            raise InvalidInput("picture", expected="a whole recipe", got=f"{picture} without {part!r}", fix=fix)
    try:
        if is_composed(recipe):
            read_scene(recipe)
        return recipe, Settings.from_json(recipe["settings"])
    except (InvalidInput, KeyError, TypeError) as error:
        got = f"{picture} with other settings ({error})"
        raise InvalidInput("picture", expected="a whole recipe", got=got, fix=fix) from error
