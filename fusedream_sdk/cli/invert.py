"""`fusedream invert`: from pictures to the nearest that a generator draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fusedream_sdk.cli.numbers import Number
from fusedream_sdk.cli.options import ModelChoice, chosen, compile_option, grouped, model_options
from fusedream_sdk.cli.output import Output, conclude, filling, output_options
from fusedream_sdk.cli.paths import PATH
from fusedream_sdk.cli.speech import tell, told_options
from fusedream_sdk.optim.status import Status
from fusedream_sdk.runtime.bounds import INVERSION, SEED

if TYPE_CHECKING:
    from fusedream_sdk.inversion.result import Inversion
    from fusedream_sdk.run.folder import Folder


@dataclass(frozen=True)
class InversionChoice:
    """Settings of an inversion that were given."""

    steps: int | None
    candidates: int | None
    starts: int | None
    trial: int | None
    lr: float | None
    seed: int | None

    def changes(self) -> dict[str, Any]:
        """As keywords of `FuseDream.invert`. Raises InvalidInput: before the models are loaded."""
        from fusedream_sdk.inversion.likeness import InversionSettings

        changes = chosen(self)
        InversionSettings(**changes)
        return changes


inversion_options = grouped(
    "settings",
    InversionChoice,
    click.option("--steps", type=Number(INVERSION["steps"]), help="Updates of the best start. [default: 80]"),
    click.option(
        "--candidates",
        type=Number(INVERSION["candidates"]),
        help="Latents to draw and compare, where there is no bank. [default: 32]",
    ),
    click.option("--starts", type=Number(INVERSION["starts"]), help="How many latents are tried. [default: 6]"),
    click.option("--trial", type=Number(INVERSION["trial"]), help="Updates of each of them. [default: 20]"),
    click.option("--lr", type=Number(INVERSION["lr"]), help="Learning rate of Adam, to begin with."),
    click.option("--seed", type=Number(SEED), help="Of the candidates. [default: 0]"),
)


@click.command()
@click.argument("pictures", nargs=-1, required=True, type=PATH, metavar="PICTURE...")
@inversion_options
@click.option("--perceptual", help="The distance of two pictures; by default what the models name, or lpips.")
@output_options("bar", "none", about="What is shown.", sheet="Also write pictures and those found into this one .png.")
@model_options
@compile_option
@told_options
def invert(
    pictures: tuple[Path, ...],
    settings: InversionChoice,
    perceptual: str | None,
    output: Output,
    choice: ModelChoice,
    compiles: bool,
) -> int:
    """Find the pictures nearest to each PICTURE that the generator can draw.

    \b
    fusedream invert photo.png --models emoji --out near.png
    fusedream invert a.png b.png --models emoji --out near --sheet sheet.png

    Prints the path of each, its PSNR (higher is nearer) and its perceptual distance (lower is nearer). A folder keeps the
    latents too, for `generate --start`. Ctrl-C saves the best so far; the same command with --resume goes on.
    """
    from fusedream_sdk.imaging.pictures import read_pictures
    from fusedream_sdk.inversion.result import FILE, numbered

    read = read_pictures("pictures", list(pictures))
    changes = settings.changes()
    default = Path(f"{pictures[0].stem}-inverted.png") if len(pictures) == 1 else Path("inverted")
    folder = output.plan(default, numbered(len(pictures)), [FILE])
    dream = choice.load(shown=output.shown, compiles=compiles, perceptual=perceptual)
    with filling(folder):
        found = dream.invert(read, progress=output.shown, into=folder, **changes)
        return finish(found, folder, output, pictures)


def finish(found: Inversion, folder: Folder, output: Output, pictures: Sequence[Path]) -> int:
    """Write the sheet, print a line for each picture, and say what went otherwise than asked."""
    output.save_sheet(found.sheet)
    for row, path in enumerate(folder.pictures):
        status = "" if found.status[row] == Status.DONE else f"  ({found.status[row]})"
        psnr, distance = float(found.psnr[row]), float(found.perceptual[row])
        about = {"path": path, "picture": pictures[row], "status": found.status[row], "psnr": psnr, "perceptual": distance}
        tell(f"{path}  psnr {psnr:.1f} dB  perceptual {distance:.3f}{status}", "inversion", about)
    missing = f"{len(pictures) - len(found)} of {len(pictures)} pictures" if len(found) < len(pictures) else ""
    return conclude(found.status, folder, stopped=Status.CANCELLED in found.status or bool(missing), missing=missing)
