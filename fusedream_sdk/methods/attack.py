"""From a picture of one thing to a prompt for another: the score may rise, and the thing stay."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from fusedream_sdk.latents import Latents
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.fgsm import Score, is_plain
from fusedream_sdk.run.settings import OF_A_SEARCH, OF_VIEWS
from fusedream_sdk.run.task import Task, direct, drawn, searched
from fusedream_sdk.scoring.prompt import check_prompt
from fusedream_sdk.scoring.views import NO_VIEWS, Views

MEANT = "Name what the rows show at first: origin='a dog'."


def attack(*, score: Score = "plain", origin: str | None = None) -> Method:
    """The latents of one thing, moved towards another by Adam: case study 2 of the paper (section 2.1).

    The paper begins at a dog and asks for a cat: by plain CLIP the dog stays and the score rises, by AugCLIP it becomes one.
    Here the rows begin at `start=`, a picture or latents; or at what a search has found for `origin`; or else at one draw.

    Args:
        score: "plain" for CLIP, or "augclip".
        origin: a prompt for the pictures at the beginning. They are searched by AugCLIP whatever the score, so that both
            begin at the same ones.

    Raises:
        InvalidInput: an option that cannot be used.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573, section 2.1, figure 3.
    """
    plain = is_plain(score)
    if origin is not None:
        check_prompt("origin", origin, MEANT)
    search = {"search_augment": Views()} if origin else {"samples": 1}
    return Method(
        starts=partial(found, origin=origin) if origin else drawn,
        parametrise=direct,
        settings={"basis": 1, "noise": 0.0, **search, **({"augment": NO_VIEWS} if plain else {})},
        unused=frozenset({"basis", "mix"}) | (set() if origin else OF_A_SEARCH) | (OF_VIEWS if plain else set()),
        name="attack",
    )


def found(task: Task, *, origin: str) -> Latents:
    """The latents that a search finds for another prompt, with the rows' own seeds: (B, 1, ...) each."""
    pairs = [(check_prompt("origin", origin, MEANT), seed) for seed in task.rows.seeds]
    return searched(replace(task, rows=task.engine.rows(pairs)))
