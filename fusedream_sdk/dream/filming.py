"""A film of a run: what the optimisation saw, every few steps, and in the end the finished pictures."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, TypeAlias, cast

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from fusedream_sdk.dream.draw import Watch
from fusedream_sdk.errors import FuseDreamError, InvalidInput
from fusedream_sdk.imaging.film import check_film, write_film
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.task import Task
from fusedream_sdk.runtime.bounds import EVERY, FPS
from fusedream_sdk.runtime.checks import check_flag, is_finite
from fusedream_sdk.runtime.paths import user_path
from fusedream_sdk.scenes.compose import Watch as SceneWatch
from fusedream_sdk.scenes.request import Request
from fusedream_sdk.scenes.result import Composed

FRAMES = 100  # of a film at most, unless it was said how many steps lie between two
CELLS = 64  # pictures that a film shows side by side, at most
SIDES = (256, 1280)  # of a frame: it is enlarged to the one, and shrunk to the other
GAP = 2  # pixels between two pictures, as on a sheet
LONGEST_HOLD = 60  # seconds
WHITE = 255


@dataclass(frozen=True)
class Filming:
    """Where the film of a run goes, and how it is made. That of `compose` shows all candidates.

        dream.generate("a blue dog", film="dog.gif")
        dream.generate("a blue dog", film=fd.Filming("dog.mp4", every=2, fps=24))

    Args:
        path: a file that ends in .gif, or in .mp4 where ffmpeg or the package imageio-ffmpeg is installed.
        every: steps between two frames; by default as many as leave at most 100 frames.
        fps: frames per second, 1 to 100.
        hold: seconds for which the finished pictures stay at the end, up to 60.
        overwrite: whether a file that exists may be replaced.

    Raises:
        OutputError: the place cannot be written, or there is no ffmpeg. InvalidInput: another suffix, or a number that cannot
            be used.
    """

    path: str | Path
    every: int | None = None
    fps: int = 12
    hold: float = 2.0
    overwrite: bool = False

    def __post_init__(self) -> None:
        check_flag("overwrite", self.overwrite)
        if self.every is not None:
            EVERY.check("every", self.every, "Leave it out.")
        FPS.check("fps", self.fps, "The default is 12.")
        if not is_finite(self.hold) or not 0 <= self.hold <= LONGEST_HOLD:
            expected = f"a number of seconds from 0 to {LONGEST_HOLD}"
            raise InvalidInput("hold", expected=expected, got=self.hold, fix="The default is 2.")
        check_film(user_path("film", self.path), overwrite=self.overwrite, argument="film")


FilmLike: TypeAlias = str | Path | Filming | None
"""Where a film of a run goes: a path, or a `Filming`; None makes none."""


def as_filming(film: FilmLike) -> Filming | None:
    """A film by its path, or as it is. Raises InvalidInput, OutputError: it cannot be written."""
    return film if isinstance(film, Filming) or film is None else Filming(user_path("film", film))


def filmed(film: Filming | None, task: Task, watch: Watch | None, draw: Callable[[Watch | None], Result]) -> Result:
    """Draw, and film it: the rows side by side, as on a sheet.

    Args:
        film: None makes none.
        task: of the rows, at most 64.
        watch: is called too.
        draw: draws the rows, with a watcher.

    Whatever ends the run, what was filmed until then is written. A film that cannot be written is a warning: the pictures are
    not lost for it.

    Raises:
        InvalidInput: there are more rows.
    """
    if film is None:
        return draw(watch)
    names = list(zip(map(str, task.rows.prompts), task.rows.seeds, strict=True))
    seeds = max(1, len(names) // len({prompt for prompt, _ in names}))
    columns = seeds if seeds > 1 else min(5, len(names))
    with Recorder(film, names, task.settings.steps, task.generator.resolution, columns) as recorder:

        def seen(state: State, rows: Sequence[int]) -> None:
            recorder.note(state, rows)
            if watch is not None:
                watch(state, rows)

        made = draw(seen)
        recorder.finish(zip(made.prompts, made.seeds, strict=True), made.images)
    return made


def filmed_scenes(
    film: Filming | None,
    request: Request,
    resolution: tuple[int, int],
    watch: Watch | None,
    run: Callable[[SceneWatch], Composed],
) -> Composed:
    """Compose, and film it: a line for each picture, its candidates side by side.

    Args:
        film: None makes none.
        request: of at most 64 candidates.
        resolution: height and width of a picture.
        watch: is called too, with candidates' states and rows.
        run: composes, with a watcher.

    Otherwise as `filmed`. Raises InvalidInput: there are more candidates.
    """
    if film is None:
        return run(lambda rows, state: None if watch is None else watch(state, rows))
    pairs, places = [(str(prompt), seed) for prompt, seed in request.pairs], list(request.placements)
    names = [(*pair, place) for pair in pairs for place in places]
    with Recorder(film, names, request.settings.steps, resolution, len(places)) as recorder:

        def seen(rows: list[int], state: State) -> None:
            recorder.note(state, rows)
            if watch is not None:
                watch(state, rows)

        made = run(seen)
        found = made.candidates
        recorder.finish(zip(found.prompts, found.seeds, made.starts, strict=True), found.images)
    return made


class Recorder:
    """Films rows side by side. Frames lie in a temporary file until the film is written, when the block ends.

    Args:
        film: where it goes.
        names: of the rows, in their order.
        steps: of the run.
        resolution: height and width of a picture.
        columns: pictures in a line of a frame.

    Raises:
        InvalidInput: there are more than 64 rows.
    """

    def __init__(
        self, film: Filming, names: Sequence[tuple[Any, ...]], steps: int, resolution: tuple[int, int], columns: int
    ) -> None:
        count = len(names)
        if count > CELLS:
            fix = "Film fewer at a time."
            raise InvalidInput("film", expected=f"at most {CELLS} pictures, side by side", got=f"{count} of them", fix=fix)
        self._film, self._steps = film, steps
        self._every = film.every or max(1, -(-steps // FRAMES))
        self._names, self._columns = list(names), columns
        height, width = resolution
        lines = -(-count // self._columns)
        whole = max(self._columns * (width + GAP), lines * (height + GAP)) - GAP
        share = min(1.0, SIDES[1] / whole)
        self._cell = max(1, int(height * share)), max(1, int(width * share))
        self._times = max(1, SIDES[0] // whole)  # every pixel becomes a square of so many
        self._places: dict[int, list[tuple[int, int]]] = {}  # step -> (row, where its frame lies)
        self._last: list[np.ndarray | None] = [None] * count
        self._spool = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - closed when the block ends

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._spool:
            if not self._places:
                return
            film = self._film
            try:
                write_film(self._frames(), film.path, fps=film.fps, hold=film.hold, overwrite=film.overwrite, argument="film")
            except (FuseDreamError, OSError) as problem:
                warnings.warn(f"the film could not be written: {problem}", stacklevel=2)

    def note(self, state: State, rows: Sequence[int]) -> None:
        """Film a state of some rows, if it is time for a frame."""
        if state.step % self._every and state.step != self._steps:
            return
        for row, image in zip(rows, state.evaluation.images, strict=True):
            where = self._spool.seek(0, 2)
            self._spool.write(self._pixels(image).tobytes())
            self._places.setdefault(state.step, []).append((row, where))

    def finish(self, names: Iterable[tuple[Any, ...]], images: Tensor) -> None:
        """The finished pictures are the last frame; those of rows that had not begun are not there."""
        pictures = iter(zip(names, images, strict=True))
        found = next(pictures, None)
        for row, name in enumerate(self._names):
            if found is not None and found[0] == name:
                self._last[row] = self._pixels(found[1])
                found = next(pictures, None)

    def _pixels(self, image: Tensor) -> np.ndarray:
        """(3, H, W) in about [0, 1] as a cell of a frame: (h, w, 3), bytes."""
        small = image.detach().float().cpu()
        if tuple(small.shape[1:]) != self._cell:
            small = F.interpolate(small[None], self._cell, mode="area")[0]
        return (small.clamp(0, 1) * WHITE).round().to(torch.uint8).permute(1, 2, 0).numpy()

    def _frames(self) -> Iterator[Image.Image]:
        """The film, frame by frame: every row at its last frame so far, white before its first."""
        height, width = self._cell
        lines = -(-len(self._names) // self._columns)
        size = lines * (height + GAP) - GAP, self._columns * (width + GAP) - GAP
        canvas = np.full((*size, 3), WHITE, np.uint8)

        def paste(row: int, cell: np.ndarray) -> None:
            y, x = row // self._columns * (height + GAP), row % self._columns * (width + GAP)
            canvas[y : y + height, x : x + width] = cell

        filmed_rows = {row for places in self._places.values() for row, _ in places}
        for row, cell in enumerate(self._last):
            if cell is not None and row not in filmed_rows:  # it was there before the run
                paste(row, cell)
        for step in sorted(self._places):
            for row, where in self._places[step]:
                self._spool.seek(where)
                paste(row, np.frombuffer(self._spool.read(height * width * 3), np.uint8).reshape(height, width, 3))
            yield self._shown(canvas)
        for row, cell in enumerate(self._last):
            if cell is not None:
                paste(row, cell)
        yield self._shown(canvas)

    def _shown(self, canvas: np.ndarray) -> Image.Image:
        """A frame, with every pixel as a square where it is tiny."""
        return Image.fromarray(canvas.repeat(self._times, axis=0).repeat(self._times, axis=1))
