"""The picture so far, written every few steps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fusedream_sdk.errors import OutputError
from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.optim.state import State
from fusedream_sdk.runtime.files import atomic_path
from fusedream_sdk.runtime.paths import check_folder


class PicturesSoFar:
    """A watcher for `FuseDream.generate` that writes step-0000.png, step-0010.png and so on.

    They are what the optimisation sees, its noise included, in the step's number format; the finished picture is a
    clean rendering of the best step, so it may differ from the last of them.

    Args:
        out: the output of the run: car.png makes the folder car-steps, the folder dreams makes dreams/steps.
        targets: the picture of each row; more than one get a folder each.
        every: steps between two pictures.
        overwrite: whether existing ones may be replaced.

    Raises:
        OutputError: the folder has files already and `overwrite` is off, or a file has its name.
    """

    def __init__(self, out: Path, targets: list[Path], *, every: int, overwrite: bool) -> None:
        single = targets == [out]
        self.folder = out.with_name(f"{out.stem}-steps") if single else out / "steps"
        self.every = every
        self._folders = [self.folder if single else self.folder / target.stem for target in targets]
        if os.path.lexists(self.folder) and not os.path.isdir(self.folder):
            raise OutputError(f"progress: expected a folder to write pictures into, got the file {self.folder}.")
        if single or os.path.isdir(out):  # a folder that is still to be made can be written, then
            check_folder(self.folder, "progress")
        if not overwrite and self.folder.is_dir() and any(self.folder.iterdir()):
            raise OutputError(f"progress: expected an empty folder, but {self.folder} has files. Remove it, or --overwrite.")

    def __call__(self, state: State, rows: Sequence[int]) -> None:
        if state.step % self.every:
            return
        for row, image in zip(rows, state.evaluation.images, strict=True):
            self._folders[row].mkdir(parents=True, exist_ok=True)
            with atomic_path(self._folders[row] / f"step-{state.step:04d}.png") as temporary:
                to_pil(image).save(temporary, format="PNG")
