"""`fusedream compose`: two pictures, optimised together and fused into one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fusedream_sdk.cli.generate import plan
from fusedream_sdk.cli.numbers import Number
from fusedream_sdk.cli.options import (
    Asked,
    ModelChoice,
    SettingChoice,
    asked_options,
    chosen,
    compile_option,
    grouped,
    model_options,
    setting_options,
)
from fusedream_sdk.cli.output import Output, conclude, facts, filling, line, output_options
from fusedream_sdk.cli.paths import PATH
from fusedream_sdk.cli.speech import tell, told_options
from fusedream_sdk.cli.watching import WatchChoice, film_options
from fusedream_sdk.optim.status import Status
from fusedream_sdk.runtime.bounds import FEATHER, SCALE, SCENE
from fusedream_sdk.scenes.placement import PLACES, placements

if TYPE_CHECKING:
    from fusedream_sdk.run.folder import Folder
    from fusedream_sdk.scenes.layer import Layer
    from fusedream_sdk.scenes.result import Composed


@dataclass(frozen=True)
class LayerChoice:
    """What the layers are made of; None leaves a layer to the whole prompt."""

    background: str | None
    foreground: str | None
    background_picture: Path | None
    foreground_picture: Path | None

    def layers(self) -> dict[str, Layer]:
        """As keywords of `FuseDream.compose`. A picture is read here too: before the models are."""
        return {role: self._layer(role) for role in ("background", "foreground")}

    def _layer(self, role: str) -> Layer:
        from fusedream_sdk.errors import InvalidInput
        from fusedream_sdk.imaging.pictures import read_picture
        from fusedream_sdk.scenes.layer import Layer, as_layer

        prompt, picture = getattr(self, role), getattr(self, f"{role}_picture")
        if picture is None:
            return as_layer(role, prompt)
        if prompt is not None:
            fix = f"Leave out --{role} or --{role}-picture."
            raise InvalidInput(role, expected="a prompt or a picture", got="both", fix=fix)
        return Layer(picture=read_picture(f"{role}-picture", picture))


@dataclass(frozen=True)
class SceneChoice:
    """Settings of the composition that were given; None leaves the default of `SceneSettings`."""

    direction: str | None
    alpha: float | None
    coefficient: float | None
    update: str | None
    reading: str | None
    feather: float | None
    free: bool
    halving: int | None

    def changes(self) -> dict[str, Any]:
        """As keywords of `FuseDream.compose`. Raises InvalidInput: before the models are loaded."""
        from fusedream_sdk.scenes.settings import SceneSettings

        changes = chosen(self)
        SceneSettings(**changes).check_used(changes)
        return changes


layer_options = grouped(
    "layers",
    LayerChoice,
    click.option("--background", help="A prompt of the background's own, for its start."),
    click.option("--foreground", help="A prompt of the foreground's own, for its start."),
    click.option("--background-picture", type=PATH, help="A picture of yours as the background, which stays as it is."),
    click.option("--foreground-picture", type=PATH, help="The same for the foreground."),
)

# The choices are written out, because the modules that know them import torch.
scene_options = grouped(
    "scene",
    SceneChoice,
    click.option(
        "--direction",
        type=click.Choice(["bi-level", "linear", "inverse", "augclip"]),
        help="How AugCLIP and the consistency of the layers are combined; augclip: no consistency. [default: bi-level]",
    ),
    click.option("--alpha", type=Number(SCENE["alpha"]), help="Strength of the barrier, bi-level or inverse. [default: 1]"),
    click.option("--coefficient", type=Number(SCENE["coefficient"]), help="Weight of AugCLIP, linear. [default: 10]"),
    click.option("--update", type=click.Choice(["adam", "plain"]), help="What takes the direction. [default: adam]"),
    click.option(
        "--reading", type=click.Choice(["parts", "fused", "border"]), help="What the consistency compares. [default: border]"
    ),
    click.option("--feather", type=Number(FEATHER), help="Soft edge, a share of the foreground's side. [default: 0]"),
    click.option("--free", is_flag=True, help="Optimise place and scale too, from each of those given."),
    click.option("--halving", type=Number(SCENE["halving"]), help="After each stage only one candidate in so many goes on."),
)


@click.command()
@asked_options
@click.option("--place", "places", type=click.Choice(list(PLACES)), multiple=True, help="May be repeated. [default: all]")
@click.option(
    "--scale",
    "scales",
    type=Number(SCALE),
    multiple=True,
    help="Share of the canvas that the foreground spans; may be repeated. [default: 0.5]",
)
@layer_options
@scene_options
@click.option("--perceptual", help="The consistency's distance; by default what the models name, or lpips.")
@output_options("bar", "none", about="What is shown.", sheet="Also write all candidates into this one .png.")
@film_options
@model_options
@compile_option
@setting_options
@told_options
def compose(
    asked: Asked,
    places: tuple[str, ...],
    scales: tuple[float, ...],
    layers: LayerChoice,
    scene: SceneChoice,
    perceptual: str | None,
    output: Output,
    watching: WatchChoice,
    choice: ModelChoice,
    compiles: bool,
    settings: SettingChoice,
) -> int:
    """Compose a picture of two things for every PROMPT and seed.

    \b
    fusedream compose "a dog near a boat" --models emoji --out scene.png --sheet sheet.png
    fusedream compose "a dog with a hat" -m emoji --background-picture dog.png --place top --scale 0.3

    Two pictures are optimised together, one pasted over the other. Every place at every scale is a candidate; prints the
    path, scores and placement of the best one. Ctrl-C saves the best so far; the same command with --resume goes on.
    """
    from fusedream_sdk.run.estimate import check_work
    from fusedream_sdk.scenes.result import CANDIDATES, SHEET

    watching.check_film()
    listed, numbers = asked.rows()
    where = {"places": places or "all", "scales": scales or 0.5}
    count = len(placements(**where))
    changes: dict[str, Any] = {**scene.changes(), **layers.layers(), **settings.changes()}
    check_work(len(listed) * len(numbers) * count, changes)
    folder = plan(listed, numbers, output, others=[SHEET, CANDIDATES])
    changes["film"] = watching.filming(output)
    dream = choice.load(shown=output.shown, compiles=compiles, perceptual=perceptual)
    with filling(folder):
        composed = dream.compose(listed, seeds=numbers, progress=output.shown, into=folder, **where, **changes)
        return finish(composed, folder, output, asked=len(folder.targets) * count)


def finish(composed: Composed, folder: Folder, output: Output, *, asked: int) -> int:
    """Write the sheet, print a line for each winner, and say what went otherwise than asked of so many candidates."""
    output.save_sheet(composed.sheet)
    result, begun = composed.result, len(composed.candidates)
    for index, path in enumerate(folder.pictures):
        place, group = composed.placements[composed.winner[index]], composed.groups[index]
        where = {"place": place.place, "scale": place.scale, "x": place.x, "y": place.y}
        about = {**facts(result, index, path), "placement": where, "candidates": len(group)}
        tell(line(result, index, path, f"{place}, best of {len(group)}"), "picture", about)
    missing = f"{asked - begun} of {asked} candidates" if begun < asked else ""
    stopped = bool(missing) or Status.CANCELLED in composed.candidates.status
    return conclude(result.status, folder, stopped=stopped, missing=missing)
