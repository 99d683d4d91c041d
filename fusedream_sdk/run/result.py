"""What a run gives back: pictures, the latents that draw them again, scores, and how they were made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from json import JSONDecodeError
from pathlib import Path
from typing import Any, Protocol

import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, OutputError, WeightsError
from fusedream_sdk.imaging.pictures import grid, png_bytes, save_png, to_pil
from fusedream_sdk.latents import Latents, map_latents, select
from fusedream_sdk.runtime.files import check_writable, read_tensors, save_tensors

FILE = "result.safetensors"
OTHER_FORMATS = {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".mp4"}


@dataclass(frozen=True)
class Result:
    """One row per (prompt, seed).

    Attributes:
        prompts, seeds: of each row.
        images: (B, 3, H, W) in [0, 1], float32, on the CPU; `generator(result.latents)` gives them again.
        latents: the best point of each row, judged on views that were not optimised.
        scores: name -> (B,): "augclip" over fresh views, "clip" of the picture itself. Higher is better.
        best_step: (B,), the step of that point.
        status: "done", "plateau", "failed" or "cancelled".
        history: name of a loss -> (steps + 1, B) on the optimised views; NaN after a row's chunk has stopped.
        recipe: models, settings and version, enough to make it again.
        starts: fingerprints of the latents at which the rows began, where they were given; otherwise empty.
    """

    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    images: Tensor
    latents: Latents
    scores: dict[str, Tensor]
    best_step: Tensor
    status: tuple[str, ...]
    history: dict[str, Tensor] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    starts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.prompts)

    def __repr__(self) -> str:
        shown = ", ".join(f"{p!r} (seed {s})" for p, s in list(zip(self.prompts, self.seeds, strict=True))[:3])
        size = "x".join(map(str, self.images.shape[-2:]))
        return f"Result({len(self)} pictures of {size}: {shown}{', ...' if len(self) > 3 else ''})"

    def __getitem__(self, index: int | slice | Sequence[int]) -> Result:
        """Some of the rows, as a Result."""
        chosen = list(range(len(self)))[index] if isinstance(index, (int, slice)) else list(index)
        keep = [chosen] if isinstance(chosen, int) else chosen
        return Result(
            prompts=tuple(self.prompts[i] for i in keep),
            seeds=tuple(self.seeds[i] for i in keep),
            images=self.images[keep],
            latents=select(self.latents, keep),
            scores={name: x[keep] for name, x in self.scores.items()},
            best_step=self.best_step[keep],
            status=tuple(self.status[i] for i in keep),
            history={name: x[:, keep] for name, x in self.history.items()},
            recipe=self.recipe,
            starts=tuple(self.starts[i] for i in keep) if self.starts else (),
        )

    @property
    def pil(self) -> list[Image.Image]:
        """Every row as an 8-bit RGB picture."""
        return [to_pil(image) for image in self.images]

    def best(self) -> Result:
        """The best seed of each prompt, by the score over fresh views, in the order of the prompts."""
        score = torch.nan_to_num(self.scores["augclip"], nan=-torch.inf)
        firsts = dict.fromkeys(self.prompts)
        return self[[max((i for i, p in enumerate(self.prompts) if p == prompt), key=lambda i: score[i]) for prompt in firsts]]

    def sheet(self) -> Image.Image:
        """All pictures in one: a line for each prompt, a column for each seed; of a single seed, five in a line."""
        seeds = max(1, len(self) // len(set(self.prompts)))
        return grid(self.images, seeds if seeds > 1 else min(5, len(self)))

    def _repr_png_(self) -> bytes:
        return png_bytes(self.sheet())

    def row_recipe(self, row: int) -> dict[str, Any]:
        """What `replay` needs to make one row again."""
        scores = {name: round(float(x[row]), 5) for name, x in self.scores.items()}
        recipe = {**self.recipe, "prompt": self.prompts[row], "seed": self.seeds[row], "scores": scores}
        if self.starts:
            recipe["start"] = {**self.recipe.get("start", {}), "latents": self.starts[row]}
        return recipe

    def save(self, path: str | Path, *, overwrite: bool = False) -> list[Path]:
        """Write the pictures.

        Args:
            path: a file ending in .png (only for a single row), or a folder, made if it is missing, that takes a PNG for
                each row and `result.safetensors`, from which `Result.load` reads everything back.
            overwrite: whether existing files may be replaced.

        Returns:
            The pictures' paths. Nothing is written if one of them cannot be.
        """
        path = Path(path).expanduser()
        names = picture_paths(path, self.prompts, self.seeds, overwrite=overwrite)
        return save_rows(self, path, names, overwrite=overwrite)

    def save_tensors(self, folder: Path) -> None:
        """Write `result.safetensors`, from which `load` reads everything back, into a folder."""
        groups = {"latents": self.latents, "scores": self.scores, "history": self.history}
        tensors = {f"{group}.{name}": x for group, entries in groups.items() for name, x in entries.items()}
        tensors |= {"images": self.images, "best_step": self.best_step}
        lists = {"prompts": self.prompts, "seeds": self.seeds, "status": self.status, "starts": self.starts}
        save_tensors(folder / FILE, tensors, {**lists, "recipe": self.recipe})

    @classmethod
    def load(cls, folder: str | Path) -> Result:
        """Read back what `save` wrote into a folder. Raises WeightsError if it is missing or damaged."""
        from safetensors import SafetensorError

        path = Path(folder).expanduser() / FILE
        try:
            return cls._assemble(*read_tensors(path))
        except (OSError, SafetensorError, KeyError, TypeError, JSONDecodeError) as error:
            raise WeightsError(f"result {path}: expected a folder that Result.save wrote ({error}).") from error

    @classmethod
    def _assemble(cls, about: dict[str, Any], tensors: dict[str, Tensor]) -> Result:
        """A result from the two parts of its file; KeyError or TypeError where something is missing."""

        def group(name: str) -> dict[str, Tensor]:
            return {key.split(".", 1)[1]: x for key, x in tensors.items() if key.startswith(f"{name}.")}

        return cls(
            prompts=tuple(about["prompts"]),
            seeds=tuple(about["seeds"]),
            images=tensors["images"],
            latents=group("latents"),
            scores=group("scores"),
            best_step=tensors["best_step"],
            status=tuple(about["status"]),
            history=group("history"),
            recipe=about["recipe"],
            starts=tuple(about.get("starts", ())),
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Result]) -> Result:
        """Rows of all parts, one after the other; they share a recipe."""
        first = parts[0]
        return cls(
            prompts=sum((part.prompts for part in parts), ()),
            seeds=sum((part.seeds for part in parts), ()),
            images=torch.cat([part.images for part in parts]),
            latents={name: torch.cat([part.latents[name] for part in parts]) for name in first.latents},
            scores={name: torch.cat([part.scores[name] for part in parts]) for name in first.scores},
            best_step=torch.cat([part.best_step for part in parts]),
            status=sum((part.status for part in parts), ()),
            history=join_histories([part.history for part in parts]),
            recipe=first.recipe,
            starts=sum((part.starts for part in parts), ()),
        )

    def to(self, device: str | torch.device) -> Latents:
        """The latents on a device."""
        return map_latents(lambda x: x.to(device), self.latents)


def join_histories(histories: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Name of a loss -> (T, B), of rows side by side; the shorter histories are filled with NaN."""
    steps = max(len(x) for history in histories for x in history.values())

    def padded(x: Tensor) -> Tensor:
        return torch.cat([x, x.new_full((steps - len(x), x.shape[1]), torch.nan)])

    return {name: torch.cat([padded(history[name]) for history in histories], dim=1) for name in histories[0]}


class Rows(Protocol):
    """What has a picture, a recipe and tensors for each row."""

    @property
    def pil(self) -> list[Image.Image]:
        """A picture of each row."""
        ...

    def row_recipe(self, row: int) -> dict[str, Any]:
        """What a picture carries."""
        ...

    def save_tensors(self, folder: Path) -> None:
        """Write everything else into a folder."""
        ...


def save_rows(rows: Rows, path: Path, names: list[Path], *, overwrite: bool) -> list[Path]:
    """Write the picture of each row, with its recipe, as `names`; and the tensors, where `path` is their folder."""
    if names != [path]:
        path.mkdir(exist_ok=True)
    for row, (target, picture) in enumerate(zip(names, rows.pil, strict=True)):
        save_png(picture, target, rows.row_recipe(row), overwrite=overwrite)
    if names != [path]:
        rows.save_tensors(path)
    return names


def picture_paths(path: Path, prompts: Sequence[str], seeds: Sequence[int], *, overwrite: bool = False) -> list[Path]:
    """Where `Result.save(path)` writes the picture of each row; writes nothing itself.

    Raises:
        OutputError: one of them cannot be written. Ask before a long computation, not after it.
        InvalidInput: the suffix is that of another picture format, which could not carry the recipe.
    """
    if path.suffix.lower() in OTHER_FORMATS:
        raise InvalidInput("out", expected="a folder or a file that ends in .png (it carries the recipe)", got=str(path))
    if path.suffix.lower() == ".png":
        if len(prompts) != 1:
            raise OutputError(f"out: expected a folder for {len(prompts)} pictures, got the file {path}.")
        check_writable(path, overwrite=overwrite)
        return [path]
    check_folder(path)
    names = [path / f"{i:02d}-{slug(p)}-seed{s}.png" for i, (p, s) in enumerate(zip(prompts, seeds, strict=True))]
    if path.is_dir():
        for target in (*names, path / FILE):
            check_writable(target, overwrite=overwrite)
    return names


def check_folder(path: Path) -> None:
    """Say early what would stop a folder of pictures from being made at `path`. Raises OutputError."""
    if path.exists() and not path.is_dir():
        raise OutputError(f"out: expected a folder, got the file {path}.")
    check_writable(path / "x" if path.is_dir() else path)


def slug(prompt: str) -> str:
    """A prompt as part of a file name, at most 60 letters and 180 bytes: file systems end at 255."""
    words = re.sub(r"[^\w]+", "-", prompt.lower()).strip("-")[:60]
    return words.encode()[:180].decode(errors="ignore") or "picture"
