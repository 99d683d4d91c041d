"""`fusedream generate`: from sentences to pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from fusedream_sdk.cli.options import (
    Asked,
    ModelChoice,
    SettingChoice,
    asked_options,
    compile_option,
    method_option,
    model_options,
    read_start,
    setting_options,
)
from fusedream_sdk.cli.output import Output, conclude, facts, filling, line, output_options
from fusedream_sdk.cli.pool import PoolChoice, pool_options
from fusedream_sdk.cli.speech import tell, told_options
from fusedream_sdk.cli.watching import WatchChoice, watch_options
from fusedream_sdk.optim.status import Status

if TYPE_CHECKING:
    from fusedream_sdk.methods.base import Method
    from fusedream_sdk.run.folder import Folder
    from fusedream_sdk.run.result import Result
    from fusedream_sdk.scoring.prompt import Prompt


NO_PLACES: Mapping[str, Any] = MappingProxyType({})


@click.command()
@asked_options
@output_options(
    *("bar", "pictures", "none"),
    about="pictures: also write the picture so far, as step-0010.png, into a folder beside the output.",
    sheet="Also write all pictures into this one .png.",
)
@method_option
@click.option("--start", metavar="PICTURE", help="A picture, or a saved folder of one, to begin at.")
@pool_options
@watch_options
@model_options
@compile_option
@setting_options
@told_options
def generate(
    asked: Asked,
    output: Output,
    method: str | None,
    start: str | None,
    pool: PoolChoice,
    watching: WatchChoice,
    choice: ModelChoice,
    compiles: bool,
    settings: SettingChoice,
) -> int:
    """Draw every PROMPT from every seed.

    \b
    fusedream generate "a blue dog" --models emoji --seed 1 --out dog.png
    fusedream generate "a red apple" "a green frog" -m emoji -s 0-3 --out dreams --sheet dreams.png
    fusedream generate "a blue dog | text:-0.3" -m emoji --image-prompt sketch.png:0.5
    fusedream generate "a blue dog" -m emoji --start photo.png --out from-photo.png
    fusedream generate "a blue dog" -m emoji --method "random-search?population=32" --out searched.png
    fusedream generate "a blue dog" -m emoji --preview-basis pool.png
    fusedream generate "a blue dog" -m emoji --pin 3,17 --film dog.gif --out dog.png

    Each picture is saved as soon as it is done; in the end prints the path and the scores of each. Ctrl-C saves the best so
    far; the same command with --resume goes on.
    """
    watching.check(output)
    listed, numbers, changes = checked(asked, method, settings, pool.changes())
    if pool.preview_basis is not None:
        pool.check(overwrite=output.replaces)
        dream = choice.load(shown=output.shown, compiles=compiles)
        return pool.show(dream, listed, overwrite=output.replaces, seeds=numbers, progress=output.shown, **changes)
    folder = plan(listed, numbers, output)
    if start is not None:
        changes["start"] = read_start(start)
    watch, film = watching.pictures(folder, output), watching.filming(output)
    dream = choice.load(shown=output.shown, compiles=compiles)
    with filling(folder):
        result = dream.generate(listed, seeds=numbers, progress=output.shown, watch=watch, into=folder, film=film, **changes)
        return finish(result, folder, output, asked=len(folder.targets))


def checked(
    asked: Asked, method: str | None, settings: SettingChoice, places: Mapping[str, Any] = NO_PLACES
) -> tuple[list[Prompt], list[int], dict[str, Any]]:
    """Prompts, seeds, and the keywords of `FuseDream.generate`, as far as they can be known without the models.

    Raises:
        InvalidInput, UnknownPlugin, or click's error: one of them cannot be used.
    """
    from fusedream_sdk.run.estimate import check_work

    listed, numbers = asked.rows()
    changes, members = {**settings.changes(), **places}, 1
    if method is not None:
        chosen = known_method(method)
        chosen.check_changes(changes)
        members = chosen.at_a_point(changes.get("steps", chosen.settings.get("steps", 1)))
        changes["method"] = chosen
    check_work(len(listed) * len(numbers), changes, members=members)
    return listed, numbers, changes


def known_method(name: str) -> Method:
    """A method, loaded before the models are, which takes longer. Raises UnknownPlugin, InvalidInput."""
    from fusedream_sdk.methods.loading import load_method

    return load_method(name)


def plan(prompts: Sequence[Prompt], seeds: Sequence[int], output: Output, *, others: Sequence[str] = ()) -> Folder:
    """Where the picture of every prompt and seed goes, see `Output.plan`; `others`: further files of a folder."""
    from fusedream_sdk.run.result import FILE
    from fusedream_sdk.run.saving import slug, stems_of

    rows = [(str(p), s) for p in prompts for s in seeds]
    default = Path(f"{slug(rows[0][0])}-seed{seeds[0]}.png") if len(rows) == 1 else Path("dreams")
    return output.plan(default, stems_of(*zip(*rows, strict=True)), [FILE, *others])


def finish(result: Result, folder: Folder, output: Output, *, asked: int) -> int:
    """Write the sheet, print a line for each picture, and say what went otherwise than asked."""
    output.save_sheet(result.sheet)
    for row, path in enumerate(folder.pictures):
        tell(line(result, row, path), "picture", facts(result, row, path))
    missing = f"{asked - len(result)} of {asked} pictures" if len(result) < asked else ""
    return conclude(result.status, folder, stopped=Status.CANCELLED in result.status or bool(missing), missing=missing)
