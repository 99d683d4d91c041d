"""`fusedream invert`: from pictures to the nearest that a generator draws."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from fusedream_sdk.cli.generate import Output, check_sheet, conclude, output_options, save
from fusedream_sdk.cli.options import COUNT, ModelChoice, chosen, grouped, model_options
from fusedream_sdk.optim.status import Status


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
    click.option("--steps", type=COUNT, help="Updates of the best start. [default: 80]"),
    click.option("--candidates", type=COUNT, help="Latents to draw and compare, where there is no bank. [default: 32]"),
    click.option("--starts", type=COUNT, help="How many latents are tried. [default: 6]"),
    click.option("--trial", type=COUNT, help="Updates of each of them. [default: 20]"),
    click.option("--lr", type=click.FloatRange(min=0, min_open=True), help="Learning rate of Adam, to begin with."),
    click.option("--seed", type=click.IntRange(min=0), help="Of the candidates. [default: 0]"),
)


@click.command()
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PICTURE...")
@inversion_options
@click.option("--perceptual", help="The distance of two pictures; by default what the models name, or lpips.")
@output_options("bar", "none", about="What is shown.", sheet="Also write pictures and those found into this one .png.")
@model_options
def invert(
    pictures: tuple[Path, ...],
    settings: InversionChoice,
    perceptual: str | None,
    output: Output,
    choice: ModelChoice,
) -> int:
    """Find the pictures nearest to each PICTURE that the generator can draw.

    \b
    fusedream invert photo.png --models emoji --out near.png
    fusedream invert a.png b.png --models emoji --out near --sheet sheet.png

    Prints the path of each, its PSNR (higher is nearer) and its perceptual distance (lower is nearer). A folder keeps the
    latents too, for `generate --start`. Ctrl-C saves the best so far.
    """
    from fusedream_sdk.imaging.pictures import read_pictures
    from fusedream_sdk.inversion.result import FILE, numbered
    from fusedream_sdk.run.saving import plan_files

    read = read_pictures("pictures", list(pictures))
    changes = settings.changes()
    default = Path(f"{pictures[0].stem}-inverted.png") if len(pictures) == 1 else Path("inverted")
    out = (output.out or default).expanduser()
    targets = plan_files(out, numbered(len(pictures)), [FILE], overwrite=output.overwrite)
    check_sheet(output, [*targets, *([] if targets == [out] else [out / FILE])])
    dream = choice.load(shown=output.shown, perceptual=perceptual)
    found = dream.invert(read, progress=output.shown, **changes)
    for row, path in enumerate(save(found, out, output)):
        status = "" if found.status[row] == Status.DONE else f"  ({found.status[row]})"
        click.echo(f"{path}  psnr {float(found.psnr[row]):.1f} dB  perceptual {float(found.perceptual[row]):.3f}{status}")
    return conclude(found.status, stopped=Status.CANCELLED in found.status, missing="")
