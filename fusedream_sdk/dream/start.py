"""Where rows begin that are told where to begin: at latents, or at the picture that they are to start from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, get_args

from PIL import Image
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pictures import read_picture
from fusedream_sdk.inversion.from_bank import invert_with
from fusedream_sdk.inversion.likeness import InversionSettings
from fusedream_sdk.inversion.result import Inversion
from fusedream_sdk.latents import Latents, Space, check_latents, contains, map_latents, project, rows, select
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.optim.parametrise import Mix
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.settings import PLACES
from fusedream_sdk.run.task import Starts, Task

StartLike: TypeAlias = Path | Image.Image | Tensor | Mapping[str, Tensor] | Inversion | None
"""A picture (a `Path`, a Pillow image, a tensor) that is inverted first, latents of one row or of every row, or an
`Inversion`; None leaves it to the method."""

Start: TypeAlias = Tensor | Latents
"""A picture (3, h, w) in [0, 1], or latents, float32 on the CPU."""


@dataclass(frozen=True)
class Beginning:
    """Where rows begin.

    Attributes:
        latents: a basis of k for each row, (B, k, ...) each.
        fingerprints: of the latents of each row where they were given, otherwise none.
        about: what a `Recipe` says of them, beside the fingerprints: its attributes.
    """

    latents: Latents
    fingerprints: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)


def as_start(start: StartLike) -> Start | None:
    """A start as it was given, read. Raises InvalidInput: no picture, not latents, or a word."""
    if start is None:
        return None
    if isinstance(start, (Path, Image.Image, Tensor)):
        return read_picture("start", start)
    given = start.latents if isinstance(start, Inversion) else start
    if not isinstance(given, Mapping) or not given or not all(isinstance(x, Tensor) for x in given.values()):
        word = isinstance(given, str) and given in get_args(Mix)
        fix = f"The weights of the mixture are mix={given!r}." if word else "A file's name has to be a Path."
        expected, got = "a picture (Path, image, tensor), latents, or an Inversion", f"a {type(given).__name__}"
        raise InvalidInput("start", expected=expected, got=got, fix=fix)
    return {str(name): x.detach().float().cpu() for name, x in given.items()}


def check_start(told: Start | None, space: Space, count: int) -> None:
    """Latents fit a generator's space, and so many rows.

    Raises:
        InvalidInput: other names, shapes or numbers of rows; outside the constraints.
    """
    if told is None or isinstance(told, Tensor):
        return
    total = check_latents(told, space, argument="start")
    if total not in (1, count):
        expected = "one row" if count == 1 else f"one row, or one for each of {count} rows"
        raise InvalidInput("start", expected=expected, got=f"{total} rows")
    if not contains(told, space):
        fix = "Project it: fusedream_sdk.latents.project(latents, generator.space)."
        raise InvalidInput("start", expected="finite latents inside the generator's constraints", got="others", fix=fix)


def check_used(told: Start, changes: Mapping[str, Any]) -> None:
    """No setting of a search is given for rows that are told where to begin. Raises InvalidInput for one without effect."""
    search = () if isinstance(told, Tensor) else ("samples", "bank", "bank_views")  # a picture is looked for in the bank
    for name in ("mix", "basis", *PLACES, *search):
        if name in changes and (name, changes[name]) != ("basis", 1):
            expected = "nothing, as a start is neither searched nor mixed"
            raise InvalidInput(name, expected=expected, got=changes[name], fix="Leave it out, or leave out the start.")


def begin_at(task: Task, starts: Starts, told: Start | None, how: InversionSettings) -> Beginning:
    """Where every row begins.

    Args:
        task: its rows.
        starts: where they begin if they are not told.
        told: where to begin, from `as_start`, checked.
        how: a picture is inverted; errors as of `invert_with`.
    """
    if told is None:
        return Beginning(starts(task))
    if isinstance(told, Tensor):
        return picture_start(task, told, how)
    return latents_start(task.engine, told, len(task.rows))


def latents_start(engine: Engine, given: Latents, count: int) -> Beginning:
    """Latents of one row, or of each of `count` rows, as their start."""
    space = engine.generator.model.space
    total = rows(given)
    each = select(given, [0] * count if total == 1 else list(range(count)))
    placed = project(map_latents(lambda x: x.to(engine.device), each), space)
    basis = map_latents(lambda x: x.unsqueeze(1), placed)
    fingerprints = tuple(fingerprint_of(select(each, [row])) for row in range(count))
    return Beginning(basis, fingerprints, {"start": {"picture": None}})


def picture_start(task: Task, picture: Tensor, how: InversionSettings) -> Beginning:
    """The latents whose picture is nearest to a picture (3, h, w), as the start of every row."""
    found = invert_with(task.engine, [picture], how, task.settings, progress=task.progress)
    about = {"perceptual": found.recipe.perceptual, "inversion": found.recipe.inversion}
    begun = latents_start(task.engine, map_latents(lambda x: x.float(), found.latents), len(task.rows))
    return dataclasses.replace(begun, about={"start": {"picture": start_fingerprint(picture)}, **about})


def start_fingerprint(start: Start) -> str:
    """Identity of a picture (3, H, W), or of latents."""
    return fingerprint_of({"picture": start} if isinstance(start, Tensor) else start)
