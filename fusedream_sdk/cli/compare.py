"""`fusedream compare`: the same prompts and seeds by several methods, side by side."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fusedream_sdk.cli.exits import DONE, YOURS
from fusedream_sdk.cli.options import (
    Asked,
    ModelChoice,
    SettingChoice,
    asked_options,
    model_options,
    overwrite_option,
    progress_option,
    setting_options,
)
from fusedream_sdk.cli.paths import PATH
from fusedream_sdk.cli.speech import say, tell, told_options

if TYPE_CHECKING:
    from fusedream_sdk.dream.comparison import Comparison


class Names(click.ParamType):
    """`fusedream,cma?population=8`, as a list of names: a comma inside brackets belongs to an option."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        names = [name.strip() for name in re.split(r",(?![^\[{]*[\]}])", str(value))]
        if not all(names):
            self.fail(f"expected names between commas; got {value!r}.", param, ctx)
        return names


@click.command()
@asked_options
@click.option("--methods", type=Names(), required=True, help="Names with commas between, as in fusedream,clip-adam.")
@click.option(
    "-o", "--out", type=PATH, required=True, help="The sheet, a .png: a line for each picture, a column for each method."
)
@click.option("--pictures", type=PATH, help="The folder of all pictures. [default: named as the sheet, beside it]")
@overwrite_option
@click.option("--resume", is_flag=True, help="Go on where a comparison was ended; methods may be added.")
@progress_option
@model_options
@setting_options
@told_options
def compare(
    asked: Asked,
    methods: list[str],
    out: Path,
    pictures: Path | None,
    overwrite: bool,
    resume: bool,
    progress: str,
    choice: ModelChoice,
    settings: SettingChoice,
) -> int:
    """Draw every PROMPT from every seed by each of several methods.

    \b
    fusedream compare "a blue dog" "a red apple" --methods fusedream,clip-adam -m emoji --out methods.png
    fusedream compare "a blue dog" --methods "fusedream,random-search?population=8" -m emoji --steps 20 --out two.png
    fusedream compare "a blue dog" --methods fusedream,vqgan-clip@emoji-vqgan -m emoji --out pairs.png

    All have the same prompts, seeds, models and latent bank; a name may end in another pair of models, after an @. Prints a
    table of means; a method that cannot draw with its models has its sentence there, and the others go on. A setting is for
    those methods that have a use for it.
    """
    from fusedream_sdk.dream.compare import compare as side_by_side
    from fusedream_sdk.errors import InvalidInput
    from fusedream_sdk.imaging.sheets import check_sheet
    from fusedream_sdk.run.folder import Folder

    listed, numbers = asked.rows()
    sheet = check_sheet("out", out, overwrite=overwrite or resume)
    folder = sheet.with_suffix("") if pictures is None else pictures
    if folder == sheet:
        raise InvalidInput("pictures", expected="another place than the sheet's", got=str(folder))
    into = Folder(folder, resume=resume, overwrite=overwrite)
    shown = progress != "none"
    dream = choice.load(shown=shown) if choice.named else None
    found = side_by_side(listed, methods=methods, dream=dream, seeds=numbers, into=into, progress=shown, **settings.changes())
    found.save(sheet, overwrite=overwrite or resume)
    tell(found.to_markdown(), "comparison", {"path": sheet, "folder": into.path, **found.to_json()})
    return conclude(found, sheet, into.path)


def conclude(found: Comparison, sheet: Path, folder: Path) -> int:
    """Say where everything is, and what went otherwise than asked; the exit code."""
    if found.stopped:
        say("stopped early: the same with --resume goes on.")
    drawn = [contender for contender in found.contenders if contender.result is not None]
    say(f"sheet: {sheet}, pictures: {folder}")
    return DONE if drawn or found.stopped else YOURS
