"""What can be watched of a run: pictures so far, and a film."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fusedream_sdk.cli.numbers import Number
from fusedream_sdk.cli.options import grouped, unused
from fusedream_sdk.cli.output import Output
from fusedream_sdk.cli.paths import PATH
from fusedream_sdk.cli.speech import say
from fusedream_sdk.runtime.bounds import EVERY, FPS

if TYPE_CHECKING:
    from fusedream_sdk.cli.previews import PicturesSoFar
    from fusedream_sdk.dream.filming import Filming
    from fusedream_sdk.run.folder import Folder


@dataclass(frozen=True)
class WatchChoice:
    """A film, and how often something is shown."""

    film: Path | None
    fps: int | None
    every: int | None

    def check(self, output: Output) -> None:
        """Nothing was given that would have no effect. Raises click's error."""
        if self.every is not None and output.progress != "pictures" and self.film is None:
            raise unused("--every", "there are no pictures so far", "add --progress pictures, or --film")
        self.check_film(every=False)

    def check_film(self, *, every: bool = True) -> None:
        """The same where there is nothing but a film to watch."""
        for name, given in (("--every", self.every if every else None), ("--fps", self.fps)):
            if given is not None and self.film is None:
                raise unused(name, "there is no film", "add --film out.gif")

    def filming(self, output: Output) -> Filming | None:
        """The film, if there is to be one. Raises InvalidInput, OutputError: it cannot be written."""
        if self.film is None:
            return None
        from fusedream_sdk.dream.filming import Filming

        return Filming(self.film, every=self.every, fps=self.fps or 12, overwrite=output.replaces)

    def pictures(self, folder: Folder, output: Output) -> PicturesSoFar | None:
        """What writes the pictures so far, if it is to. Raises OutputError: their folder cannot be written."""
        if output.progress != "pictures":
            return None
        from fusedream_sdk.cli.previews import PicturesSoFar

        made = PicturesSoFar(folder.path, folder.targets, every=self.every or 10, overwrite=output.replaces)
        say(f"pictures so far: {made.folder}")
        return made


_film = (
    click.option("--film", type=PATH, help="Also write a film of the run, a .gif or .mp4, all pictures side by side."),
    click.option("--fps", type=Number(FPS), help="Frames per second of the film. [default: 12]"),
)
watch_options = grouped(
    "watching",
    WatchChoice,
    *_film,
    click.option(
        "--every",
        type=Number(EVERY),
        help="Steps between two pictures so far [default: 10], or frames [default: at most 100 frames].",
    ),
)
film_options = grouped(
    "watching",
    WatchChoice,
    *_film,
    click.option("--every", type=Number(EVERY), help="Steps between two frames. [default: at most 100 frames]"),
)
