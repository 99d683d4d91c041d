"""Where a verb's pictures go, and what is said of them in the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fusedream_sdk.cli.exits import DONE, OURS
from fusedream_sdk.cli.options import grouped, overwrite_option
from fusedream_sdk.cli.paths import PATH
from fusedream_sdk.cli.speech import complain, say
from fusedream_sdk.optim.status import Status

if TYPE_CHECKING:
    from PIL import Image

    from fusedream_sdk.run.folder import Folder
    from fusedream_sdk.run.result import Result


@dataclass(frozen=True)
class Output:
    """Where the pictures go and what is shown on the way."""

    out: Path | None
    sheet: Path | None
    overwrite: bool
    resume: bool
    progress: str

    @property
    def shown(self) -> bool:
        """Whether anything is shown."""
        return self.progress != "none"

    @property
    def replaces(self) -> bool:
        """Whether what was written on the way may be written again."""
        return self.overwrite or self.resume

    def plan(self, default: Path, stems: Sequence[str], beside: Sequence[str]) -> Folder:
        """Where every picture goes, all known to be writable before the work begins.

        Args:
            default: where they go unless it was said.
            stems: of the pictures. beside: names of further files that a folder will have.

        Raises:
            InvalidInput, OutputError: a file cannot be written, or two of them would be the same.
        """
        from fusedream_sdk.run.folder import Folder

        folder = Folder(self.out or default, resume=self.resume, overwrite=self.overwrite)
        targets = folder.plan(stems, beside)
        self._check_sheet([*targets, *([] if folder.single else [folder.path / name for name in beside])])
        return folder

    def _check_sheet(self, others: Sequence[Path]) -> None:
        """The sheet, if there is one, can be written, and is none of the others. Raises InvalidInput, OutputError."""
        from fusedream_sdk.errors import InvalidInput
        from fusedream_sdk.runtime.paths import check_writable, user_path

        if self.sheet is None:
            return
        sheet = user_path("sheet", self.sheet)
        if sheet.suffix.lower() != ".png" and sheet.name.lower() != ".png":
            raise InvalidInput("sheet", expected="a file that ends in .png", got=str(self.sheet))
        if os.path.realpath(sheet) in [os.path.realpath(path) for path in others]:  # unlike pathlib's, never raises
            raise InvalidInput("sheet", expected="another file than the output's", got=str(self.sheet))
        check_writable(sheet, overwrite=self.replaces, argument="sheet")

    def save_sheet(self, sheet: Callable[[], Image.Image]) -> None:
        """Write the sheet, if there is to be one."""
        from fusedream_sdk.runtime.files import atomic_path

        if self.sheet is not None:
            with atomic_path(self.sheet, overwrite=self.replaces, argument="sheet") as temporary:
                sheet().save(temporary, format="PNG")


def output_options(*progress: str, about: str, sheet: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that adds the options of `Output`, with these kinds of progress, and with the help of two of them."""
    return grouped(
        "output",
        Output,
        click.option("-o", "--out", type=PATH, help="A .png for one picture, or a folder."),
        click.option("--sheet", type=PATH, help=sheet),
        overwrite_option,
        click.option("--resume", is_flag=True, help="Go on in a folder that an interrupted run began; what is whole is kept."),
        click.option("--progress", type=click.Choice(progress), default=progress[0], show_default=True, help=about),
    )


@contextmanager
def filling(folder: Folder) -> Iterator[None]:
    """A run that fills a folder; what ends it early says what is saved."""
    from fusedream_sdk.errors import PluginFault

    try:
        yield
    except PluginFault as error:
        if folder.saved:
            raise PluginFault(f"{error} {saved(folder)}") from error
        raise
    except KeyboardInterrupt:
        if not folder.saved:
            raise
        say(f"interrupted: {saved(folder)}")
        raise click.exceptions.Exit(DONE) from None


def saved(folder: Folder) -> str:
    """What is there of a run that was ended early, and how it goes on."""
    return f"{len(folder.saved)} of {len(folder.targets)} pictures are saved in {folder.path}.{go_on(folder)}"


def go_on(folder: Folder) -> str:
    """How a run that was ended early goes on."""
    return "" if folder.single else " The same with --resume goes on."


def conclude(status: Sequence[Status], folder: Folder, *, stopped: bool, missing: str) -> int:
    """Say what went otherwise than asked; the exit code of pictures with these marks."""
    if stopped:
        begun = f"; {missing} were not begun." if missing else "."
        say(f"stopped early: the best so far is saved{begun}{go_on(folder)}")
    failed = status.count(Status.FAILED)
    if failed:
        complain(f"{failed} of {len(status)} pictures stopped at a value that is not finite; their best points are saved.")
    return OURS if failed == len(status) else DONE


def facts(result: Result, row: int, path: Path) -> dict[str, Any]:
    """The same of one picture for a program."""
    scores = {name: float(x[row]) for name, x in result.scores.items()}
    about = {"path": path, "prompt": result.prompts[row], "seed": result.seeds[row], "status": result.status[row]}
    return {**about, "scores": scores, "best_step": int(result.best_step[row])}


def line(result: Result, row: int, path: Path, about: str = "") -> str:
    """Path, scores, what else there is to say, and, where it is not "done", the status of one picture."""
    scores = [f"{name} {float(x[row]):.3f}" for name, x in result.scores.items()]
    status = "" if result.status[row] == Status.DONE else f"({result.status[row]})"
    return "  ".join(filter(None, [str(path), *scores, about, status]))
