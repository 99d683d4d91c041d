"""A folder that fills picture by picture, and from which an interrupted run goes on.

Beside the pictures it has `manifest.json`, which says what was asked for, and until all are done `.parts`, with the tensors
of each row; a batch keeps these for good, under another name. Every file is written whole or not at all, so whatever ends a
run, even the loss of power, leaves rows that are whole and rows that are not there.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeVar

from fusedream_sdk.errors import FuseDreamError, InvalidInput, shown
from fusedream_sdk.imaging.pictures import read_recipe, save_png
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.saving import Pictures, plan_files, rescue
from fusedream_sdk.runtime.checks import check_flag
from fusedream_sdk.runtime.files import atomic_path, sweep, unwritten
from fusedream_sdk.runtime.paths import user_path

MANIFEST, PARTS, FORMAT = "manifest.json", ".parts", 1


class Part(Pictures, Protocol):
    """Rows with their tensors: a `Result`, a `Composed`, an `Inversion`."""

    def __len__(self) -> int:
        """How many rows."""
        ...

    @property
    def ends(self) -> tuple[Status, ...]:
        """How each row ended, or why it is not as good as it could be."""
        ...

    def save_part(self, path: Path) -> None:
        """Write the file from which the rows can be read back."""
        ...


Kept = TypeVar("Kept", bound=Part)


class Folder:
    """Where pictures go as soon as they are done.

        dream.generate(prompts, seeds=range(100), into=fd.Folder("dreams", resume=True))

    Args:
        path: a folder, made if it is missing; or a file that ends in .png, for a single picture.
        resume: go on with what an interrupted run has left there; what is whole is kept. Begins where nothing is there.
        overwrite: whether existing files may be replaced.

    Attributes:
        saved: the pictures that are there.
    """

    def __init__(self, path: str | Path, *, resume: bool = False, overwrite: bool = False) -> None:
        check_flag("resume", resume)
        check_flag("overwrite", overwrite)
        self.path, self.resume, self.overwrite = user_path("path", path), resume, overwrite
        self.saved: list[Path] = []
        self._noted: set[Path] = set()
        self._targets: list[Path] = []
        self._asked: dict[str, Any] = {}
        self._done = False
        self._tensors = PARTS

    @property
    def single(self) -> bool:
        """Whether it is one picture in a file, which no manifest stands beside."""
        return self._targets == [self.path]

    @property
    def targets(self) -> list[Path]:
        """Where each picture goes, once it is planned."""
        return self._targets

    @property
    def pictures(self) -> list[Path]:
        """Those that are there, in the order of the rows."""
        there = set(self.saved)
        return [target for target in self._targets if target in there]

    def plan(self, stems: Sequence[str], beside: Sequence[str]) -> list[Path]:
        """Where each picture goes; writes nothing. Errors as of `plan_files`, or for a folder that cannot be gone on with."""
        going_on = self.resume and (self.path / MANIFEST).is_file()
        others = [MANIFEST, *beside]
        self._targets = plan_files(self.path, stems, others, overwrite=self.overwrite or going_on)
        if self.resume and self.single:
            fix = "Leave --resume out: a single picture is drawn again."
            raise InvalidInput("resume", expected="a folder", got=f"the file {self.path}", fix=fix)
        return self._targets

    def open(self, asked: Mapping[str, Any], stems: Sequence[str], beside: Sequence[str], *, tensors: str = PARTS) -> None:
        """Begin, or go on.

        Args:
            asked: what decides the pictures, as JSON has it.
            stems: of every picture that is wanted. beside: names of further files.
            tensors: name of the folder of each row's tensors, which stays for good unless it is that of every run.

        Raises:
            OutputError, InvalidInput: it cannot be written, or was begun with something else.
        """
        self.plan(stems, beside)
        self._asked, self._tensors = json.loads(json.dumps(asked)), tensors
        if self.single:
            return
        if self.resume and (self.path / MANIFEST).is_file():
            self._check_same()
            sweep(self.path)
            sweep(self._parts)
        elif self.path.is_dir():
            self._clear()
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
            self._write_manifest(done=False)
        except OSError as error:
            raise unwritten("out", self.path, error, "Choose another folder.") from error

    def kept(self, load: Callable[[Path], Kept], whole: Callable[[], Sequence[Kept]]) -> dict[int, Kept]:
        """The rows that are whole: number -> row. A row that was cancelled in its midst is not.

        Args:
            load: reads the file of a row. whole: reads all rows of a finished folder.
        """
        found: dict[int, Kept] = {}
        if self._done and self.resume and not self.single:
            with suppress(FuseDreamError, OSError):  # it is damaged
                found = dict(enumerate(whole()))
        return dict(self.each_kept(load, found))

    def each_kept(self, load: Callable[[Path], Kept], known: Mapping[int, Kept] | None = None) -> Iterator[tuple[int, Kept]]:
        """The same one by one, so that no more than one need be held.

        Args:
            load: reads the file of a row. known: those that were read otherwise.
        """
        if self.single or not self.resume:
            return
        there = set(os.listdir(self._parts)) if self._parts.is_dir() else set()
        for row, target in enumerate(self._targets):
            if self._part(target).name not in there and not (known and row in known):
                continue
            with suppress(FuseDreamError, OSError):  # damaged by whatever ended the run
                part = known[row] if known and row in known else load(self._part(target))
                if Status.CANCELLED not in part.ends:
                    self._show(target, part)
                    yield row, part

    def add(self, row: int, part: Part) -> None:
        """Write a row that is done. A Ctrl-C in its midst waits until it is written.

        Raises:
            OutputError: the disk is full, or has gone; the row is then in a folder of the user's cache, which it names.
        """
        target = self._targets[row]
        try:
            try:
                self._add(target, part)
            except KeyboardInterrupt:
                self._add(target, part)
                raise
        except OSError as error:
            self._rescue(target, part, error)

    def finish(self, whole: Pictures, *, done: bool) -> None:
        """Write the further files; where all rows are done, nothing is left to go on from."""
        if self.single:
            return
        try:
            try:
                self._finish(whole, done=done)
            except KeyboardInterrupt:
                self._finish(whole, done=done)
                raise
        except OSError as error:
            self._rescue(self.path, whole, error)

    def _add(self, target: Path, part: Part) -> None:
        if not self.single:
            part.save_part(self._part(target))
        save_png(part.pil[0], target, part.row_json(0), overwrite=True)
        self._note(target)

    def _finish(self, whole: Pictures, *, done: bool) -> None:
        for name, write in whole.beside().items():
            write(self.path / name)
        if done:
            self._write_manifest(done=True)
            if self._tensors == PARTS:
                self._clear()

    def _show(self, target: Path, part: Part) -> None:
        """The picture of a row that was kept, written again unless it is whole."""
        try:
            whole = read_recipe(target) == json.loads(json.dumps(part.row_json(0)))
        except InvalidInput:
            whole = False
        if not whole:
            save_png(part.pil[0], target, part.row_json(0), overwrite=True)
        self._note(target)

    def _note(self, target: Path) -> None:
        if target not in self._noted:  # a set: there may be a million
            self._noted.add(target)
            self.saved.append(target)

    @property
    def _parts(self) -> Path:
        return self.path / self._tensors

    def _part(self, target: Path) -> Path:
        return self._parts / f"{target.stem}.safetensors"

    def _clear(self) -> None:
        """Remove the tensors of every row; of a folder that stays only our own, as others may lie there."""
        if self._tensors == PARTS:
            shutil.rmtree(self._parts, ignore_errors=True)
        else:
            for target in self._targets:
                self._part(target).unlink(missing_ok=True)

    def _write_manifest(self, *, done: bool) -> None:
        names = [target.name for target in self._targets]
        manifest = {"format": FORMAT, "asked": self._asked, "pictures": names, "done": done}
        with atomic_path(self.path / MANIFEST) as temporary:
            temporary.write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def _check_same(self) -> None:
        """What was begun here is what is asked for. Raises InvalidInput."""
        fix = "Ask for the same, or choose another folder."
        try:
            manifest = json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))
            before, self._done = manifest["asked"], manifest["done"] is True
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            got = f"a damaged {MANIFEST} ({type(error).__name__})"
            raise InvalidInput("resume", expected=f"a folder that a run began: {self.path}", got=got, fix=fix) from error
        if before != self._asked:
            raise InvalidInput("resume", expected=f"what {self.path} was begun with", got=other(before, self._asked), fix=fix)

    def _rescue(self, target: Path, part: Pictures, error: OSError) -> NoReturn:
        where = rescue(part)
        kept = f"It is kept in {where}." if where else "It could not be kept anywhere."
        count = f"{len(self.saved)} of {len(self._targets)} pictures are saved."
        fix = "" if self.single else " Make room, and go on with --resume."
        raise unwritten("out", target, error, f"{kept} {count}{fix}") from error


def other(before: Any, now: Any, name: str = "") -> str:
    """The first place at which two requests differ, in words."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            if before.get(key) != now.get(key):
                return other(before.get(key), now.get(key), f"{name}.{key}" if name else key)
    return f"{shown(now, 60)} for {name}, which was {shown(before, 60)}"


def as_folder(into: str | Path | Folder | None) -> Folder | None:
    """A folder by its path, or as it is. Raises InvalidInput for something else."""
    return into if isinstance(into, Folder) or into is None else Folder(user_path("into", into))
