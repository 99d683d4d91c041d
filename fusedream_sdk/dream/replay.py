"""A saved picture, drawn again from the recipe that it carries."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor
from typing_extensions import TypedDict, Unpack

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.recompose import SCENE_PARTS, check_same, compose_again, is_composed, pick_model, read_scene
from fusedream_sdk.dream.start import (
    Inverting,
    StartLike,
    is_picture,
    latents_fingerprint,
    picture_fingerprint,
    picture_start,
)
from fusedream_sdk.errors import FingerprintMismatch, InvalidInput
from fusedream_sdk.imaging.pictures import PictureLike, read_picture, read_recipe
from fusedream_sdk.inversion.likeness import InversionSettings
from fusedream_sdk.protocols import Generator, Perceptual, Reward, Scorer
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scenes.layer import LayerLike
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.scoring.prompt import Prompt

PARTS = {"prompt": str, "seed": int, "generator": dict, "scorer": dict, "settings": dict, "dtype": str, "version": str}
MODEL = {"name", "class", "fingerprint"}
MEMBERS = {"generator": MODEL, "scorer": MODEL, "perceptual": MODEL, "start": {"picture", "latents"}}
INVERTED = {"perceptual": dict, "inversion": dict}


class Given(TypedDict, total=False):
    """What a recipe cannot load by name.

    Attributes:
        generator, scorer, perceptual: models that were passed as objects.
        background, foreground: layers of a composed picture that were pictures, or generators passed as objects.
        image_prompts: the pictures in its prompt, in any order.
        start: the picture or the latents at which it began.
    """

    generator: Generator | None
    scorer: Scorer | Reward | None
    perceptual: Perceptual | None
    background: LayerLike
    foreground: LayerLike
    image_prompts: Sequence[PictureLike]
    start: str | StartLike


def replay(picture: str | Path, *, device: str = "auto", progress: bool = True, **given: Unpack[Given]) -> Result | Composed:
    """Make a picture again, from scratch, as its recipe says.

    On the same machine the picture comes out the same; another processor may round differently. Of a composed picture only
    the placement that won is composed again, which a row alone can be.

    Args:
        picture: a PNG that the SDK saved.
        device: where named models are loaded.
        progress: show progress bars on stderr.
        **given: what the recipe cannot load by name: `generator`, `scorer`, `perceptual`, `background` or `foreground` that
            were objects or pictures, `image_prompts`, the pictures in the prompt, and `start`, where it was told to begin.

    Returns:
        One row, as from `FuseDream.generate`; of a composed picture one candidate, as from `FuseDream.compose`.

    Raises:
        InvalidInput: the file has no recipe, or a model or layer that cannot be loaded by name was not given.
        FingerprintMismatch: a model, layer or start is not the one that drew the picture.
    """
    recipe, settings = read_whole_recipe(picture)
    composed = is_composed(recipe)
    check_given(given, composed=composed, inverted="perceptual" in recipe)
    start = checked_start(recipe, given.get("start"))
    compares = composed or isinstance(start, Tensor)
    dream = FuseDream(
        generator=pick_model("generator", recipe["generator"], given.get("generator")),
        scorer=pick_model("scorer", recipe["scorer"], given.get("scorer")),
        perceptual=pick_model("perceptual", recipe["perceptual"], given.get("perceptual")) if compares else None,
        device=device,
        dtype=recipe["dtype"],
    )
    check_same("generator", dream._engine.generator, recipe["generator"])
    check_same("scorer", dream._engine.scorer, recipe["scorer"])
    if composed:
        again = compose_again(dream, recipe, settings, given, progress=progress)
        version = again.candidates.recipe["version"]
    else:
        dream.settings = settings
        prompt = Prompt(recipe["prompt"]).with_pictures(given.get("image_prompts", ()))
        begin = start_again(dream, recipe, start, progress) if isinstance(start, Tensor) else start
        again = dream.generate(prompt, seeds=recipe["seed"], start=begin, progress=progress)
        version = again.recipe["version"]
        if start is not None and again.starts[0] != recipe["start"]["latents"]:
            warnings.warn("start: its latents came out otherwise on this machine: the picture may differ.", stacklevel=2)
    if version != recipe["version"]:
        warnings.warn(f"drawn by version {recipe['version']}, replayed by {version}: it may differ.", stacklevel=2)
    return again


def checked_start(recipe: Mapping[str, Any], given: Any) -> StartLike:
    """Where the picture began, if it was told to.

    Raises:
        InvalidInput: a start is missing, or was given without need. FingerprintMismatch: it is another one.
    """
    about, start = recipe.get("start"), Path(given) if isinstance(given, str) else given
    if about is None:
        if start is not None:
            got = f"a {type(start).__name__}"
            raise InvalidInput("start", expected="nothing, as a search began the picture", got=got, fix="Leave it out.")
        return None
    kind = "latents" if about["picture"] is None else "picture"
    if start is None:
        fix = "Pass it: replay(picture, start=...)."
        raise InvalidInput("start", expected=f"the {kind} at which the picture began", got="none", fix=fix)
    if is_picture(start):
        start = read_picture("start", start)
        wanted, found = about["picture"], picture_fingerprint(start)
        if wanted is None:
            got = "a picture"
            raise InvalidInput("start", expected="the latents at which the picture began", got=got, fix="Pass its latents.")
    else:
        wanted, found = about["latents"], latents_fingerprint(start)
    if wanted != found:
        raise FingerprintMismatch(f"start: the picture began at the {kind} {wanted[:12]}, got {found[:12]}. Pass the same.")
    return start


def start_again(dream: FuseDream, recipe: Mapping[str, Any], start: Tensor, progress: bool) -> Any:
    """The picture at which another began, inverted as then. Raises FingerprintMismatch for another perceptual distance."""
    how = Inverting(dream._distance(), InversionSettings(**recipe["inversion"]))
    check_same("perceptual", how.perceptual, recipe["perceptual"])
    return picture_start(dream._engine, start, how, dream.settings, 1, progress=progress)


def check_given(given: Given, *, composed: bool, inverted: bool = False) -> None:
    """Only what a picture can need was given. Raises InvalidInput."""
    for name in given:
        if name not in Given.__annotations__:
            raise InvalidInput(name, expected=f"one of {', '.join(Given.__annotations__)}", got="an unknown name")
    for name in ("background", "foreground", "perceptual"):
        value = given.get(name)
        if value is not None and not composed and not (inverted and name == "perceptual"):
            got = f"a {type(value).__name__}"
            raise InvalidInput(name, expected="nothing, as the picture was not composed", got=got, fix="Leave it out.")


def read_whole_recipe(picture: str | Path) -> tuple[dict[str, Any], Settings]:
    """A recipe with all its parts, and its settings. Raises InvalidInput where one is missing or not understood."""
    recipe = read_recipe(picture)
    fix = "It was damaged, or saved by another version: fusedream --version."
    parts = PARTS | (SCENE_PARTS if is_composed(recipe) else {}) | _start_parts(recipe)
    for part, kind in parts.items():
        whole = isinstance(recipe.get(part), kind)
        if not whole or not set(recipe[part] if kind is dict else ()) >= MEMBERS.get(part, set()):
            raise InvalidInput("picture", expected="a whole recipe", got=f"{picture} without {part!r}", fix=fix)
    try:
        if is_composed(recipe):
            read_scene(recipe)
        InversionSettings(**recipe.get("inversion", {}))
        return recipe, Settings.from_json(recipe["settings"])
    except (InvalidInput, KeyError, TypeError) as error:
        got = f"{picture} with other settings ({error})"
        raise InvalidInput("picture", expected="a whole recipe", got=got, fix=fix) from error


def _start_parts(recipe: Mapping[str, Any]) -> dict[str, type]:
    """Further parts of the recipe of a picture that was told where to begin."""
    if "start" not in recipe:
        return {}
    inverted = isinstance(recipe["start"], dict) and recipe["start"].get("picture") is not None
    return {"start": dict, **(INVERTED if inverted else {})}
