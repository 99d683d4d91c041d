"""What a run gives back: pictures, the latents that draw them again, scores, and how they were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.errors import WeightsError, shown
from fusedream_sdk.imaging.cards import Piece, html_cards, sheet_png
from fusedream_sdk.imaging.pictures import grid, to_pil
from fusedream_sdk.latents import Latents, map_latents, select
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.plot import history_plot
from fusedream_sdk.run.recipe import MALFORMED, Recipe
from fusedream_sdk.run.rows import chosen
from fusedream_sdk.run.saving import Writer, save, stems_of
from fusedream_sdk.run.stored import Stored
from fusedream_sdk.runtime.checks import check_seeds
from fusedream_sdk.runtime.files import read_bundle, save_bundle
from fusedream_sdk.runtime.paths import user_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILE = "result.safetensors"


@dataclass(frozen=True)
class Result:
    """One row per (prompt, seed).

    Attributes:
        prompts, seeds: of each row.
        images: (B, 3, H, W) in [0, 1], float32, on the CPU; `generator(result.latents)` gives them again.
        latents: the best point of each row, judged on views that were not optimised.
        scores: name -> (B,): "augclip" over fresh views, "clip" of the picture itself, and "judge", the same by the judge of
            the pair of models, which was not optimised, where there is one. Higher is better.
        best_step: (B,), the step of that point.
        status: "done", "plateau", "failed", "cancelled" or, of a composition's candidate, "dropped".
        history: name of a loss -> (steps + 1, B) on the optimised views, and "held_out" on others, NaN in the steps between
            two looks; all NaN after a row's chunk has stopped. `plot()` draws it.
        recipe: models, settings and version, enough to make it again.
        starts: fingerprints of the latents at which the rows began, where they were given; otherwise empty.
    """

    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    images: Tensor
    latents: Latents
    scores: dict[str, Tensor]
    best_step: Tensor
    status: tuple[Status, ...]
    history: dict[str, Tensor] = field(default_factory=dict)
    recipe: Recipe = Recipe()
    starts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.prompts)

    def __repr__(self) -> str:
        shown = ", ".join(f"{p!r} (seed {s})" for p, s in list(zip(self.prompts, self.seeds, strict=True))[:3])
        size = "x".join(map(str, self.images.shape[-2:]))
        return f"Result({len(self)} pictures of {size}: {shown}{', ...' if len(self) > 3 else ''})"

    def __getitem__(self, index: int | slice | Sequence[int]) -> Result:
        """Some of the rows, as a Result."""
        keep = chosen(index, len(self))
        return replace(
            self,
            prompts=tuple(self.prompts[i] for i in keep),
            seeds=tuple(self.seeds[i] for i in keep),
            images=self.images[keep],
            latents=select(self.latents, keep),
            scores={name: x[keep] for name, x in self.scores.items()},
            best_step=self.best_step[keep],
            status=tuple(self.status[i] for i in keep),
            history={name: x[:, keep] for name, x in self.history.items()},
            starts=tuple(self.starts[i] for i in keep) if self.starts else (),
        )

    def split(self) -> list[Result]:
        """Every row by itself."""
        return [self[[row]] for row in range(len(self))]

    @property
    def pil(self) -> list[Image.Image]:
        """Every row as an 8-bit RGB picture."""
        return [to_pil(image) for image in self.images]

    @property
    def numpy(self) -> np.ndarray:
        """Every row as numbers: (B, H, W, 3) in [0, 1], float32."""
        return self.images.permute(0, 2, 3, 1).numpy()

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
        return sheet_png(self.sheet())

    def _repr_html_(self) -> str:
        return html_cards(map(self.card, range(len(self))), len(self))

    def card(self, row: int) -> list[Piece]:
        """What a notebook shows of a row: its picture, prompt, seed and scores, and how it ended where that was early."""
        scores = ", ".join(f"{name} {float(x[row]):.3f}" for name, x in self.scores.items())
        ended = [] if self.status[row] in (Status.DONE, Status.PLATEAU) else [str(self.status[row])]
        return [to_pil(self.images[row]), self.prompts[row], f"seed {self.seeds[row]}", scores, *ended]

    def plot(self) -> Figure:
        """Scores by step, also on held-out views, and penalties, a line for each row. Needs the extra `plots`.

        Raises:
            PluginImportError: matplotlib is not installed. InvalidInput: there is no history.
        """
        names = [f"{prompt} (seed {seed})" for prompt, seed in zip(self.prompts, self.seeds, strict=True)]
        return history_plot(self.history, names)

    def row_recipe(self, row: int) -> Recipe:
        """What `replay` needs to make one row again."""
        scores = {name: round(float(x[row]), 5) for name, x in self.scores.items()}
        start = self.starts[row] if self.starts else None
        return self.recipe.row(self.prompts[row], self.seeds[row], scores, start)

    def row_json(self, row: int) -> dict[str, Any]:
        """What a picture carries: `row_recipe`, as JSON has it."""
        return self.row_recipe(row).to_json()

    def stems(self) -> list[str]:
        """Names of the rows' pictures in a folder."""
        return stems_of(self.prompts, self.seeds)

    def beside(self) -> dict[str, Writer]:
        """The further files of a folder."""
        return {FILE: self.save_part}

    def save(self, path: str | Path, *, overwrite: bool = False) -> list[Path]:
        """Write the pictures.

        Args:
            path: a file ending in .png (only for a single row), or a folder, made if it is missing, that takes a PNG for
                each row and `result.safetensors`, from which `Result.load` reads everything back.
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
        about, tensors = self.as_bundle()
        save_bundle(path, tensors, about)

    def as_bundle(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Everything: what JSON holds, and tensors."""
        groups = {"latents": self.latents, "scores": self.scores, "history": self.history}
        tensors = {f"{group}.{name}": x for group, entries in groups.items() for name, x in entries.items()}
        tensors |= {"images": self.images, "best_step": self.best_step}
        lists = {"prompts": self.prompts, "seeds": self.seeds, "status": self.status, "starts": self.starts}
        return {**lists, "recipe": self.recipe.to_json()}, tensors

    @classmethod
    def load(cls, folder: str | Path) -> Result:
        """Read back what `save` wrote into a folder. Raises WeightsError if it is missing or damaged."""
        return cls.load_part(user_path("folder", folder) / FILE)

    @classmethod
    def load_part(cls, path: Path) -> Result:
        """Read back a file that `save` or `save_part` wrote. Raises WeightsError if it is missing or damaged."""
        from safetensors import SafetensorError

        try:
            return cls.from_bundle(*read_bundle(path))
        except (OSError, SafetensorError, *MALFORMED) as error:
            reason = shown(str(error).rstrip("."), 300)
            raise WeightsError(f"result {path}: expected a folder that Result.save wrote ({reason}).") from error

    @classmethod
    def from_bundle(cls, about: dict[str, Any], tensors: dict[str, Tensor]) -> Result:
        """What `as_bundle` made; KeyError or TypeError where something is missing."""

        def group(name: str) -> dict[str, Tensor]:
            return {key.split(".", 1)[1]: x for key, x in tensors.items() if key.startswith(f"{name}.")}

        made = cls(
            prompts=_texts(about["prompts"], "prompts"),
            seeds=tuple(check_seeds(about["seeds"])),
            images=tensors["images"],
            latents=group("latents"),
            scores=group("scores"),
            best_step=tensors["best_step"],
            status=tuple(map(Status, about["status"])),
            history=group("history"),
            recipe=Recipe.from_json(about["recipe"]),
            starts=_texts(about.get("starts", []), "starts"),
        )
        numbers = {**{f"scores.{name}": x for name, x in made.scores.items()}, "best_step": made.best_step}
        Stored(made.status, {"images": made.images}, made.latents, numbers, made.history).check()
        if not len(made.status) == len(made.prompts) == len(made.seeds) or len(made.starts) not in (0, len(made.status)):
            raise ValueError("prompts, seeds and rows of other numbers")
        if "augclip" not in made.scores:
            raise ValueError("no scores")
        return made

    @classmethod
    def concatenate(cls, parts: Sequence[Result]) -> Result:
        """Rows of all parts, one after the other; they share a recipe."""
        first = parts[0]
        return cls(
            prompts=sum((part.prompts for part in parts), ()),
            seeds=sum((part.seeds for part in parts), ()),
            images=torch.cat([part.images for part in parts]),
            latents={name: torch.cat([part.latents[name] for part in parts]) for name in first.latents},
            scores={
                name: torch.cat([part.scores[name] for part in parts])
                for name in first.scores
                if all(name in part.scores for part in parts)  # a judge that could not read a prompt has none
            },
            best_step=torch.cat([part.best_step for part in parts]),
            status=sum((part.status for part in parts), ()),
            history=join_histories([part.history for part in parts]),
            recipe=first.recipe,
            starts=sum((part.starts for part in parts), ()),
        )

    def to(self, device: str | torch.device) -> Latents:
        """The latents on a device."""
        return map_latents(lambda x: x.to(device), self.latents)


def _texts(values: Any, name: str) -> tuple[str, ...]:
    """A list of texts. Raises TypeError for anything else."""
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{name} that are no texts")
    return tuple(values)


def join_histories(histories: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Name of a loss -> (T, B), of rows side by side; the shorter histories are filled with NaN."""
    steps = max(len(x) for history in histories for x in history.values())

    def padded(name: str, history: dict[str, Tensor]) -> Tensor:
        any_loss = next(iter(history.values()))
        x = history.get(name, any_loss[:0])  # a row that was stopped before its first look at held-out views
        return torch.cat([x, x.new_full((steps - len(x), x.shape[1]), torch.nan)])

    names = dict.fromkeys(name for history in histories for name in history)
    return {name: torch.cat([padded(name, history) for history in histories], dim=1) for name in names}
