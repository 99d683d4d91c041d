"""Visitors: each has pictures and a folder of its own, and at most one run at a time."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pictures import read_recipe
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.saving import slug
from fusedream_sdk.web.limits import KEPT
from fusedream_sdk.web.shelf import Choice


@dataclass(frozen=True)
class Kept:
    """A picture of the gallery.

    Attributes:
        number: by which it is known on the page.
        path: of its PNG, which carries the recipe.
        title: what it is called. choice: the models that drew it.
        result: its one row, with the latents; None of a composed picture, whose latents are those of a scene.
    """

    number: int
    path: Path
    title: str
    choice: Choice
    result: Result | None = None

    @property
    def label(self) -> str:
        """Number and title."""
        return f"{self.number}: {self.title}"

    def recipe(self) -> dict[str, Any]:
        """What it was made by, as it stands in the file."""
        return read_recipe(self.path)


@dataclass
class Visitor:
    """Somebody who looks at the page.

    Args:
        folder: of this visit alone, for as long as it lasts.
        out: a folder that takes a copy of every file; None where pictures are as temporary as the visit.
    """

    folder: Path
    out: Path | None = None
    _pictures: dict[int, Kept] = field(default_factory=dict)
    _running: threading.Event | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _files: int = 0

    @contextmanager
    def run(self) -> Iterator[threading.Event]:
        """A run, and what ends it. Raises InvalidInput where one is going on already."""
        stop = threading.Event()
        with self._lock:
            if self._running is not None:
                fix = "Wait until it is done, or cancel it."
                raise InvalidInput("run", expected="one at a time for each visitor", got="a second", fix=fix)
            self._running = stop
        try:
            yield stop
        finally:
            with self._lock:
                self._running = None

    def cancel(self) -> bool:
        """End this visitor's run at its next step; whether there was one."""
        with self._lock:
            if self._running is not None:
                self._running.set()
            return self._running is not None

    def file(self, title: str, suffix: str, write: Callable[[Path], object]) -> Path:
        """Have a file written into the visitor's folder, and a copy of it to where pictures stay, if there is such a place."""
        with self._lock:
            self._files += 1
            path = self.folder / f"{self._files:03d}-{slug(title)}{suffix}"
        write(path)
        if self.out is not None:
            shutil.copyfile(path, _free(self.out, path.name))
        return path

    def keep(self, title: str, choice: Choice, write: Callable[[Path], object], result: Result | None = None) -> Kept:
        """Add a picture to the gallery, from which the oldest goes where there are too many."""
        path = self.file(title, ".png", write)
        with self._lock:
            kept = Kept(max(self._pictures, default=0) + 1, path, title, choice, result)
            self._pictures[kept.number] = kept
            while len(self._pictures) > KEPT:
                self._pictures.pop(next(iter(self._pictures))).path.unlink(missing_ok=True)
        return kept

    def pictures(self) -> list[Kept]:
        """The gallery, newest first."""
        with self._lock:
            return list(reversed(self._pictures.values()))

    def picture(self, argument: str, number: object) -> Kept:
        """One of the gallery. Raises InvalidInput for none of it."""
        with self._lock:
            found = self._pictures.get(number) if isinstance(number, int) else None
            empty = not self._pictures
        if found is None:
            got = "nothing" if number is None else repr(number)
            fix = "Draw one first." if empty else "Choose one."
            raise InvalidInput(argument, expected="a picture of the gallery", got=got, fix=fix)
        return found


class Visitors:
    """All of them, by the name of their visit.

    Args:
        folder: takes a folder for each. out: as of `Visitor`.
    """

    def __init__(self, folder: Path, out: Path | None = None) -> None:
        self._folder, self._out = folder, out
        self._known: dict[str, Visitor] = {}
        self._lock = threading.Lock()

    def visitor(self, name: str | None) -> Visitor:
        """Whoever this is; somebody new where the name is not known yet."""
        with self._lock:
            if str(name) not in self._known:
                own = Path(tempfile.mkdtemp(prefix="visit-", dir=self._folder))
                self._known[str(name)] = Visitor(own, self._out)
            return self._known[str(name)]

    def leave(self, name: str | None) -> None:
        """A visit is over: its run ends, and its folder goes."""
        with self._lock:
            gone = self._known.pop(str(name), None)
        if gone is not None:
            gone.cancel()
            shutil.rmtree(gone.folder, ignore_errors=True)

    def leave_all(self) -> None:
        """All visits are over."""
        for name in list(self._known):
            self.leave(name)


def _free(folder: Path, name: str) -> Path:
    """A name that no file of a folder has yet: 001-a-dog.png, or 001-a-dog-2.png."""
    path, count = folder / name, 1
    while path.exists():
        count += 1
        path = folder / f"{Path(name).stem}-{count}{Path(name).suffix}"
    return path
