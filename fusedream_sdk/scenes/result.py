"""What a composition gives back: the winners, every candidate, the layers and their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from fusedream_sdk.errors import WeightsError
from fusedream_sdk.imaging.cards import Piece, html_cards, sheet_png
from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.recipe import Recipe
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.saving import Writer, save
from fusedream_sdk.runtime.files import atomic_path, read_bundle, save_bundle
from fusedream_sdk.scenes.placement import Placement
from fusedream_sdk.scenes.scene import Scene, placement_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FRAME, CAPTION, WON = 3, 12, (30, 160, 60)
SHEET, CANDIDATES = "candidates.png", "candidates.safetensors"


@dataclass(frozen=True)
class Composed:
    """The best candidate of each (prompt, seed), and all the others.

    Attributes:
        candidates: a row for every prompt, seed and placement; "dropped" is the status of one that halving gave up.
            Scores: "augclip" and "clip" of the fused picture, higher is better; "consistency", lower is better.
        held_out: (B,), of each candidate: AugCLIP on the views that chose the winner.
        placements: where each candidate's foreground lies; for a free one, where it ended.
        starts: the placements that were asked for.
        groups: the rows that competed for each (prompt, seed).
        winner: the row that won each of them.
        scene: the generator: `scene(result.latents)` draws `result.images` again, `scene.layers(...)` their parts.
    """

    candidates: Result
    held_out: Tensor
    placements: tuple[Placement, ...]
    starts: tuple[Placement, ...]
    groups: tuple[tuple[int, ...], ...]
    winner: tuple[int, ...]
    scene: Scene

    @classmethod
    def choose(
        cls,
        candidates: Result,
        held_out: Tensor,
        *,
        starts: Sequence[Placement],
        groups: Sequence[Sequence[int]],
        scene: Scene,
    ) -> Composed:
        """Let the best held-out AugCLIP of each group win."""
        score = torch.nan_to_num(held_out, nan=-torch.inf)
        return cls(
            candidates=candidates,
            held_out=held_out,
            placements=tuple(placement_of(candidates.latents, row) for row in range(len(candidates))),
            starts=tuple(starts),
            groups=tuple(tuple(group) for group in groups),
            winner=tuple(max(group, key=lambda row: float(score[row])) for group in groups),
            scene=scene,
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Composed]) -> Composed:
        """Pictures of all parts, one after the other; they share a scene and a recipe."""
        firsts = list(accumulate((len(part.candidates) for part in parts), initial=0))
        shifted = list(zip(firsts, parts, strict=False))
        return cls(
            candidates=Result.concatenate([part.candidates for part in parts]),
            held_out=torch.cat([part.held_out for part in parts]),
            placements=sum((part.placements for part in parts), ()),
            starts=sum((part.starts for part in parts), ()),
            groups=tuple(tuple(first + row for row in group) for first, part in shifted for group in part.groups),
            winner=tuple(first + row for first, part in shifted for row in part.winner),
            scene=parts[0].scene,
        )

    def split(self) -> list[Composed]:
        """Every picture by itself, with its candidates."""
        return [
            Composed(
                self.candidates[list(group)],
                self.held_out[list(group)],
                tuple(self.placements[row] for row in group),
                tuple(self.starts[row] for row in group),
                (tuple(range(len(group))),),
                (group.index(winner),),
                self.scene,
            )
            for group, winner in zip(self.groups, self.winner, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.winner)

    def __repr__(self) -> str:
        some, found = self.winner[:3], self.candidates
        shown = ", ".join(f"{found.prompts[i]!r} (seed {found.seeds[i]}): {self.placements[i]}" for i in some)
        more = ", ..." if len(self) > 3 else ""
        return f"Composed({len(self)} of {len(self.candidates)} candidates: {shown}{more})"

    @property
    def result(self) -> Result:
        """The winners, prompt by prompt and seed by seed."""
        return self.candidates[list(self.winner)]

    @property
    def images(self) -> Tensor:
        """The winners' pictures, (B, 3, H, W) in [0, 1], on the CPU."""
        return self.result.images

    @property
    def pil(self) -> list[Image.Image]:
        """The winners as 8-bit RGB pictures."""
        return self.result.pil

    def layers(self) -> list[list[Image.Image]]:
        """The pictures that each winner is made of, from back to front, each whole and at its own resolution."""
        latents = self.result.to(self.scene.device)
        parts = render_layers(self.scene, latents)
        return [[to_pil(part[row]) for part in parts] for row in range(len(self))]

    def sheet(self) -> Image.Image:
        """All candidates in one picture: a line for each (prompt, seed), the winner framed, AugCLIP under each."""
        height, width = self.candidates.images.shape[-2:]
        cell = (width + 2 * FRAME, height + 2 * FRAME + CAPTION)
        columns = max(len(group) for group in self.groups)
        sheet = Image.new("RGB", (columns * cell[0], len(self.groups) * cell[1]), "white")
        pen = ImageDraw.Draw(sheet)
        for line, group in enumerate(self.groups):
            for column, row in enumerate(group):
                x, y = column * cell[0], line * cell[1]
                won = row in self.winner
                if won:
                    pen.rectangle((x, y, x + cell[0] - 1, y + height + 2 * FRAME - 1), fill=WON)
                sheet.paste(to_pil(self.candidates.images[row]), (x + FRAME, y + FRAME))
                colour = WON if won else "grey" if self.candidates.status[row] == Status.DROPPED else "black"
                pen.text((x + FRAME, y + height + 2 * FRAME), f"{float(self.held_out[row]):.3f}", fill=colour)
        return sheet

    def _repr_png_(self) -> bytes:
        return sheet_png(self.result.sheet())

    def _repr_html_(self) -> str:
        return html_cards(map(self._card, self.winner), len(self), notes=[f"the best of {len(self.candidates):,} candidates"])

    def _card(self, row: int) -> list[Piece]:
        return [*self.candidates.card(row), str(self.placements[row])]

    def plot(self) -> Figure:
        """Scores by step of the winners, and their consistency, a loss. Errors as of `Result.plot`."""
        return self.result.plot()

    def row_recipe(self, index: int) -> Recipe:
        """What `replay` needs to compose one winner again."""
        row = self.winner[index]
        start = self.starts[row]
        place = {"scale": start.scale, "x": start.x, "y": start.y}
        return replace(self.candidates.row_recipe(row), placement=place)

    def row_json(self, row: int) -> dict[str, Any]:
        """What a picture carries: `row_recipe`, as JSON has it."""
        return self.row_recipe(row).to_json()

    def stems(self) -> list[str]:
        """Names of the winners' pictures in a folder."""
        return self.result.stems()

    def beside(self) -> dict[str, Writer]:
        """The further files of a folder."""
        return {SHEET: self._save_sheet, CANDIDATES: self.save_part, **self.result.beside()}

    @property
    def ends(self) -> tuple[Status, ...]:
        """ "cancelled" for a picture one of whose candidates was, or had not begun; else how its winner ended."""
        return tuple(
            Status.CANCELLED if self._cut_short(group) else self.candidates.status[row]
            for group, row in zip(self.groups, self.winner, strict=True)
        )

    def _cut_short(self, group: Sequence[int]) -> bool:
        return Status.CANCELLED in [self.candidates.status[row] for row in group]

    def save_part(self, path: Path) -> None:
        """Write the file from which `load_part` reads everything back but the scene."""
        about, tensors = self.candidates.as_bundle()
        spots = {name: [astuple(place) for place in getattr(self, name)] for name in ("placements", "starts")}
        more = {**spots, "groups": self.groups, "winner": self.winner}
        save_bundle(path, {**tensors, "held_out": self.held_out}, {"candidates": about, **more})

    @classmethod
    def load_part(cls, path: Path, scene: Scene) -> Composed:
        """Read back a file that `save_part` wrote. Raises WeightsError if it is missing or damaged."""
        from safetensors import SafetensorError

        try:
            about, tensors = read_bundle(path)
            placements, starts = (tuple(Placement(*numbers) for numbers in about[n]) for n in ("placements", "starts"))
            groups, held_out = tuple(map(tuple, about["groups"])), tensors.pop("held_out")
            candidates = Result.from_bundle(about["candidates"], tensors)
            return cls(candidates, held_out, placements, starts, groups, tuple(about["winner"]), scene)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{path}: expected what Composed.save_part wrote ({error}).") from error

    def _save_sheet(self, path: Path) -> None:
        with atomic_path(path) as temporary:
            self.sheet().save(temporary, format="PNG")

    def save(self, path: str | Path, *, overwrite: bool = False) -> list[Path]:
        """Write the winners.

        Args:
            path: a file ending in .png (only for a single winner), or a folder, made if it is missing, that takes a PNG for
                each winner, `candidates.png` and `candidates.safetensors` with all candidates, and `result.safetensors` with
                the winners' tensors.
            overwrite: whether existing files may be replaced.

        Returns:
            The winners' paths. Nothing is written if one of them cannot be.
        """
        return save(self, path, overwrite=overwrite)


def render_layers(scene: Scene, latents: dict[str, Tensor]) -> list[Tensor]:
    """The layers of some rows, from back to front: (B, 3, h, w) each, on the CPU."""
    with torch.no_grad():
        return [layer.float().clamp(0, 1).cpu() for layer in scene.layers(latents)]
