"""`fusedream generate`: from sentences to pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fusedream_sdk.cli.exits import DONE, OURS, say
from fusedream_sdk.cli.options import (
    COUNT,
    ModelChoice,
    SeedRange,
    SettingChoice,
    grouped,
    model_options,
    overwrite_option,
    setting_options,
)

if TYPE_CHECKING:
    from fusedream_sdk.result import Result


@dataclass(frozen=True)
class Output:
    """Where the pictures go and what is shown on the way."""

    out: Path | None
    sheet: Path | None
    overwrite: bool
    progress: str
    every: int


output_options = grouped(
    "output",
    Output,
    click.option("-o", "--out", type=click.Path(path_type=Path), help="A .png for one picture, or a folder."),
    click.option("--sheet", type=click.Path(path_type=Path), help="Also write all pictures into this one .png."),
    overwrite_option,
    click.option(
        "--progress",
        type=click.Choice(["bar", "pictures", "none"]),
        default="bar",
        show_default=True,
        help="pictures: also write the picture so far, as step-0010.png, into a folder beside the output.",
    ),
    click.option("--every", type=COUNT, default=10, show_default=True, help="Steps between two pictures so far."),
)


@click.command()
@click.argument("prompts", nargs=-1, required=True, metavar="PROMPT...")
@click.option("-s", "--seed", "seeds", type=SeedRange(), multiple=True, help="7, 0,1,2 or 0-3; may be repeated. [default: 0]")
@output_options
@model_options
@setting_options
def generate(
    prompts: tuple[str, ...], seeds: tuple[list[int], ...], output: Output, choice: ModelChoice, settings: SettingChoice
) -> int:
    """Draw every PROMPT from every seed.

    \b
    fusedream generate "a blue dog" --models emoji --seed 1 --out dog.png
    fusedream generate "a red apple" "a green frog" -m emoji -s 0-3 --out dreams --sheet dreams.png

    Prints the path and the scores of each picture. Ctrl-C saves the best so far.
    """
    from fusedream_sdk.inputs import check_prompts, check_seeds

    listed = check_prompts(list(prompts))
    numbers = check_seeds(list(dict.fromkeys(seed for group in seeds for seed in group)) or [0])
    out, targets = plan(listed, numbers, output)
    shown = output.progress != "none"
    dream = choice.load(shown=shown)
    watch = None
    if output.progress == "pictures":
        from fusedream_sdk.cli.sofar import PicturesSoFar

        watch = PicturesSoFar(out, targets, every=output.every, overwrite=output.overwrite)
        say(f"pictures so far: {watch.folder}")
    result = dream.generate(listed, seeds=numbers, progress=shown, watch=watch, **settings.changes())
    return write(result, out, output, asked=len(targets))


def plan(prompts: list[str], seeds: list[int], output: Output) -> tuple[Path, list[Path]]:
    """The output and the path of every picture, all known to be writable before the work begins. Raises OutputError."""
    from fusedream_sdk.errors import InvalidInput
    from fusedream_sdk.files import check_writable
    from fusedream_sdk.result import picture_paths, slug

    rows = [(p, s) for p in prompts for s in seeds]
    default = Path(f"{slug(prompts[0])}-seed{seeds[0]}.png") if len(rows) == 1 else Path("dreams")
    out = (output.out or default).expanduser()
    targets = picture_paths(out, [p for p, _ in rows], [s for _, s in rows], overwrite=output.overwrite)
    if output.sheet is not None:
        if output.sheet.suffix.lower() != ".png":
            raise InvalidInput("sheet", expected="a file that ends in .png", got=str(output.sheet))
        check_writable(output.sheet, overwrite=output.overwrite)
    return out, targets


def write(result: Result, out: Path, output: Output, *, asked: int) -> int:
    """Save the pictures, print a line for each, and say what went otherwise than asked."""
    written = result.save(out, overwrite=output.overwrite)
    if output.sheet is not None:
        from fusedream_sdk.files import atomic_path

        with atomic_path(output.sheet, overwrite=output.overwrite) as temporary:
            result.sheet().save(temporary, format="PNG")
    for row, path in enumerate(written):
        click.echo(line(result, row, path))
    if "cancelled" in result.status:
        missing = f"; {asked - len(result)} of {asked} pictures were not begun" if len(result) < asked else ""
        say(f"stopped early: the best so far is saved{missing}.")
    failed = result.status.count("failed")
    if failed:
        say(f"{failed} of {len(result)} pictures stopped at a value that is not finite; their best points are saved.")
    return OURS if failed == len(result) else DONE


def line(result: Result, row: int, path: Path) -> str:
    """Path, scores and, where it is not "done", the status of one picture."""
    scores = "  ".join(f"{name} {float(x[row]):.3f}" for name, x in result.scores.items())
    status = "" if result.status[row] == "done" else f"  ({result.status[row]})"
    return f"{path}  {scores}{status}"
