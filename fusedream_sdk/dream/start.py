"""Where rows begin that are told where to begin: at latents, or at the picture that they are to start from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, did_you_mean
from fusedream_sdk.imaging.pictures import read_picture
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.inversion.invert import invert
from fusedream_sdk.inversion.likeness import InversionSettings, cover_all
from fusedream_sdk.inversion.result import Inversion
from fusedream_sdk.latents import Latents, check_latents, contains, map_latents, project, select
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.optim.parametrise import MixStart
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.report import make_recipe
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring.prompt import Prompt

BOLD = 3.0  # the learning rate of an inversion falls to 0, so it begins above one that stays (tests/benchmarks/inversion)

StartLike: TypeAlias = Path | Image.Image | Tensor | Mapping[str, Tensor] | Inversion | MixStart | None
"""A picture (a `Path`, a Pillow image, a tensor) that is inverted first, latents of one row or of every row, or an
`Inversion`; otherwise a search, and the weights of the mixture to begin with."""


@dataclass(frozen=True)
class Inverting:
    """How pictures are inverted: by which distance, with which settings."""

    perceptual: Loaded
    settings: InversionSettings


@dataclass(frozen=True)
class Beginning:
    """Where rows begin.

    Attributes:
        latents: a basis of k for each row, (B, k, ...) each.
        fingerprints: of the latents of each row where they were given, otherwise none.
        about: what a recipe says of them, beside the fingerprint.
    """

    latents: Latents
    fingerprints: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)


def settings_of(settings: Settings, start: StartLike | Beginning, changes: Mapping[str, Any]) -> Settings:
    """The settings of a call; rows that are told where to begin are not mixed. Raises InvalidInput."""
    if isinstance(start, str):
        return settings.replace(**{**changes, "start": start})
    changed = settings.replace(**changes)
    return changed if start is None else changed.replace(basis=1)


def is_picture(start: object) -> TypeGuard[Path | Image.Image | Tensor]:
    """Whether a start has to be inverted first."""
    return isinstance(start, (Path, Image.Image, Tensor))


def begin_at(
    engine: Engine,
    start: StartLike | Beginning,
    prompts: list[Prompt],
    seeds: list[int],
    settings: Settings,
    inverting: Callable[[], Inverting],
    *,
    progress: bool,
) -> Beginning:
    """Where every row begins; what was given is checked before anything is drawn.

    Args:
        engine: the models.
        start: as given, or ready.
        prompts, seeds: of each row.
        settings: of the call.
        inverting: how a picture is inverted; called only for one, as it loads a model.
        progress: show progress bars on stderr.
    """
    if isinstance(start, Beginning):
        return start
    if is_picture(start):
        picture = read_picture("start", start)
        engine.check_once()
        return picture_start(engine, picture, inverting(), settings, len(prompts), progress=progress)
    if start is None or isinstance(start, str):
        engine.check_once()
        return Beginning(engine.starts(prompts, seeds, settings, progress=progress))
    begin = latents_start(engine, start, len(prompts))
    engine.check_once()
    return begin


def latents_start(engine: Engine, start: object, count: int) -> Beginning:
    """Latents as the start of `count` rows.

    Raises:
        InvalidInput: neither latents nor an inversion; of other names, shapes or numbers of rows; outside the constraints.
    """
    given = _latents_of(start)
    space = engine.generator.model.space
    total = check_latents(given, space, argument="start")
    if total not in (1, count):
        expected = "one row" if count == 1 else f"one row, or one for each of {count} rows"
        raise InvalidInput("start", expected=expected, got=f"{total} rows")
    if not contains(given, space):
        fix = "Project it: fusedream_sdk.latents.project(latents, generator.space)."
        raise InvalidInput("start", expected="finite latents inside the generator's constraints", got="others", fix=fix)
    each = select(given, [0] * count if total == 1 else list(range(count)))
    placed = project(map_latents(lambda x: x.to(engine.device), each), space)
    basis = map_latents(lambda x: x.unsqueeze(1), placed)
    fingerprints = tuple(latents_fingerprint(select(each, [row])) for row in range(count))
    return Beginning(basis, fingerprints, {"start": {"picture": None}})


def _latents_of(start: Any) -> Latents:
    """The latents of a start, float32 on the CPU. Raises InvalidInput where it is neither latents nor an inversion."""
    given = start.latents if isinstance(start, Inversion) else start
    if not isinstance(given, Mapping) or not given or not all(isinstance(x, Tensor) for x in given.values()):
        expected, fix = "a picture (Path, image, tensor), latents, or an Inversion", "A file's name has to be a Path."
        raise InvalidInput("start", expected=expected, got=f"a {type(given).__name__}", fix=fix)
    return {str(name): x.detach().float().cpu() for name, x in given.items()}


def picture_start(
    engine: Engine, picture: Tensor, how: Inverting, settings: Settings, count: int, *, progress: bool
) -> Beginning:
    """The latents whose picture is nearest to a picture (3, h, w), as the start of `count` rows."""
    found = invert_with(engine, [picture], how, settings, progress=progress)
    about = {"start": {"picture": picture_fingerprint(picture)}}
    about |= {name: found.recipe[name] for name in ("perceptual", "inversion")}
    return dataclasses.replace(latents_start(engine, found, count), about=about)


def picture_fingerprint(picture: Tensor) -> str:
    """Identity of a picture (3, H, W)."""
    return fingerprint_of({"picture": picture})


def latents_fingerprint(start: Any) -> str:
    """Identity of latents, or of those of an inversion. Raises InvalidInput for anything else."""
    return fingerprint_of(_latents_of(start))


def invert_with(
    engine: Engine,
    pictures: Sequence[Tensor],
    how: Inverting,
    settings: Settings,
    *,
    progress: bool,
) -> Inversion:
    """`invert` with the models of an engine.

    Where there is a bank, the starts are those of its latents whose pictures look most like the picture to the scorer. They
    are chosen among many, and by what they show, where the loss prefers pictures of the right colours, which are soon had by
    optimising.
    """
    generator, perceptual = engine.generator.model, how.perceptual
    own = dataclasses.replace(
        how.settings,
        candidates=min(how.settings.candidates, settings.samples),
        starts=min(how.settings.starts, settings.samples),
    )
    banked = engine.has_bank and settings.searches and not hasattr(generator, "encode")
    found = invert(
        generator,
        list(pictures),
        perceptual=perceptual.model,
        settings=own,
        starts=_from_bank(engine, cover_all(generator, pictures), settings, own, progress) if banked else None,
        precision=engine.precision,
        budget=engine.budget,
        progress=progress,
    )
    recipe = make_recipe(engine.generator, engine.scorer, settings, engine.dtype)
    parts = {"method": "invert", "perceptual": perceptual.describe(), "inversion": dataclasses.asdict(own)}
    return dataclasses.replace(found, recipe=recipe | parts)


def _from_bank(engine: Engine, targets: Tensor, settings: Settings, own: InversionSettings, progress: bool) -> Latents:
    """For each picture the latents that look most like it to the scorer: (P, M, ...) each."""
    scorer = engine.scorer.model
    with torch.no_grad(), engine.precision():
        embedded = scorer.encode_image(shrink(targets, scorer.resolution)).float()
    bank = engine.bank(settings, progress=progress)
    index, _ = bank.top(embedded, own.starts, seeds=[own.seed] * len(targets), samples=settings.samples)
    return bank.latents(engine.generator.model, index)


def inversion_settings(settings: Settings, changes: Mapping[str, Any]) -> InversionSettings:
    """How a picture is looked for, with some values changed. Raises InvalidInput for a name that is not a setting."""
    known = [field.name for field in dataclasses.fields(InversionSettings)]
    for name in changes:
        if name not in known:
            expected, fix = f"a setting of an inversion: {', '.join(known)}", did_you_mean(name, known)
            raise InvalidInput(name, expected=expected, got="an unknown name", fix=fix)
    return InversionSettings(**{"lr": BOLD * settings.lr, **changes})
