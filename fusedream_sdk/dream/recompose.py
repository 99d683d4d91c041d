"""A composed picture, made again from its recipe: the one candidate that won, in a run of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fusedream_sdk.dream.draw import Watch
from fusedream_sdk.errors import FingerprintMismatch, InvalidInput
from fusedream_sdk.imaging.pictures import PictureLike
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.recipe import DAMAGED, MALFORMED, ModelRecord, Recipe
from fusedream_sdk.scenes.compose import compose
from fusedream_sdk.scenes.layer import Layer, as_layer
from fusedream_sdk.scenes.placement import Placement
from fusedream_sdk.scenes.request import LAYERS, LayerRecord, Request, layer_engines
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.scenes.settings import SceneSettings
from fusedream_sdk.scoring.prompt import Prompt, check_prompt


def read_scene(recipe: Recipe, where: str = "one") -> tuple[SceneSettings, Placement, list[LayerRecord]]:
    """How, where and of what it was composed; nothing is left to drop. Raises InvalidInput where a part is missing."""
    try:
        layers = [LayerRecord.from_json(about) for about in recipe.layers or ()]
        scene = SceneSettings.from_json({**(recipe.scene or {}), "halving": None})
        placement = Placement(**(recipe.placement or {}))
        if recipe.placement is None or len(layers) != len(LAYERS):
            raise KeyError("placement" if layers else "layers")
    except MALFORMED as error:
        got = f"{where} with a scene of other settings ({error})"
        raise InvalidInput("picture", expected="a whole recipe", got=got, fix=DAMAGED) from error
    return scene, placement, layers


def compose_again(
    engine: Engine, recipe: Recipe, given: Mapping[str, Any], *, progress: bool = True, watch: Watch | None = None
) -> Composed:
    """Compose the placement that won.

    Args:
        engine: the models of the recipe, its perceptual distance among them.
        recipe: of a composed picture.
        given: "background", "foreground" and "image_prompts" -> what the recipe cannot load by name.
        progress: show progress bars on stderr.
        watch: called with every state.

    Raises:
        InvalidInput: a layer was not given. FingerprintMismatch: a layer is another one.
    """
    scene, placement, abouts = read_scene(recipe)
    pictures = given.get("image_prompts", ())
    named = dict(zip(LAYERS, abouts, strict=True))
    layers = [_layer(role, about, given.get(role), pictures) for role, about in named.items()]
    engines = layer_engines(engine, layers)
    for (role, about), own in zip(named.items(), engines, strict=True):
        if about.generator is not None:
            check_same(role, own.generator, about.generator, "pixels" if about.picture else "weights")
    prompt = check_prompt("prompts", Prompt(recipe.prompt).with_pictures(pictures))
    settings = recipe.settings.replace(mix=scene.mix)
    request = Request([(prompt, recipe.seed or 0)], [placement], (layers[0], layers[1]), settings, scene)
    seen = watch or (lambda state, rows: None)
    return compose(engine, request, engines=engines, progress=progress, watch=lambda rows, state: seen(state, rows))


def _layer(role: str, about: LayerRecord, given: Any, pictures: Sequence[PictureLike]) -> Layer:
    """One layer, from what was given or from its name."""
    prompt = None if about.prompt is None else Prompt(about.prompt).with_pictures(pictures)
    if about.generator is None:
        if given is not None:
            got = f"a {type(given).__name__}"
            raise InvalidInput(role, expected="nothing, as the generator drew this layer too", got=got, fix="Leave it out.")
        return Layer(prompt=prompt)
    if given is None and not about.picture:
        return Layer(prompt=prompt, generator=pick_model(role, about.generator, None))
    layer = as_layer(role, given)
    if about.picture != (layer.picture is not None):
        kind = "picture" if about.picture else "generator"
        got = "none" if given is None else f"a {type(given).__name__}"
        raise InvalidInput(role, expected=f"the {kind} of this layer", got=got, fix=f"Pass it: replay(picture, {role}=...).")
    return layer if about.picture else replace(layer, prompt=prompt)


def pick_model(role: str, about: ModelRecord, given: Any) -> Any:
    """A model that was given, or its name in the recipe. Raises InvalidInput where there is neither."""
    if given is None and about.name is None:
        expected = f"the object that drew the picture, a {about.kind}"
        raise InvalidInput(role, expected=expected, got="none", fix=f"Pass it: replay(picture, {role}=...).")
    return about.name if given is None else given


def check_same(role: str, loaded: Loaded, about: ModelRecord, kind: str = "weights") -> None:
    """A model is the one that drew the picture. Raises FingerprintMismatch otherwise."""
    wanted, found = about.fingerprint, loaded.fingerprint
    if wanted != found:
        raise FingerprintMismatch(
            f"{role}: the picture was drawn with {kind} {wanted[:12]}, got {found[:12]}. Load the same {kind} again."
        )
