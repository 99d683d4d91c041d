"""What an inversion gives back: pictures, the nearest that the generator draws, and their latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from fusedream_sdk.errors import WeightsError, shown
from fusedream_sdk.imaging.cards import html_cards, sheet_png
from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.latents import Latents, concatenate, select
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.plot import history_plot
from fusedream_sdk.run.recipe import MALFORMED, Recipe, Verb
from fusedream_sdk.run.result import join_histories
from fusedream_sdk.run.saving import Writer, save
from fusedream_sdk.run.stored import Stored
from fusedream_sdk.runtime.files import read_bundle, save_bundle
from fusedream_sdk.runtime.paths import user_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILE = "inversion.safetensors"
GAP, CAPTION, COLUMNS = 4, 26, 10  # of a sheet: pixels, pixels, pictures in a line


@dataclass(frozen=True)
class Inversion:
    """One row per picture.

    Attributes:
        targets: the pictures as they were looked for, at the generator's resolution: (B, 3, H, W) in [0, 1], on the CPU.
        images: the nearest ones found, of the same shape; `generator(inversion.latents)` gives them again.
        latents: theirs, a start for everything else: `FuseDream.generate(..., start=inversion)`.
        psnr: (B,), peak signal-to-noise ratio of the two in decibels; higher is nearer, infinite for the same.
        perceptual: (B,), perceptual distance of the two; lower is nearer, 0 for the same.
        status: "done", "plateau", "failed" or "cancelled".
        history: name of a loss -> (steps + 1, B), of the last descent; empty after Ctrl-C before it.
        recipe: models, settings and version.
    """

    targets: Tensor
    images: Tensor
    latents: Latents
    psnr: Tensor
    perceptual: Tensor
    status: tuple[Status, ...]
    history: dict[str, Tensor] = field(default_factory=dict)
    recipe: Recipe = Recipe(Verb.INVERT)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        shown = ", ".join(self.line(row) for row in range(min(3, len(self))))
        return f"Inversion({len(self)} pictures: {shown}{', ...' if len(self) > 3 else ''})"

    @classmethod
    def concatenate(cls, parts: Sequence[Inversion]) -> Inversion:
        """Rows of all parts, one after the other; they share a recipe."""
        names = next((list(part.history) for part in parts if part.history), [])
        unseen = [{name: torch.empty(0, len(part)) for name in names} for part in parts]
        return cls(
            **{
                name: torch.cat([getattr(part, name) for part in parts]) for name in ("targets", "images", "psnr", "perceptual")
            },
            latents=concatenate([part.latents for part in parts]),
            status=sum((part.status for part in parts), ()),
            history=join_histories([part.history or none for part, none in zip(parts, unseen, strict=True)]) if names else {},
            recipe=parts[0].recipe,
        )

    def split(self) -> list[Inversion]:
        """Every row by itself."""
        return [
            replace(
                self,
                **{name: getattr(self, name)[[row]] for name in ("targets", "images", "psnr", "perceptual")},
                latents=select(self.latents, [row]),
                status=(self.status[row],),
                history={name: x[:, [row]] for name, x in self.history.items()},
            )
            for row in range(len(self))
        ]

    def line(self, row: int) -> str:
        """How near one picture came, in words."""
        return f"PSNR {float(self.psnr[row]):.1f} dB, distance {float(self.perceptual[row]):.3f}"

    @property
    def pil(self) -> list[Image.Image]:
        """The pictures found, as 8-bit RGB pictures."""
        return [to_pil(image) for image in self.images]

    def sheet(self) -> Image.Image:
        """Each target above the picture found for it, and PSNR and distance below: ten in a line."""
        height, width = self.images.shape[-2:]
        cell = (max(width, 52) + GAP, 2 * height + CAPTION + 2 * GAP)
        columns = min(COLUMNS, len(self))
        sheet = Image.new("RGB", (columns * cell[0] - GAP, -(-len(self) // columns) * cell[1]), "white")
        pen = ImageDraw.Draw(sheet)
        for row in range(len(self)):
            x, y = row % columns * cell[0], row // columns * cell[1]
            sheet.paste(to_pil(self.targets[row]), (x, y))
            sheet.paste(to_pil(self.images[row]), (x, y + height + GAP))
            text = f"{float(self.psnr[row]):.1f} dB\n{float(self.perceptual[row]):.3f}"
            pen.multiline_text((x, y + 2 * height + GAP), text, fill="black", spacing=0)
        return sheet

    def _repr_png_(self) -> bytes:
        return sheet_png(self.sheet())

    def _repr_html_(self) -> str:
        cards = ([to_pil(self.targets[row]), to_pil(self.images[row]), self.line(row)] for row in range(len(self)))
        return html_cards(cards, len(self), notes=["a picture above the nearest that was found"])

    def plot(self) -> Figure:
        """The loss of the last descent by step, a line for each picture. Errors as of `Result.plot`."""
        return history_plot(self.history, [f"picture {row}" for row in range(len(self))])

    def row_recipe(self, row: int) -> Recipe:
        """How one picture was found, and how near it is."""
        found = {"psnr": round(float(self.psnr[row]), 2), "perceptual": round(float(self.perceptual[row]), 5)}
        return replace(self.recipe, found=found)

    def row_json(self, row: int) -> dict[str, Any]:
        """What a picture carries: `row_recipe`, as JSON has it."""
        return self.row_recipe(row).to_json()

    def stems(self) -> list[str]:
        """Names of the pictures in a folder."""
        return numbered(len(self))

    def beside(self) -> dict[str, Writer]:
        """The further files of a folder."""
        return {FILE: self.save_part}

    def save(self, path: str | Path, *, overwrite: bool = False) -> list[Path]:
        """Write the pictures found.

        Args:
            path: a file ending in .png (only for a single row), or a folder, made if it is missing, that takes a PNG for
                each row and `inversion.safetensors`, from which `Inversion.load` reads everything back.
            overwrite: whether existing files may be replaced.

        Returns:
            The pictures' paths. Nothing is written if one of them cannot be.
        """
        return save(self, path, overwrite=overwrite)

    @property
    def ends(self) -> tuple[Status, ...]:
        """How each row ended."""
        return self.status

    def save_part(self, path: Path) -> None:
        """Write the file from which `load_part` reads everything back."""
        tensors = {"targets": self.targets, "images": self.images, "psnr": self.psnr, "perceptual": self.perceptual}
        for group, entries in (("latents", self.latents), ("history", self.history)):
            tensors |= {f"{group}.{name}": x for name, x in entries.items()}
        save_bundle(path, tensors, {"status": self.status, "recipe": self.recipe.to_json()})

    @classmethod
    def load(cls, folder: str | Path) -> Inversion:
        """Read back what `save` wrote into a folder. Raises WeightsError if it is missing or damaged."""
        return cls.load_part(user_path("folder", folder) / FILE)

    @classmethod
    def load_part(cls, path: Path) -> Inversion:
        """Read back a file that `save` or `save_part` wrote. Raises WeightsError if it is missing or damaged."""
        from safetensors import SafetensorError

        try:
            about, tensors = read_bundle(path)
            targets, images, psnr, distance = (tensors.pop(name) for name in ("targets", "images", "psnr", "perceptual"))
            groups: dict[str, dict[str, Tensor]] = {"latents": {}, "history": {}}
            for key, x in tensors.items():
                group, name = key.split(".", 1)
                groups[group][name] = x
            history, status = groups["history"], tuple(map(Status, about["status"]))
            recipe = _recipe_of(about["recipe"])
            pictures, numbers = {"targets": targets, "images": images}, {"psnr": psnr, "perceptual": distance}
            Stored(status, pictures, groups["latents"], numbers, history).check()
            if targets.shape != images.shape:
                raise ValueError("targets and images of two sizes")
            return cls(targets, images, groups["latents"], psnr, distance, status, history, recipe)
        except (OSError, SafetensorError, *MALFORMED) as error:
            reason = shown(str(error).rstrip("."), 300)
            raise WeightsError(f"inversion {path}: expected a folder that Inversion.save wrote ({reason}).") from error


def _recipe_of(written: Any) -> Recipe:
    """The recipe of a folder; version 0.2 wrote no models where `invert` was called without an engine."""
    if isinstance(written, dict) and "generator" not in written and written.get("method") == Verb.INVERT:
        return Recipe(Verb.INVERT, inversion=written["settings"])
    return Recipe.from_json(written)


def numbered(count: int) -> list[str]:
    """Names of so many pictures."""
    return [f"{row:02d}" for row in range(count)]


def measure_psnr(a: Tensor, b: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of two batches (B, 3, H, W) in [0, 1], in decibels: (B,)."""
    from kornia.metrics import psnr

    return torch.stack([psnr(x, y, 1.0) for x, y in zip(a, b, strict=True)])
