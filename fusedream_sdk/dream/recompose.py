"""A composed picture, made again from its recipe: the one candidate that won, in a run of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import FingerprintMismatch, InvalidInput
from fusedream_sdk.imaging.pictures import PictureLike
from fusedream_sdk.models.loading import Loaded, load_perceptual
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scenes.compose import LAYERS, Request, compose, layer_engines
from fusedream_sdk.scenes.layer import Layer, as_layer
from fusedream_sdk.scenes.placement import Placement
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.scenes.settings import SceneSettings
from fusedream_sdk.scoring.prompt import Prompt, check_prompts

SCENE_PARTS = {"scene": dict, "layers": list, "perceptual": dict, "placement": dict}


def is_composed(recipe: Mapping[str, Any]) -> bool:
    """Whether a recipe is that of a composed picture."""
    return recipe.get("method") == "compose"


def read_scene(recipe: Mapping[str, Any]) -> tuple[SceneSettings, Placement]:
    """How and where it was composed; nothing is left to drop. Raises InvalidInput, KeyError or TypeError for other parts."""
    wanted = {"prompt", "generator", "picture"}
    if len(recipe["layers"]) != len(LAYERS) or not all(wanted <= set(about) for about in recipe["layers"]):
        raise KeyError("layers")
    return SceneSettings(**{**recipe["scene"], "halving": None}), Placement(**recipe["placement"])


def compose_again(
    dream: FuseDream, recipe: Mapping[str, Any], settings: Settings, given: Mapping[str, Any], *, progress: bool = True
) -> Composed:
    """Compose the placement that won.

    Args:
        dream: the models of the recipe.
        recipe, settings: from `read_whole_recipe`.
        given: "background", "foreground", "perceptual" and "image_prompts" -> what the recipe cannot load by name.
        progress: show progress bars on stderr.

    Raises:
        InvalidInput: a layer was not given. FingerprintMismatch: a layer or the perceptual distance is another one.
    """
    scene, placement = read_scene(recipe)
    named = pick_model("perceptual", recipe["perceptual"], given.get("perceptual"))
    perceptual = load_perceptual(named, dream.device, dream.scorer)
    check_same("perceptual", perceptual, recipe["perceptual"])
    abouts = dict(zip(LAYERS, recipe["layers"], strict=True))
    pictures = given.get("image_prompts", ())
    layers = [_layer(role, about, given.get(role), pictures) for role, about in abouts.items()]
    engines = layer_engines(dream._engine, layers)
    for (role, about), engine in zip(abouts.items(), engines, strict=True):
        if about["generator"] is not None:
            check_same(role, engine.generator, about["generator"], "pixels" if about["picture"] else "weights")
    prompts = check_prompts([Prompt(recipe["prompt"]).with_pictures(pictures)])
    request = Request(prompts, [recipe["seed"]], [placement], (layers[0], layers[1]), settings, scene, perceptual)
    return compose(dream._engine, request, engines=engines, progress=progress)


def _layer(role: str, about: Mapping[str, Any], given: Any, pictures: Sequence[PictureLike]) -> Layer:
    """One layer, from what was given or from its name."""
    made, told = about["generator"], about["prompt"]
    prompt = None if told is None else Prompt(told).with_pictures(pictures)
    if made is None:
        if given is not None:
            got = f"a {type(given).__name__}"
            raise InvalidInput(role, expected="nothing, as the generator drew this layer too", got=got, fix="Leave it out.")
        return Layer(prompt=prompt)
    if given is None and not about["picture"]:
        return Layer(prompt=prompt, generator=pick_model(role, made, None))
    layer = as_layer(role, given)
    if about["picture"] != (layer.picture is not None):
        kind = "picture" if about["picture"] else "generator"
        got = "none" if given is None else f"a {type(given).__name__}"
        raise InvalidInput(role, expected=f"the {kind} of this layer", got=got, fix=f"Pass it: replay(picture, {role}=...).")
    return layer if about["picture"] else replace(layer, prompt=prompt)


def pick_model(role: str, about: Mapping[str, Any], given: Any) -> Any:
    """A model that was given, or its name in the recipe. Raises InvalidInput where there is neither."""
    if given is None and about["name"] is None:
        expected = f"the object that drew the picture, a {about['class']}"
        raise InvalidInput(role, expected=expected, got="none", fix=f"Pass it: replay(picture, {role}=...).")
    return about["name"] if given is None else given


def check_same(role: str, loaded: Loaded, about: Mapping[str, Any], kind: str = "weights") -> None:
    """A model is the one that drew the picture. Raises FingerprintMismatch otherwise."""
    wanted, found = about["fingerprint"], loaded.describe()["fingerprint"]
    if wanted != found:
        raise FingerprintMismatch(
            f"{role}: the picture was drawn with {kind} {wanted[:12]}, got {found[:12]}. Load the same {kind} again."
        )
