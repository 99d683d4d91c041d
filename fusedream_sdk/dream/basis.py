"""The pool: what the search of a row found, as pictures, from which the starts can be chosen by eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from fusedream_sdk.dream.prepare import given_places, may_search, searches
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.cards import COLUMNS, PICTURES, Cell, html_table, sheet_png
from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.imaging.sheets import Group, numbered_sheet, save_sheet
from fusedream_sdk.latents import Latents, map_latents, select
from fusedream_sdk.methods.base import Method
from fusedream_sdk.run.report import render
from fusedream_sdk.run.rows import chosen
from fusedream_sdk.run.settings import PLACES, Settings
from fusedream_sdk.run.task import Task, found_at
from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.progress import bar
from fusedream_sdk.runtime.room import check_memory

SHOWN = 20  # starts of a row


@dataclass(frozen=True)
class Pool:
    """The best of each row's search, B rows of k starts, best first: place 0 is the best.

        pool = dream.basis("a blue dog")
        pool.save("pool.png")
        dream.generate("a blue dog", pin=[3, 17])

    Attributes:
        prompts, seeds: of each row.
        images: (B, k, 3, H, W) in [0, 1], float32, on the CPU.
        scores: (B, k), by which the search ordered them: AugCLIP, by the views of the search. Higher is better.
        index: (B, k), of the samples: in the latent bank, or among the draws of a row that has none.
        latents: that draw the pictures, (B, k, ...) each, on the CPU.
    """

    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    images: Tensor
    scores: Tensor
    index: Tensor
    latents: Latents

    def __len__(self) -> int:
        return len(self.prompts)

    def __repr__(self) -> str:
        return f"Pool({self.images.shape[1]} starts for {len(self)} {'row' if len(self) == 1 else 'rows'})"

    def __getitem__(self, row: int | slice | Sequence[int]) -> Pool:
        """Some of the rows, as a Pool."""
        keep = chosen(row, len(self))
        return replace(
            self,
            prompts=tuple(self.prompts[i] for i in keep),
            seeds=tuple(self.seeds[i] for i in keep),
            images=self.images[keep],
            scores=self.scores[keep],
            index=self.index[keep],
            latents=select(self.latents, keep),
        )

    def sheet(self) -> Image.Image:
        """Every start with its place and its score, row by row: the numbers that `pin` and `drop` take."""
        groups = [
            Group(
                f"{prompt} (seed {seed})",
                [to_pil(image) for image in images],
                [str(place) for place in range(len(scores))],
                [f"{float(score):.3f}" for score in scores],
            )
            for prompt, seed, images, scores in zip(self.prompts, self.seeds, self.images, self.scores, strict=True)
        ]
        return numbered_sheet(groups)

    def _repr_png_(self) -> bytes:
        return sheet_png(self.sheet())

    def _repr_html_(self) -> str:
        places = range(0, self.images.shape[1], COLUMNS)
        rows = min(len(self), max(1, PICTURES // self.images.shape[1]))
        more = [f"and {len(self) - rows:,} more rows"] if len(self) > rows else []
        lines = [self._line(row, first) for row in range(rows) for first in places]
        return html_table((), lines, notes=["the number of a start is its place, as pin and drop take it", *more])

    def _line(self, row: int, first: int) -> list[Cell]:
        """Some starts of a row, after its name where they are the first."""
        shown = list(enumerate(self.scores[row].tolist()))[first : first + COLUMNS]
        name = "" if first else f"{self.prompts[row]} (seed {self.seeds[row]})"
        return [name, *([to_pil(self.images[row, place]), f"{place}: {score:.3f}"] for place, score in shown)]

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the sheet as a .png. Raises OutputError: it cannot be written. InvalidInput: another suffix."""
        return save_sheet(self.sheet(), path, overwrite=overwrite)


def pool_settings(method: Method, settings: Settings, changes: Mapping[str, Any], count: int | None) -> tuple[Settings, int]:
    """The settings of a search, and how many starts are shown. Raises InvalidInput where a method does not search."""
    for name in given_places(changes):
        fix = "Leave it out here; generate takes it."
        raise InvalidInput(name, expected="nothing, as the whole pool is shown", got=changes[name], fix=fix)
    made = method.settings_for(settings.replace(**dict.fromkeys(PLACES, ())), changes)  # other places are shown too
    if not searches(method, made):
        if may_search(method):
            raise InvalidInput("samples", expected="more than 1", got=made.samples, fix="There is no search among one.")
        raise InvalidInput("method", expected="one that searches", got=str(method), fix="See fd.list_methods().")
    if count is None:
        return made, min(SHOWN, made.samples)
    shown: int = bounds.SETTINGS["basis"].check("count", count, f"The default is {SHOWN}.")
    if shown > made.samples:
        raise InvalidInput("count", expected=f"at most samples = {made.samples}", got=shown, fix="Search more samples.")
    return made, shown


def unpinned(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Settings of a scene, whose layers search by themselves. Raises InvalidInput where places are given."""
    for name in given_places(changes):
        expected = "nothing, as the layers of a scene search by themselves"
        raise InvalidInput(name, expected=expected, got=changes[name], fix="Leave it out.")
    return settings.replace(**dict.fromkeys(PLACES, ()))


def find_pool(task: Task, count: int) -> Pool:
    """Search, and draw the best of each row. Raises InvalidInput where so many pictures do not fit the memory."""
    total, (height, width) = len(task.rows) * count, task.generator.resolution
    check_memory("count", total * 3 * height * width * 5, f"{total:,} pictures of {height} x {width}", "Show fewer.")
    search = found_at(task, range(count))
    with bar("drawing the pool", task.progress) as advance:
        images = render(task.generator, map_latents(lambda x: x.flatten(0, 1), search.latents), advance)
    return Pool(
        prompts=tuple(map(str, task.rows.prompts)),
        seeds=task.rows.seeds,
        images=images.unflatten(0, (len(task.rows), count)),
        scores=search.scores,
        index=search.index,
        latents=map_latents(lambda x: x.cpu(), search.latents),
    )
