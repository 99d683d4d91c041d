"""Compose, invert and film, for a visitor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from fusedream_sdk.dream.draw import Watch
from fusedream_sdk.dream.film import Film, interpolate
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pictures import read_picture, to_pil
from fusedream_sdk.inversion.result import Inversion
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.result import Result
from fusedream_sdk.runtime.checks import check_count
from fusedream_sdk.scenes.placement import placements
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.web.course import Viewing
from fusedream_sdk.web.drawing import drawing
from fusedream_sdk.web.forms import Form, named_method
from fusedream_sdk.web.limits import FRAMES
from fusedream_sdk.web.studio import Showing, Shown, Studio
from fusedream_sdk.web.visitors import Kept, Visitor

FPS = 12


@dataclass(frozen=True)
class Scenery:
    """What a composition is asked for beside its `Form`.

    Args:
        places: names of places. scale: share of the canvas that the foreground spans.
        background, foreground: prompts of the layers' own; empty leaves a layer to the whole prompt.
        halving: whether the hopeless are dropped on the way.
    """

    places: Sequence[str]
    scale: Any = 0.5
    background: str | None = None
    foreground: str | None = None
    halving: bool = True

    def keywords(self) -> dict[str, Any]:
        """As keywords of `FuseDream.compose`. Raises InvalidInput: no place, an unknown one, or a scale outside (0, 1]."""
        places = list(self.places)
        if not places:
            raise InvalidInput("places", expected="at least one", got="none", fix="Choose some of the nine.")
        placements(places, self.scale)
        layers = {role: (text or "").strip() or None for role, text in self.layers.items()}
        return {"places": places, "scales": self.scale, "halving": 3 if self.halving and len(places) > 1 else None, **layers}

    @property
    def layers(self) -> dict[str, str | None]:
        """The prompts of the layers."""
        return {"background": self.background, "foreground": self.foreground}


def composing(studio: Studio, visitor: Visitor, form: Form, scenery: Scenery) -> Showing[None]:
    """Compose one picture of two things, from every place that was chosen; the best goes to the gallery.

    Raises:
        InvalidInput, and all else that `FuseDream.compose` raises.
    """
    prompt, seed = form.row()
    asked, given = scenery.keywords(), form.given()
    studio.limits.check_steps(given.get("steps"))
    choice = studio.shelf.chosen(form.choice)

    def work(watch: Watch) -> Composed:
        dream = studio.shelf.dream(choice)
        changes = studio.limits.changes(named_method(None), dream.settings, given)
        return dream.compose(prompt, seeds=seed, progress=False, watch=watch, **asked, **changes)

    count = len(asked["places"])
    made = yield from studio.show(visitor, lambda stop: Viewing(stop, count, 3), work)
    result, place = made.result, made.placements[made.winner[0]]
    title = f"{prompt}, seed {seed}, {place.place}"
    kept = visitor.keep(title, choice, made.save)
    visitor.file(f"{prompt} candidates", ".png", lambda path: made.sheet().save(path))
    early = Status.CANCELLED in made.candidates.status or len(made.candidates) < count
    told = "Cancelled: the best so far is kept." if early else f"Composed: best of {count} is {place}."
    score = ", ".join(f"{name} {float(x[0]):.3f}" for name, x in result.scores.items())
    yield Shown(f"{told} {score}.", over=True, picture=made.sheet(), kept=(kept,))


def inverting(studio: Studio, visitor: Visitor, form: Form, picture: str | None) -> Showing[None]:
    """Find the picture nearest to an uploaded one; with a prompt, draw on from there.

    Args:
        studio, visitor: where, and for whom.
        form: its prompt may be empty.
        picture: the path of the upload.

    Raises:
        InvalidInput: no picture, or one that cannot be read; and all else that `FuseDream.invert` raises.
    """
    if not picture:
        raise InvalidInput("pictures", expected="a picture", got="nothing", fix="Upload one first.")
    read = read_upload(picture)
    goes_on = bool((form.prompts or "").strip())
    if goes_on:
        form.row()
    given = form.given()
    studio.limits.check_steps(given.get("steps"))
    choice = studio.shelf.chosen(form.choice)

    def work(watch: Watch) -> Inversion:
        return studio.shelf.dream(choice).invert([read], progress=False, watch=watch, **given)

    made = yield from studio.show(visitor, lambda stop: Viewing(stop, 1, nearness=True), work)
    kept = visitor.keep("nearest to your picture", choice, made.save, as_result(made))
    early = Status.CANCELLED in made.status
    told = f"{'Cancelled: the best so far is kept' if early else 'Found'}: {made.line(0)}."
    yield Shown(told, over=not goes_on or early, picture=made.sheet(), kept=(kept,))
    if goes_on and not early:
        yield from drawing(studio, visitor, form, start=made)


def read_upload(picture: str) -> torch.Tensor:
    """An uploaded picture, (3, h, w) in [0, 1]. Raises InvalidInput, which names the file and not its place."""
    try:
        return read_picture("pictures", Path(picture))
    except InvalidInput as error:
        got = str(error.got).replace(picture, Path(picture).name)
        raise InvalidInput("pictures", expected=error.expected, got=got, fix=error.fix or "Upload a PNG or JPEG.") from error


def uploaded(picture: str) -> Image.Image:
    """An uploaded picture as it was understood. Raises InvalidInput."""
    return to_pil(read_upload(picture))


def as_result(found: Inversion) -> Result:
    """What a film begins or ends at: the picture that was found, as a row without scores."""
    return Result(
        prompts=("",),
        seeds=(0,),
        images=found.images,
        latents=found.latents,
        scores={"augclip": torch.full((1,), torch.nan)},
        best_step=torch.zeros(1, dtype=torch.long),
        status=found.status,
        recipe=found.recipe,
    )


def filming(studio: Studio, visitor: Visitor, ends: tuple[object, object], frames: Any) -> Showing[None]:
    """Walk from one picture of the gallery to another.

    Args:
        studio, visitor: where, and for whom.
        ends: their numbers.
        frames: how many, both ends included.

    Raises:
        InvalidInput: no such pictures, two of other models, a composed one, or too many frames.
    """
    first, last = (visitor.picture(name, number) for name, number in zip("ab", ends, strict=True))
    a, b = (latents_of(name, kept) for name, kept in (("a", first), ("b", last)))
    check_count("frames", frames, least=2, most=FRAMES, fix="24 last two seconds.")
    if a.recipe.generator.fingerprint != b.recipe.generator.fingerprint:
        raise InvalidInput("b", expected="a picture of the same generator", got=last.label, fix="Choose another.")

    def work(watch: Viewing) -> Film:
        generator = studio.shelf.dream(first.choice).generator
        return interpolate(a, b, frames, generator=generator, progress=watch.advance)

    made = yield from studio.show(visitor, lambda stop: Viewing(stop, 1), work)
    path = visitor.file(f"film {first.number} to {last.number}", ".gif", lambda path: made.save(path, fps=FPS))
    yield Shown(f"Filmed: {frames} frames at {FPS} a second.", over=True, file=str(path))


def latents_of(argument: str, kept: Kept) -> Result:
    """The row behind a picture. Raises InvalidInput for a composed one, whose latents are those of a scene."""
    if kept.result is None:
        raise InvalidInput(argument, expected="a picture that was drawn or found", got=f"{kept.label}, which was composed")
    return kept.result
