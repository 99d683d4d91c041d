"""`fusedream replay` and `fusedream interpolate`: pictures from pictures."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fusedream_sdk.cli.numbers import Number
from fusedream_sdk.cli.options import compile_option, device_option, grouped, one_or_several, overwrite_option, read_start
from fusedream_sdk.cli.paths import PATH
from fusedream_sdk.cli.speech import say, tell, told_options
from fusedream_sdk.runtime.bounds import FPS, FRAMES

if TYPE_CHECKING:
    from fusedream_sdk.dream.replay import Given
    from fusedream_sdk.protocols import Generator
    from fusedream_sdk.run.recipe import Recipe
    from fusedream_sdk.run.result import Result


@dataclass(frozen=True)
class Named:
    """Models that the user names in place of the recipe's, and whether the recipe's may be fetched."""

    generator: str | None
    scorer: tuple[str, ...]
    perceptual: str | None
    allow_download: bool

    def given(self) -> Given:
        """As keywords of `replay`: those that were named."""
        scorer = one_or_several(self.scorer)
        models: Given = {}
        if self.generator is not None:
            models["generator"] = self.generator
        if scorer is not None:
            models["scorer"] = scorer
        if self.perceptual is not None:
            models["perceptual"] = self.perceptual
        return models


named_options = grouped(
    "named",
    Named,
    click.option("--generator", help="In place of the one that the picture names: a name, a folder, or a hub id."),
    click.option("--scorer", multiple=True, help="The same for the scorer; for several, repeat: a, 0.5*b."),
    click.option("--perceptual", help="The same for the perceptual distance."),
    click.option("--allow-download", is_flag=True, help="Fetch models that the picture names, if they are not here."),
)


@click.command()
@click.argument("picture", type=PATH)
@click.option("-o", "--out", type=PATH, required=True, help="The .png to write.")
@click.option("--background-picture", type=PATH, help="Of a composed picture: yours, that was its background.")
@click.option("--foreground-picture", type=PATH, help="The same for the foreground.")
@click.option("--image-prompt", "image_prompts", type=PATH, multiple=True, help="A picture in its prompt; may be repeated.")
@click.option("--start", help="The picture, or the saved folder of one, at which it began.")
@named_options
@device_option
@compile_option
@overwrite_option
@told_options
def replay(
    picture: Path,
    out: Path,
    background_picture: Path | None,
    foreground_picture: Path | None,
    image_prompts: tuple[Path, ...],
    start: str | None,
    named: Named,
    device: str,
    compiles: bool,
    overwrite: bool,
) -> None:
    """Draw PICTURE again, from scratch, by the recipe that it carries.

    \b
    fusedream replay dog.png --out again.png
    fusedream replay theirs.png --generator my-biggan --scorer openai/clip-vit-base-patch32 --out again.png

    Models that are installed or cached are loaded by the names in the recipe. What it would have to download is refused without
    --allow-download; a file or folder that it names is not followed: name yours with --generator or --scorer.
    """
    from fusedream_sdk.cli.output import facts, line
    from fusedream_sdk.dream.asked import check_models
    from fusedream_sdk.dream.replay import replay as draw_again
    from fusedream_sdk.errors import InvalidInput
    from fusedream_sdk.run.recipe import Recipe
    from fusedream_sdk.run.result import Result
    from fusedream_sdk.run.saving import plan_files

    if ".png" not in (out.suffix.lower(), out.name.lower()):
        raise InvalidInput("out", expected="a file that ends in .png", got=str(out))
    recipe = Recipe.read(picture)
    begin = None if start is None else read_start(start)
    plan_files(out, [out.stem], (), overwrite=overwrite)
    layers: Given = {"background": background_picture, "foreground": foreground_picture}
    given: Given = {**layers, **named.given(), "image_prompts": image_prompts, "start": begin}
    check_models(recipe, given, str(picture), allow_download=named.allow_download)
    say(f"drawing {recipe.prompt!r}, seed {recipe.seed}, again ...")
    again = draw_again(picture, device=device, allow_download=named.allow_download, compile=compiles, **given)
    (written,) = again.save(out, overwrite=overwrite)
    result = again if isinstance(again, Result) else again.result
    tell(line(result, 0, written), "picture", facts(result, 0, written))


@click.command()
@click.argument("a", type=PATH)
@click.argument("b", type=PATH)
@click.option("--frames", type=Number(FRAMES), default=24, show_default=True, help="Pictures, both ends included.")
@click.option("--fps", type=Number(FPS), default=12, show_default=True, help="Frames per second.")
@click.option("-o", "--out", type=PATH, required=True, help="The .gif or .mp4 to write.")
@named_options
@device_option
@overwrite_option
@told_options
def interpolate(a: Path, b: Path, frames: int, fps: int, out: Path, named: Named, device: str, overwrite: bool) -> None:
    """Walk from picture A to picture B through the generator's latent space.

    Each is a PNG that `generate` wrote, or a folder of one picture. A picture in its folder is read from the folder's
    result.safetensors; a picture elsewhere is drawn again first. Models are loaded as by `replay`.

    \b
    fusedream interpolate dog.png cat.png --frames 48 --out film.gif
    """
    from fusedream_sdk.dream.asked import check_models
    from fusedream_sdk.dream.film import interpolate as walk
    from fusedream_sdk.imaging.film import check_film
    from fusedream_sdk.run.recipe import Recipe
    from fusedream_sdk.runtime.progress import bar

    check_film(out, overwrite=overwrite)
    stored = [_stored(path) for path in (a, b)]
    recipes = [Recipe.read(path) if result is None else result.recipe for result, path in zip(stored, (a, b), strict=True)]
    for path, result, recipe in zip((a, b), stored, recipes, strict=True):
        if result is None:
            check_models(
                recipe, {"generator": "checked below", **named.given()}, str(path), allow_download=named.allow_download
            )
    generator = _common_generator(recipes, a, named, device)
    ends = [result or _replayed(path, generator, named, device) for result, path in zip(stored, (a, b), strict=True)]
    with bar("drawing the frames", True) as advance:
        film = walk(ends[0], ends[1], frames, generator=generator, progress=advance)
    film.save(out, fps=fps, overwrite=overwrite)
    tell(f"{out}  {frames} frames at {fps} a second", "film", {"path": out, "frames": frames, "fps": fps})


def _stored(path: Path) -> Result | None:
    """The result behind a folder of one picture, or behind a picture that still lies in its folder."""
    from fusedream_sdk.errors import InvalidInput
    from fusedream_sdk.run.recipe import Recipe
    from fusedream_sdk.run.result import FILE as TENSORS
    from fusedream_sdk.run.result import Result
    from fusedream_sdk.runtime.paths import user_path

    folder = user_path("picture", path)
    if os.path.isdir(folder):
        result = Result.load(path)
        if len(result) != 1:
            raise InvalidInput(
                "picture", expected="a folder of one picture", got=f"{path} with {len(result)}", fix="Name one of its pictures."
            )
        _check_single(path, result.recipe)
        return result
    recipe = Recipe.read(path)
    _check_single(path, recipe)
    if not os.path.isfile(folder.parent / TENSORS):
        return None
    result = Result.load(folder.parent)
    return next((result[row] for row in range(len(result)) if result.row_recipe(row) == recipe), None)


def _check_single(path: Path, recipe: Recipe) -> None:
    """A scene's latents are those of two generators and a placement, which are not in the picture."""
    from fusedream_sdk.errors import InvalidInput
    from fusedream_sdk.run.recipe import Verb

    if recipe.verb is Verb.COMPOSE:
        fix = "Use fd.interpolate in Python, with the scene."
        raise InvalidInput("picture", expected="one that `generate` drew", got=f"{path}, which was composed", fix=fix)


def _common_generator(recipes: list[Recipe], path: Path, named: Named, device: str) -> Generator:
    """The generator that drew both. Raises InvalidInput if they had two, FingerprintMismatch if its weights changed."""
    from fusedream_sdk.errors import FingerprintMismatch, InvalidInput
    from fusedream_sdk.models.loading import loaded_generator
    from fusedream_sdk.models.trust import check_named
    from fusedream_sdk.runtime.device import resolve_device

    first, second = (recipe.generator for recipe in recipes)
    if first.fingerprint != second.fingerprint:
        got = f"{first.name} and {second.name} of other weights"
        raise InvalidInput("pictures", expected="two pictures of one generator", got=got)
    name = first.name if named.generator is None else named.generator
    if not isinstance(name, str):
        fix = "Name it: --generator; or use fd.interpolate in Python, with the object."
        raise InvalidInput("pictures", expected="a generator that has a name", got=f"a {first.kind} object", fix=fix)
    if named.generator is None:
        check_named("generators", "generator", name, allow_download=named.allow_download)
    say(f"loading {name} ...")
    loaded = loaded_generator(name, resolve_device(device))
    if loaded.fingerprint != first.fingerprint:
        message = f"{name}: expected the weights {first.fingerprint[:12]} that drew {path}, got others."
        raise FingerprintMismatch(message)
    return loaded.model


def _replayed(path: Path, generator: Generator, named: Named, device: str) -> Result:
    from fusedream_sdk.dream.replay import replay as draw_again
    from fusedream_sdk.run.result import Result

    say(f"drawing {path} again, for its latents ...")
    given: Given = {**named.given(), "generator": generator}
    again = draw_again(path, device=device, allow_download=named.allow_download, **given)
    return again if isinstance(again, Result) else again.result
