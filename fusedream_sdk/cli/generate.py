"""`fusedream generate`: from sentences to pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fusedream_sdk.cli.exits import DONE, OURS, say
from fusedream_sdk.cli.options import (
    COUNT,
    Asked,
    ModelChoice,
    SettingChoice,
    asked_options,
    grouped,
    model_options,
    overwrite_option,
    read_start,
    setting_options,
)
from fusedream_sdk.optim.status import Status

if TYPE_CHECKING:
    from fusedream_sdk.inversion.result import Inversion
    from fusedream_sdk.methods.base import Method
    from fusedream_sdk.run.result import Result
    from fusedream_sdk.scenes.result import Composed
    from fusedream_sdk.scoring.prompt import Prompt


@dataclass(frozen=True)
class Output:
    """Where the pictures go and what is shown on the way."""

    out: Path | None
    sheet: Path | None
    overwrite: bool
    progress: str

    @property
    def shown(self) -> bool:
        """Whether anything is shown."""
        return self.progress != "none"


def output_options(*progress: str, about: str, sheet: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that adds the options of `Output`, with these kinds of progress, and with the help of two of them."""
    return grouped(
        "output",
        Output,
        click.option("-o", "--out", type=click.Path(path_type=Path), help="A .png for one picture, or a folder."),
        click.option("--sheet", type=click.Path(path_type=Path), help=sheet),
        overwrite_option,
        click.option("--progress", type=click.Choice(progress), default=progress[0], show_default=True, help=about),
    )


@click.command()
@asked_options
@output_options(
    *("bar", "pictures", "none"),
    about="pictures: also write the picture so far, as step-0010.png, into a folder beside the output.",
    sheet="Also write all pictures into this one .png.",
)
@click.option("--method", help="How: a name of fusedream models, also with options. [default: fusedream]")
@click.option("--start", metavar="PICTURE", help="A picture, or a saved folder of one, to begin at.")
@click.option("--every", type=COUNT, default=10, show_default=True, help="Steps between two pictures so far.")
@model_options
@setting_options
def generate(
    asked: Asked,
    output: Output,
    method: str | None,
    start: str | None,
    every: int,
    choice: ModelChoice,
    settings: SettingChoice,
) -> int:
    """Draw every PROMPT from every seed.

    \b
    fusedream generate "a blue dog" --models emoji --seed 1 --out dog.png
    fusedream generate "a red apple" "a green frog" -m emoji -s 0-3 --out dreams --sheet dreams.png
    fusedream generate "a blue dog | text:-0.3" -m emoji --image-prompt sketch.png:0.5
    fusedream generate "a blue dog" -m emoji --start photo.png --out from-photo.png
    fusedream generate "a blue dog" -m emoji --method "random-search?population=32" --out searched.png

    Prints the path and the scores of each picture. Ctrl-C saves the best so far.
    """
    listed, numbers = asked.rows()
    out, targets = plan(listed, numbers, output)
    changes = settings.changes()
    if method is not None:
        chosen = known_method(method)
        chosen.check_changes(changes)
        changes["method"] = chosen
    if start is not None:
        changes["start"] = read_start(start)
    dream = choice.load(shown=output.shown)
    watch = None
    if output.progress == "pictures":
        from fusedream_sdk.cli.previews import PicturesSoFar

        watch = PicturesSoFar(out, targets, every=every, overwrite=output.overwrite)
        say(f"pictures so far: {watch.folder}")
    result = dream.generate(listed, seeds=numbers, progress=output.shown, watch=watch, **changes)
    return write(result, out, output, asked=len(targets))


def known_method(name: str) -> Method:
    """A method, loaded before the models are, which takes longer. Raises UnknownPlugin, InvalidInput."""
    from fusedream_sdk.methods.loading import load_method

    return load_method(name)


def plan(
    prompts: Sequence[Prompt], seeds: Sequence[int], output: Output, *, others: Sequence[str] = ()
) -> tuple[Path, list[Path]]:
    """The output and the path of every picture, all known to be writable before the work begins.

    Args:
        prompts, seeds: a picture for each pair of them.
        output: as asked for.
        others: names of further files that a folder will have.

    Raises:
        InvalidInput, OutputError: a file cannot be written, or two of them would be the same.
    """
    from fusedream_sdk.run.result import FILE
    from fusedream_sdk.run.saving import plan_files, slug, stems_of

    rows = [(str(p), s) for p in prompts for s in seeds]
    default = Path(f"{slug(rows[0][0])}-seed{seeds[0]}.png") if len(rows) == 1 else Path("dreams")
    out = (output.out or default).expanduser()
    beside = [FILE, *others]
    targets = plan_files(out, stems_of(*zip(*rows, strict=True)), beside, overwrite=output.overwrite)
    check_sheet(output, [*targets, *([] if targets == [out] else [out / name for name in beside])])
    return out, targets


def check_sheet(output: Output, others: Sequence[Path]) -> None:
    """The sheet, if there is one, can be written, and is none of the others. Raises InvalidInput, OutputError."""
    from fusedream_sdk.errors import InvalidInput
    from fusedream_sdk.runtime.files import check_writable

    if output.sheet is None:
        return
    if output.sheet.suffix.lower() != ".png":
        raise InvalidInput("sheet", expected="a file that ends in .png", got=str(output.sheet))
    if output.sheet.expanduser().resolve() in [path.resolve() for path in others]:
        raise InvalidInput("sheet", expected="another file than the output's", got=str(output.sheet))
    check_writable(output.sheet, overwrite=output.overwrite)


def write(result: Result, out: Path, output: Output, *, asked: int) -> int:
    """Save the pictures, print a line for each, and say what went otherwise than asked."""
    for row, path in enumerate(save(result, out, output)):
        click.echo(line(result, row, path))
    missing = f"{asked - len(result)} of {asked} pictures" if len(result) < asked else ""
    return conclude(result.status, stopped=Status.CANCELLED in result.status, missing=missing)


def save(made: Result | Composed | Inversion, out: Path, output: Output) -> list[Path]:
    """Write the pictures and the sheet; the pictures' paths."""
    written = made.save(out, overwrite=output.overwrite)
    if output.sheet is not None:
        from fusedream_sdk.runtime.files import atomic_path

        with atomic_path(output.sheet, overwrite=output.overwrite) as temporary:
            made.sheet().save(temporary, format="PNG")
    return written


def conclude(status: Sequence[Status], *, stopped: bool, missing: str) -> int:
    """Say what went otherwise than asked; the exit code of pictures with these marks."""
    if stopped:
        say("stopped early: the best so far is saved" + (f"; {missing} were not begun." if missing else "."))
    failed = status.count(Status.FAILED)
    if failed:
        say(f"{failed} of {len(status)} pictures stopped at a value that is not finite; their best points are saved.")
    return OURS if failed == len(status) else DONE


def line(result: Result, row: int, path: Path, about: str = "") -> str:
    """Path, scores, what else there is to say, and, where it is not "done", the status of one picture."""
    scores = [f"{name} {float(x[row]):.3f}" for name, x in result.scores.items()]
    status = "" if result.status[row] == Status.DONE else f"({result.status[row]})"
    return "  ".join(filter(None, [str(path), *scores, about, status]))
