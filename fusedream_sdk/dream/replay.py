"""A saved picture, drawn again from the recipe that it carries."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor
from typing_extensions import TypedDict, Unpack

from fusedream_sdk.dream.asked import check_models, inversion_again, method_again
from fusedream_sdk.dream.draw import Watch, checked_watch, draw
from fusedream_sdk.dream.machine import Resolved, resolve_machine
from fusedream_sdk.dream.recompose import check_same, compose_again, pick_model
from fusedream_sdk.dream.start import Start, StartLike, as_start, begin_at, check_start, start_fingerprint
from fusedream_sdk.errors import FingerprintMismatch, InvalidInput
from fusedream_sdk.imaging.pictures import PictureLike, how_far
from fusedream_sdk.inversion.likeness import InversionSettings
from fusedream_sdk.methods.base import Method
from fusedream_sdk.models.ensemble import ScorerLike
from fusedream_sdk.models.loading import loaded_generator, loaded_scorer
from fusedream_sdk.protocols import Generator, Perceptual
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.recipe import DAMAGED, Recipe, Verb
from fusedream_sdk.run.report import make_recipe
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.task import Task
from fusedream_sdk.runtime.checks import check_flag, check_kind
from fusedream_sdk.runtime.device import resolve_dtype
from fusedream_sdk.scenes.layer import LayerLike
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.scoring.prompt import Prompt, check_prompt


class Given(TypedDict, total=False):
    """What a recipe cannot load by name.

    Attributes:
        generator, scorer, perceptual: models that were passed as objects, or that you name because the recipe's names are not
            followed.
        method: one that was put together by hand.
        background, foreground: layers of a composed picture that were pictures, or generators passed as objects.
        image_prompts: the pictures in its prompt, in any order.
        start: the picture or the latents at which it began.
    """

    generator: str | Generator | None
    scorer: ScorerLike | None
    perceptual: str | Perceptual | None
    method: Method | None
    background: LayerLike
    foreground: LayerLike
    image_prompts: Sequence[PictureLike]
    start: str | StartLike


def replay(
    picture: str | Path,
    *,
    device: str = "auto",
    progress: bool = True,
    allow_download: bool = False,
    compile: bool = False,
    watch: Watch | None = None,
    **given: Unpack[Given],
) -> Result | Composed:
    """Make a picture again, from scratch, as its recipe says.

    On the same machine, with as many threads, the picture comes out the same; another processor may round differently, and
    an optimisation amplifies that. It is compared with the picture that was given, and a warning says how far they differ. Of
    a composed picture only the placement that won is composed again, which a row alone can be.

    Args:
        picture: a PNG that the SDK saved.
        device: where named models are loaded.
        progress: show progress bars on stderr.
        allow_download: whether models that the recipe names may be fetched. Installed plugins, and what is
            cached, need no leave. A file or folder that it names is never followed: pass it as `generator` or `scorer`.
        watch: as of `FuseDream.generate`, or of `compose`.
        compile: as of `FuseDream`; where the picture was drawn otherwise, a warning says so.
        **given: what the recipe cannot load by name: `generator`, `scorer`, `perceptual`, `method`, `background` or
            `foreground` that were objects or pictures, `image_prompts`, the pictures in the prompt, and `start`, where it was
            told to begin.

    Returns:
        One row, as from `FuseDream.generate`; of a composed picture one candidate, as from `FuseDream.compose`.

    Raises:
        InvalidInput: the file has no recipe, or a model, method or layer that cannot be loaded by name was not given, or one
            that it names is a path, or would be downloaded.
        FingerprintMismatch: a model, layer or start is not the one that drew the picture.
    """
    check_flag("progress", progress)
    check_flag("allow_download", allow_download)
    watch = checked_watch(watch)
    machine = resolve_machine(device=device, compile=compile)
    recipe = Recipe.read(picture)
    check_given(given, recipe)
    check_pictures(given.get("image_prompts", ()), recipe)
    start = checked_start(recipe, given.get("start"))
    check_models(recipe, given, str(picture), allow_download=allow_download)
    if recipe.verb is Verb.COMPOSE:
        engine = engine_again(recipe, given, machine, compares=True)
        with engine.faults():
            again = compose_again(engine, recipe, given, progress=progress, watch=watch)
        version = again.candidates.recipe.version
    else:
        how, method = inversion_again(recipe, str(picture)), method_again(recipe, given.get("method"))
        engine = engine_again(recipe, given, machine, compares=isinstance(start, Tensor))
        pictures = given.get("image_prompts", ())
        again = draw_again(engine, recipe, method, (start, how), pictures, progress=progress, watch=watch)
        version = again.recipe.version
    if version != recipe.version:
        warnings.warn(f"drawn by version {recipe.version}, replayed by {version}: it may differ.", stacklevel=2)
    if compile != recipe.compiled:
        drawn, now = ("compiled", "as they are") if recipe.compiled else ("as they are", "compiled")
        fix = f"Pass compile={recipe.compiled} to do it again as it was."
        warnings.warn(f"drawn by models {drawn}, replayed by models {now}: it may differ. {fix}", stacklevel=2)
    difference = differs(picture, again.pil[0])
    if difference:
        warnings.warn(difference, stacklevel=2)
    return again


def differs(picture: str | Path, again: Image.Image) -> str:
    """How a picture that was drawn again differs from the file, in words; empty where it does not."""
    with Image.open(Path(picture).expanduser()) as given:
        if given.size != again.size:
            return f"{picture}: it was {given.width} x {given.height} pixels, and came out {again.width} x {again.height}."
        most, share = how_far(given, again)
    if not most:
        return ""
    return f"{picture}: it came out otherwise, by up to {most} of 255 in {share:.0%} of its pixels."


def engine_again(recipe: Recipe, given: Mapping[str, Any], machine: Resolved, *, compares: bool) -> Engine:
    """The models that drew a picture. Raises InvalidInput where one was not given, FingerprintMismatch for others."""
    where = machine.device
    generator = loaded_generator(pick_model("generator", recipe.generator, given.get("generator")), where)
    scorer = loaded_scorer(pick_model("scorer", recipe.scorer, given.get("scorer")), where)
    distance = recipe.perceptual if compares else None
    perceptual = None if distance is None else pick_model("perceptual", distance, given.get("perceptual"))
    dtype = resolve_dtype(recipe.dtype, generator.device)
    engine = Engine(generator, scorer, dtype=dtype, perceptual=perceptual, compiles=machine.compiles)
    check_same("generator", generator, recipe.generator)
    check_same("scorer", scorer, recipe.scorer)
    if distance is not None:
        check_same("perceptual", engine.perceptual, distance)
    return engine


def draw_again(
    engine: Engine,
    recipe: Recipe,
    method: Method,
    begun: tuple[Start | None, InversionSettings],
    pictures: Sequence[PictureLike],
    *,
    progress: bool,
    watch: Watch | None = None,
) -> Result:
    """Draw the one row of a recipe, with exactly its settings.

    Args:
        engine: its models. method: its method.
        recipe: of one row.
        begun: where it was told to begin, as `checked_start` returns it, and how a picture is inverted.
        pictures: in its prompt.
        progress: show progress bars on stderr.
        watch: called with every state.
    """
    start, how = begun
    check_start(start, engine.generator.model.space, 1)
    prompt = check_prompt("prompts", Prompt(recipe.prompt).with_pictures(pictures))
    rows = engine.rows([(prompt, recipe.seed or 0)])
    task = Task(engine, rows, recipe.settings, progress)
    begin = begin_at(task, method.starts, start, how)
    common = replace(make_recipe(engine, recipe.settings, Verb.GENERATE), method=recipe.method, **begin.about)
    again = draw(task, method, begin.latents, common, watch, fingerprints=begin.fingerprints)
    if begin.fingerprints and begin.fingerprints[0] != (recipe.start or {})["latents"]:
        warnings.warn("start: its latents came out otherwise on this machine: the picture may differ.", stacklevel=3)
    return again


def checked_start(recipe: Recipe, given: Any) -> Start | None:
    """Where the picture began, if it was told to.

    Raises:
        InvalidInput: a start is missing, or was given without need. FingerprintMismatch: it is another one.
    """
    start = as_start(Path(given) if isinstance(given, str) else given)
    about = recipe.start
    if about is None:
        if start is not None:
            got = f"a {type(given).__name__}"
            raise InvalidInput("start", expected="nothing, as a search began the picture", got=got, fix="Leave it out.")
        return None
    if not {"picture", "latents"} <= set(about):
        raise InvalidInput("picture", expected="a whole recipe", got="one without 'start'", fix=DAMAGED)
    kind = "latents" if about["picture"] is None else "picture"
    if start is None:
        fix = "Pass it: replay(picture, start=...)."
        raise InvalidInput("start", expected=f"the {kind} at which the picture began", got="none", fix=fix)
    wanted = about["picture" if isinstance(start, Tensor) else "latents"]
    if wanted is None:
        raise InvalidInput("start", expected=f"the {kind} at which the picture began", got="a picture", fix="Pass its latents.")
    found = start_fingerprint(start)
    if wanted != found:
        raise FingerprintMismatch(f"start: the picture began at the {kind} {wanted[:12]}, got {found[:12]}. Pass the same.")
    return start


def check_pictures(pictures: Sequence[PictureLike], recipe: Recipe) -> None:
    """There is a picture in the prompt, or in a layer's. Raises InvalidInput where given ones would have no effect."""
    check_kind("image_prompts", pictures, (list, tuple), "a list of pictures", "Put a single one in a list.")
    layers = [about.get("prompt") for about in recipe.layers or () if isinstance(about, Mapping)]
    said = [Prompt(text) for text in (recipe.prompt, *layers) if text]
    missing = {term.text for prompt in said for term in prompt.terms if term.missing}
    if pictures and not missing:
        expected, got = "nothing, as there is no picture in its prompt", f"{len(pictures)} of them"
        raise InvalidInput("image_prompts", expected=expected, got=got, fix="Leave it out.")


def check_given(given: Given, recipe: Recipe) -> None:
    """Only what a picture can need was given. Raises InvalidInput."""
    composed, inverted = recipe.verb is Verb.COMPOSE, recipe.perceptual is not None
    for name in given:
        if name not in Given.__annotations__:
            raise InvalidInput(name, expected=f"one of {', '.join(Given.__annotations__)}", got="an unknown name")
    unused = {
        "background": "" if composed else "the picture was not composed",
        "foreground": "" if composed else "the picture was not composed",
        "perceptual": "" if composed or inverted else "the picture was not composed",
        "method": "the picture was composed" if composed else "",
    }
    for name, why in unused.items():
        value = given.get(name)
        if value is not None and why:
            raise InvalidInput(name, expected=f"nothing, as {why}", got=f"a {type(value).__name__}", fix="Leave it out.")
