"""The pool on the command line: show what the search found, and choose among it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fusedream_sdk.cli.exits import DONE
from fusedream_sdk.cli.numbers import Number, Places
from fusedream_sdk.cli.options import grouped, unused
from fusedream_sdk.cli.paths import PATH
from fusedream_sdk.cli.speech import say, tell
from fusedream_sdk.runtime.bounds import SETTINGS

if TYPE_CHECKING:
    from fusedream_sdk.dream.fusedream import FuseDream
    from fusedream_sdk.scoring.prompt import Prompt


@dataclass(frozen=True)
class PoolChoice:
    """Which starts of the search are taken, and whether they are only to be shown."""

    pin: list[int] | None
    drop: list[int] | None
    preview_basis: Path | None
    preview_count: int | None

    def changes(self) -> dict[str, Any]:
        """As keywords of `FuseDream.generate`. Raises click's error for a count of nothing."""
        if self.preview_count is not None and self.preview_basis is None:
            raise unused("--preview-count", "nothing is to be shown", "add --preview-basis sheet.png")
        given = {"pin": self.pin, "drop": self.drop}
        return {name: places for name, places in given.items() if places is not None}

    def check(self, *, overwrite: bool) -> None:
        """The sheet can be written. Raises InvalidInput, OutputError."""
        from fusedream_sdk.imaging.sheets import check_sheet

        if self.preview_basis is not None:
            check_sheet("preview_basis", self.preview_basis, overwrite=overwrite)

    def show(self, dream: FuseDream, prompts: Sequence[Prompt], *, overwrite: bool, **given: Any) -> int:
        """Write the sheet, and say how its numbers are used. The exit code."""
        sheet = self.preview_basis or Path()
        pool = dream.basis(prompts, count=self.preview_count, **given)
        pool.save(sheet, overwrite=overwrite)
        count, best = pool.images.shape[1], pool.scores[:, 0].tolist()
        for prompt, seed, score in zip(pool.prompts, pool.seeds, best, strict=True):
            about = {"path": sheet, "prompt": prompt, "seed": seed, "starts": count, "best": score}
            tell(f"{sheet}  {prompt} (seed {seed})  {count} starts, best {score:.3f}", "starts", about)
        some = ",".join(str(place) for place in (1, 3) if place < count) or "0"
        say(f"nothing is optimised yet. --pin {some} in place of --preview-basis begins at these, --drop 0 at all others.")
        return DONE


pool_options = grouped(
    "pool",
    PoolChoice,
    click.option("--pin", type=Places(), help="Begin at these starts of the search, by their numbers on the sheet: 3,17."),
    click.option("--drop", type=Places(), help="Leave these out; the next best stand in."),
    click.option("--preview-basis", type=PATH, help="Only write this .png: what the search found, with its numbers."),
    click.option("--preview-count", type=Number(SETTINGS["basis"]), help="How many starts of it are shown. [default: 20]"),
)
