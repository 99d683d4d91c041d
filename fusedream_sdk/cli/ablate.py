"""`fusedream ablate`: what each technique is worth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fusedream_sdk.cli.exits import DONE, YOURS
from fusedream_sdk.cli.options import (
    Asked,
    Listed,
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
    from fusedream_sdk.dream.ablation import Ablation

FILES = ("ablation.md", "ablation.csv", "ablation.json", "ablation.png")
DIFFERENCES = "differences.png"


@click.command()
@asked_options
@click.option("--captions", type=PATH, help="A .txt with a prompt on each line, beside those given here.")
@click.option(
    "--techniques",
    type=Listed("techniques"),
    help="Of views, search, mixture, start, noise, best-point, view-count, basis, steps, with commas between. [default: all]",
)
@click.option("--judged-by", help="The scorer that judges. [default: the judge of the models]")
@click.option("--others", type=PATH, help="A file of captions among which a picture's own is ranked. [default: the prompts]")
@click.option("-o", "--out", type=PATH, required=True, help="The folder of all pictures, tables and plots.")
@overwrite_option
@click.option("--resume", is_flag=True, help="Go on where an ablation was ended; techniques may be added.")
@progress_option
@model_options
@setting_options
@told_options
def ablate(
    asked: Asked,
    captions: Path | None,
    techniques: list[str] | None,
    judged_by: str | None,
    others: Path | None,
    out: Path,
    overwrite: bool,
    resume: bool,
    progress: str,
    choice: ModelChoice,
    settings: SettingChoice,
) -> int:
    """Draw every PROMPT from every seed with all techniques of FuseDream, and without each in turn.

    \b
    fusedream ablate --captions prompts.txt -s 0-2 -m emoji --out ablation
    fusedream ablate "a blue dog" "a red apple" -m emoji --techniques views,mixture --out two --steps 20

    Prints a table: every measure with an interval, and its difference to the default, by resampling prompts. Writes it into
    the folder as ablation.md, .csv and .json, a plot of the judge's score over the pictures drawn as ablation.png, and the
    differences as differences.png. A setting is for all variants that have a use for it.
    """
    from fusedream_sdk.batch.captions import read_captions
    from fusedream_sdk.dream.ablate import ablate as ablated
    from fusedream_sdk.errors import OutputError
    from fusedream_sdk.models.missing import require
    from fusedream_sdk.run.folder import Folder
    from fusedream_sdk.run.plot import NEEDS_OF_PLOTS
    from fusedream_sdk.runtime.paths import check_folder, check_writable

    require(*NEEDS_OF_PLOTS)
    if captions is not None:
        asked = replace(asked, prompts=(*asked.prompts, *(caption.prompt for caption in read_captions(captions))))
    prompts, seeds = asked.rows()
    check_folder(out)
    if out.is_dir():
        for name in (*FILES, DIFFERENCES):
            check_writable(out / name, overwrite=overwrite or resume)
    shown = progress != "none"
    dream = choice.load(shown=shown)
    found = ablated(
        prompts,
        models=dream,
        seeds=seeds,
        techniques=techniques,
        into=Folder(out, resume=resume, overwrite=overwrite),
        judge=judged_by,
        others=others,
        progress=shown,
        **settings.changes(),
    )
    if found.stopped and not found.trials[0].rows:
        return conclude(found, out)
    if not found.trials[0].rows:
        raise OutputError(f"out: nothing was drawn. {found.trials[0].told}")
    for name in FILES:
        found.save(out / name, overwrite=True)
    if len(found.trials) > 1:
        found.save_differences(out / DIFFERENCES, overwrite=True)
    tell(found.to_markdown(), "ablation", {"path": out, **found.to_json()})
    return conclude(found, out)


def conclude(found: Ablation, folder: Path) -> int:
    """Say where everything is, and what went otherwise than asked; the exit code."""
    if found.stopped:
        say("stopped early: the same with --resume goes on.")
    say(f"pictures, tables and plots: {folder}")
    drawn = [trial for trial in found.trials if trial.rows]
    return DONE if found.stopped or len(drawn) > 1 else YOURS
