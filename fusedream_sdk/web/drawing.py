"""Draw, draw again, and draw by two methods, for a visitor."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image

from fusedream_sdk.dream.compare import compare
from fusedream_sdk.dream.comparison import Comparison
from fusedream_sdk.dream.draw import Watch
from fusedream_sdk.dream.replay import Given, replay
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pictures import from_pil, grid, how_far
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.recipe import Verb
from fusedream_sdk.run.result import Result
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.web.course import Viewing
from fusedream_sdk.web.forms import Form, named_method, two_methods
from fusedream_sdk.web.shelf import Choice
from fusedream_sdk.web.studio import Showing, Shown, Studio
from fusedream_sdk.web.visitors import Kept, Visitor

EQUAL = "Drawn again from its recipe: it came out equal, to the last pixel."


def drawing(studio: Studio, visitor: Visitor, form: Form, start: Any = None) -> Showing[None]:
    """Draw every prompt from every seed, and add the pictures to the gallery; what is cancelled is kept as far as it came.

    Args:
        studio, visitor: where, and for whom.
        form: what.
        start: as of `FuseDream.generate`.

    Raises:
        InvalidInput, UnknownPlugin, and all else that `FuseDream.generate` raises.
    """
    prompts, seeds = form.rows(studio.limits)
    method, given = named_method(form.method), form.given()
    studio.limits.check_steps(given.get("steps"))
    choice = studio.shelf.chosen(form.choice)

    def work(watch: Watch) -> Result:
        dream = studio.shelf.dream(choice)
        changes = studio.limits.changes(method, dream.settings, given)
        how: dict[str, Any] = {"method": method, "start": start, "progress": False, "watch": watch, **changes}
        return dream.generate(prompts, seeds=seeds, **how)

    count = len(prompts) * len(seeds)
    columns = len(seeds) if len(seeds) > 1 else min(4, count)
    made = yield from studio.show(visitor, lambda stop: Viewing(stop, count, columns), work)
    kept = keep_rows(visitor, made, choice)
    early = Status.CANCELLED in made.status or len(made) < count
    missing = f" {count - len(made)} had not begun." if len(made) < count else ""
    told = f"Cancelled: the best so far is kept.{missing}" if early else f"Drawn: {mean_scores(made)}."
    yield Shown(told, over=True, picture=made.sheet(), kept=kept)


def keep_rows(visitor: Visitor, made: Result, choice: Choice, by: str = "") -> tuple[Kept, ...]:
    """Add every row to the gallery, with what it was drawn by in its title where that is said."""
    kept = []
    for one in made.split():
        title = f"{one.prompts[0]}, seed {one.seeds[0]}{by}"
        kept.append(visitor.keep(title, choice, one.save, one))
    return tuple(kept)


def mean_scores(made: Result) -> str:
    """The mean of every score, in words."""
    return ", ".join(f"{name} {float(x.mean()):.3f}" for name, x in made.scores.items())


def replaying(studio: Studio, visitor: Visitor, number: object) -> Showing[None]:
    """Draw a picture of the gallery again, from nothing but its recipe, beside it; and say whether it came out equal.

    Raises:
        InvalidInput: there is no such picture, or its recipe is that of an inversion; and all else that `replay` raises.
    """
    kept = visitor.picture("picture", number)
    recipe = kept.recipe()
    if recipe.get("method") == Verb.INVERT:
        expected, fix = "one that was drawn or composed", "Invert your picture again."
        raise InvalidInput("picture", expected=expected, got="one that was found for yours", fix=fix)
    if recipe.get("start") is not None:
        expected, fix = "one that began by itself", "Draw on from your picture again."
        raise InvalidInput("picture", expected=expected, got="one that began at yours, which no recipe holds", fix=fix)

    def work(watch: Watch) -> Result | Composed:
        dream = studio.shelf.dream(kept.choice)
        given: Given = {"generator": dream.generator, "scorer": dream.scorer}
        if recipe.get("perceptual") is not None:
            given["perceptual"] = dream.engine.perceptual.model
        return replay(kept.path, device=str(dream.device), progress=False, watch=watch, **given)

    again = yield from studio.show(visitor, lambda stop: Viewing(stop, 1), work)
    early = Status.CANCELLED in (again.status if isinstance(again, Result) else again.candidates.status)
    with Image.open(kept.path) as before:
        told = "Cancelled: the two were not compared." if early else compared(before, again.pil[0])
        both = torch.stack([from_pil(picture) for picture in (before, again.pil[0])])
    yield Shown(told, over=True, picture=grid(both, 2))


def compared(before: Image.Image, again: Image.Image) -> str:
    """Whether a picture that was drawn again is equal to what it was, in a sentence."""
    most, share = how_far(before, again)
    return EQUAL if not most else f"Drawn again: it came out otherwise, by up to {most} of 255 in {share:.0%} of its pixels."


def comparing(studio: Studio, visitor: Visitor, form: Form, names: tuple[str | None, str | None]) -> Showing[None]:
    """Draw the same rows by two methods, and show them side by side. Raises as `drawing`."""
    prompts, seeds = form.rows(studio.limits)
    methods, given = two_methods(names), form.given()
    studio.limits.check_steps(given.get("steps"))
    choice = studio.shelf.chosen(form.choice)

    def work(watch: Watch) -> Comparison:
        dream = studio.shelf.dream(choice)
        shared = dict(given)
        for method in methods:
            used = {name: value for name, value in given.items() if name not in method.unused}
            changed = studio.limits.changes(method, dream.settings, used)
            shared |= {"steps": changed["steps"]} if "steps" in changed else {}
        return compare(prompts, methods=methods, dream=dream, seeds=seeds, progress=False, watch=watch, **shared)

    count = len(prompts) * len(seeds)
    made = yield from studio.show(visitor, lambda stop: Viewing(stop, count), work)
    kept = [
        one
        for contender in made.contenders
        if contender.result is not None
        for one in keep_rows(visitor, contender.result, choice, f", by {contender.name}")
    ]
    told = "Cancelled: what there is of both is shown." if made.stopped else "Drawn by both methods, from the same seeds."
    yield Shown(told, over=True, picture=made.sheet(), kept=tuple(kept), table=made.to_markdown())
