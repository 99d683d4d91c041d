"""`fusedream replay` and `fusedream interpolate`: pictures from pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fusedream_sdk.cli.exits import say
from fusedream_sdk.cli.options import device_option, overwrite_option, read_start

if TYPE_CHECKING:
    from fusedream_sdk.protocols import Generator
    from fusedream_sdk.run.recipe import Recipe
    from fusedream_sdk.run.result import Result

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("picture", type=FILE)
@click.option("-o", "--out", type=FILE, required=True, help="The .png to write.")
@click.option("--background-picture", type=FILE, help="Of a composed picture: yours, that was its background.")
@click.option("--foreground-picture", type=FILE, help="The same for the foreground.")
@click.option("--image-prompt", "image_prompts", type=FILE, multiple=True, help="A picture in its prompt; may be repeated.")
@click.option("--start", help="The picture, or the saved folder of one, at which it began.")
@device_option
@overwrite_option
def replay(
    picture: Path,
    out: Path,
    background_picture: Path | None,
    foreground_picture: Path | None,
    image_prompts: tuple[Path, ...],
    start: str | None,
    device: str,
    overwrite: bool,
) -> None:
    """Draw PICTURE again, from scratch, by the recipe that it carries.

    \b
    fusedream replay dog.png --out again.png
    """
    from fusedream_sdk.cli.generate import line
    from fusedream_sdk.dream.replay import Given
    from fusedream_sdk.dream.replay import replay as draw_again
    from fusedream_sdk.errors import InvalidInput
    from fusedream_sdk.run.recipe import Recipe
    from fusedream_sdk.run.result import Result
    from fusedream_sdk.run.saving import plan_files

    if out.suffix.lower() != ".png":
        raise InvalidInput("out", expected="a file that ends in .png", got=str(out))
    recipe = Recipe.read(picture)
    begin = None if start is None else read_start(start)
    plan_files(out.expanduser(), [out.stem], (), overwrite=overwrite)
    say(f"drawing {recipe.prompt!r}, seed {recipe.seed}, again ...")
    layers: Given = {"background": background_picture, "foreground": foreground_picture}
    given: Given = {**layers, "image_prompts": image_prompts, "start": begin}
    again = draw_again(picture, device=device, **given)
    (written,) = again.save(out, overwrite=overwrite)
    click.echo(line(again if isinstance(again, Result) else again.result, 0, written))


@click.command()
@click.argument("a", type=FILE)
@click.argument("b", type=FILE)
@click.option("--frames", type=click.IntRange(min=2), default=24, show_default=True, help="Pictures, both ends included.")
@click.option("--fps", type=click.IntRange(min=1, max=100), default=12, show_default=True, help="Frames per second.")
@click.option("-o", "--out", type=FILE, required=True, help="The .gif or .mp4 to write.")
@device_option
@overwrite_option
def interpolate(a: Path, b: Path, frames: int, fps: int, out: Path, device: str, overwrite: bool) -> None:
    """Walk from picture A to picture B through the generator's latent space.

    Each is a PNG that `generate` wrote, or a folder of one picture. A picture in its folder is read from the folder's
    result.safetensors; a picture elsewhere is drawn again first.

    \b
    fusedream interpolate dog.png cat.png --frames 48 --out film.gif
    """
    from fusedream_sdk.dream.film import interpolate as walk
    from fusedream_sdk.imaging.film import check_film
    from fusedream_sdk.runtime.progress import bar

    check_film(out, overwrite=overwrite)
    stored = [_stored(path) for path in (a, b)]
    generator = _common_generator(stored, (a, b), device)
    ends = [result or _replayed(path, generator, device) for result, path in zip(stored, (a, b), strict=True)]
    with bar("drawing the frames", True) as advance:
        film = walk(ends[0], ends[1], frames, generator=generator, progress=advance)
    film.save(out, fps=fps, overwrite=overwrite)
    click.echo(f"{out}  {frames} frames at {fps} a second")


def _stored(path: Path) -> Result | None:
    """The result behind a folder of one picture, or behind a picture that still lies in its folder."""
    from fusedream_sdk.errors import InvalidInput
    from fusedream_sdk.run.recipe import Recipe
    from fusedream_sdk.run.result import FILE as TENSORS
    from fusedream_sdk.run.result import Result

    if path.is_dir():
        result = Result.load(path)
        if len(result) != 1:
            raise InvalidInput(
                "picture", expected="a folder of one picture", got=f"{path} with {len(result)}", fix="Name one of its pictures."
            )
        _check_single(path, result.recipe)
        return result
    recipe = Recipe.read(path)
    _check_single(path, recipe)
    if not (path.parent / TENSORS).is_file():
        return None
    result = Result.load(path.parent)
    return next((result[row] for row in range(len(result)) if result.row_recipe(row) == recipe), None)


def _check_single(path: Path, recipe: Recipe) -> None:
    """A scene's latents are those of two generators and a placement, which are not in the picture."""
    from fusedream_sdk.errors import InvalidInput
    from fusedream_sdk.run.recipe import Verb

    if recipe.verb is Verb.COMPOSE:
        fix = "Use fd.interpolate in Python, with the scene."
        raise InvalidInput("picture", expected="one that `generate` drew", got=f"{path}, which was composed", fix=fix)


def _common_generator(stored: list[Result | None], paths: tuple[Path, Path], device: str) -> Generator:
    """The generator that drew both. Raises InvalidInput if they had two, FingerprintMismatch if its weights changed."""
    from fusedream_sdk.errors import FingerprintMismatch, InvalidInput
    from fusedream_sdk.models.loading import loaded_generator
    from fusedream_sdk.run.recipe import Recipe
    from fusedream_sdk.runtime.device import resolve_device

    pairs = zip(stored, paths, strict=True)
    recipes = [Recipe.read(path) if result is None else result.recipe for result, path in pairs]
    first, second = (recipe.generator for recipe in recipes)
    if first.fingerprint != second.fingerprint:
        got = f"{first.name} and {second.name} of other weights"
        raise InvalidInput("pictures", expected="two pictures of one generator", got=got)
    if not isinstance(first.name, str):
        fix = "Use fd.interpolate in Python, with the object."
        raise InvalidInput("pictures", expected="a generator that has a name", got=f"a {first.kind} object", fix=fix)
    say(f"loading {first.name} ...")
    loaded = loaded_generator(first.name, resolve_device(device))
    if loaded.fingerprint != first.fingerprint:
        message = f"{first.name}: expected the weights {first.fingerprint[:12]} that drew {paths[0]}, got others."
        raise FingerprintMismatch(message)
    return loaded.model


def _replayed(path: Path, generator: Generator, device: str) -> Result:
    from fusedream_sdk.dream.replay import replay as draw_again
    from fusedream_sdk.run.result import Result

    say(f"drawing {path} again, for its latents ...")
    again = draw_again(path, generator=generator, device=device)
    return again if isinstance(again, Result) else again.result
