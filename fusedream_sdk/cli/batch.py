"""`fusedream batch`: from a file of captions to a folder of pictures, by one worker or by many."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fusedream_sdk.cli.exits import DONE, OURS
from fusedream_sdk.cli.generate import known_method
from fusedream_sdk.cli.numbers import Number, SeedRange
from fusedream_sdk.cli.options import (
    ModelChoice,
    SettingChoice,
    compile_option,
    grouped,
    method_option,
    model_options,
    one_or_several,
    overwrite_option,
    setting_options,
)
from fusedream_sdk.cli.output import filling, saved
from fusedream_sdk.cli.paths import PATH
from fusedream_sdk.cli.speech import as_json, complain, say, tell, told_options
from fusedream_sdk.errors import WorkerLost
from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.checks import Bounds

if TYPE_CHECKING:
    from fusedream_sdk.batch.captions import Caption
    from fusedream_sdk.batch.table import Batch

MOST_TOLD = 20  # rows that could not be drawn


@dataclass(frozen=True)
class CaptionChoice:
    """Which captions, and from which seeds."""

    captions: Path
    seeds: tuple[list[int], ...]
    column: str | None
    encoding: str | None
    limit: int | None

    def read(self) -> list[Caption]:
        """Raises InvalidInput as of `read_captions`."""
        from fusedream_sdk.batch.captions import read_captions

        return read_captions(self.captions, column=self.column, encoding=self.encoding, limit=self.limit)

    def numbers(self) -> list[int]:
        """Each seed once, 0 where none is given."""
        return list(dict.fromkeys(seed for group in self.seeds for seed in group)) or [0]


@dataclass(frozen=True)
class WorkerChoice:
    """Who draws; the keywords of `Workers`."""

    count: int | None
    threads: int
    ray: str


caption_options = grouped(
    "asked",
    CaptionChoice,
    click.argument("captions", type=PATH),
    click.option("-s", "--seeds", "--seed", "seeds", type=SeedRange(), multiple=True, help="7, 0,1,2 or 0-3. [default: 0]"),
    click.option("--column", help="The column that has the sentences. [default: prompt or caption]"),
    click.option("--encoding", help="Of the file, such as cp1252. [default: by its first bytes, or utf-8]"),
    click.option("--limit", type=Number(Bounds(1, bounds.MILLION, whole=True)), help="Take the first so many captions."),
)

worker_options = grouped(
    "workers",
    WorkerChoice,
    click.option("--workers", "count", type=Number(bounds.WORKERS), help="Processes that draw. [default: 1; with --ray all]"),
    click.option(
        "--threads", type=Number(bounds.WORKERS), default=1, show_default=True, help="Of torch on the CPU, in each worker."
    ),
    click.option("--ray", default="", metavar="ADDRESS", help="A Ray cluster draws: auto, local, or host:port."),
)


@click.command()
@caption_options
@click.option("-o", "--out", type=PATH, help="The folder. [default: named as the file of captions]")
@overwrite_option
@click.option("--resume", is_flag=True, help="Go on in a folder that an interrupted run began; what is whole is kept.")
@click.option("--progress", type=click.Choice(["bar", "none"]), default="bar", show_default=True)
@worker_options
@method_option
@model_options
@compile_option
@setting_options
@told_options
def batch(
    asked: CaptionChoice,
    out: Path | None,
    overwrite: bool,
    resume: bool,
    progress: str,
    workers: WorkerChoice,
    method: str | None,
    choice: ModelChoice,
    compiles: bool,
    settings: SettingChoice,
) -> int:
    """Draw every caption of a file from every seed, by one worker or by many.

    \b
    fusedream batch captions.txt --models emoji --seeds 0-3 --out dreams
    fusedream batch captions.csv -m emoji --workers 2 --out more
    fusedream batch captions_val2014.json -m emoji --limit 2000 --ray auto --out coco

    CAPTIONS is a .txt (a sentence a line), a .csv, .tsv or .jsonl (columns prompt or caption, seed, name, and any setting), or
    COCO's .json. The folder takes each picture as it is done, with its tensors; a manifest; and rows.csv, with every score.
    Whatever ends a run, the same command with --resume goes on, with other workers too.
    """
    changes: dict[str, Any] = settings.changes()
    if method is not None:
        changes["method"] = known_method(method)
    captions, numbers = asked.read(), asked.numbers()
    from fusedream_sdk.dream.many import run_batch
    from fusedream_sdk.dream.workers import NamedModels, Workers
    from fusedream_sdk.run.folder import Folder

    folder = Folder(out or Path(asked.captions.stem), resume=resume, overwrite=overwrite)
    scorer, machine = one_or_several(choice.scorer), (choice.device, choice.dtype, choice.memory_gb, compiles)
    models = NamedModels(choice.models, choice.generator, scorer, *machine)
    if progress != "none":
        say("loading the models ...")
    who = Workers(workers.count, workers.threads, workers.ray)
    with filling(folder):
        try:
            done = run_batch(
                captions, folder, models=models, seeds=numbers, workers=who, progress=progress != "none", **changes
            )
        except WorkerLost as error:
            raise WorkerLost(f"{error} {saved(folder)}" if folder.saved else f"{error}") from error
        return tell_batch(done, interrupted=f"interrupted: {saved(folder)}")


def tell_batch(done: Batch, *, interrupted: str) -> int:
    """Say what is there and what is not; the exit code."""
    if as_json():
        tell_rows(done)
    for number in sorted(done.lost)[:MOST_TOLD]:
        row = done.rows[number]
        complain(f"row {number} ({row.caption.prompt}, seed {row.seed}) was left out: {done.lost[number]}")
    if len(done.lost) > MOST_TOLD:
        complain(f"{len(done.lost) - MOST_TOLD:,} more were left out; rows.csv says why.")
    means = done.means()
    scores = [f"mean {name} {mean:.3f}" for name, mean in means.items()]
    counts = {"pictures": len(done), "asked": len(done.rows), "lost": len(done.lost), "stopped": done.stopped}
    words = "  ".join([f"{done.path}", f"{len(done):,} of {len(done.rows):,} pictures", *scores])
    tell(words, "batch", {"path": done.path, **counts, "means": means})
    if done.stopped:
        say(interrupted)
    return OURS if done.lost else DONE


def tell_rows(done: Batch) -> None:
    """Every row that is there, or cannot be, for a program."""
    from fusedream_sdk.batch.table import LOST

    for number, row in enumerate(done.rows):
        about = {"prompt": str(row.caption.prompt), "seed": row.seed, "row": number}
        record = done.records.get(number)
        if record is not None:
            how = {"status": record.status, "scores": record.scores, "best_step": record.step}
            tell("", "picture", {"path": done.path / f"{row.stem}.png", **about, **how})
        elif number in done.lost:
            tell("", "picture", {"path": None, **about, "status": LOST, "why": done.lost[number]})
