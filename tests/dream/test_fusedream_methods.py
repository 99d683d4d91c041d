"""Pictures by other methods, by name or put together by hand, on toy models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import fusedream_sdk as fd
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, UnknownPlugin
from fusedream_sdk.latents import contains
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.optim.directions import Clipped
from fusedream_sdk.optim.optimisers import sgd
from fusedream_sdk.run.task import direct, drawn
from fusedream_sdk.testing import random_latents
from tests.dream.test_fusedream import PROMPTS, SEEDS, MakeDream, same_rows

QUIET: dict[str, Any] = {"progress": False}
NAMED = ["clip-adam", "random-search?population=4", "fusedream"]


def by_hand() -> Method:
    """One start, descended by clipped gradient descent with momentum."""
    return Method(
        starts=drawn,
        parametrise=direct,
        direction=Clipped(0.5),
        optimiser=lambda settings: sgd(settings.lr, momentum=0.9, nesterov=True),
        settings={"samples": 1, "basis": 1},
    )


def test_the_methods_that_are_installed_are_listed():
    assert {"clip-adam", "fusedream", "random-search"} <= set(fd.list_methods())
    assert fd.list_methods() == sorted(fd.list_methods())


@pytest.mark.parametrize("method", [*NAMED, by_hand()], ids=str)
def test_a_row_alone_equals_the_row_in_a_batch(make_dream: MakeDream, method: str | Method):
    together = make_dream().generate(PROMPTS, seeds=SEEDS, method=method, **QUIET)
    assert contains(together.latents, make_dream().generator.space)
    for row, (prompt, seed) in enumerate(zip(together.prompts, together.seeds, strict=True)):
        same_rows(make_dream().generate(prompt, seeds=seed, method=method, **QUIET), together[row])


@pytest.mark.parametrize("method", NAMED)
def test_chunks_of_one_row_give_the_same_result_as_one_batch(make_dream: MakeDream, method: str):
    chunked, whole = (make_dream(memory_gb=gb).generate(PROMPTS, method=method, **QUIET) for gb in (1e-9, 4))
    same_rows(chunked, whole)


@pytest.mark.parametrize("method", [*NAMED, by_hand()], ids=str)
def test_every_method_comes_to_fit_its_prompt(make_dream: MakeDream, method: str | Method):
    dream = make_dream(settings={"steps": 40, "views": 4, "lr": 0.1})
    begun = next(dream.iterate(PROMPTS, method=method)).evaluation.images
    made = dream.generate(PROMPTS, method=method, **QUIET)
    target = dream.engine.rows([(p, 0) for p in map(fd.Prompt, PROMPTS)]).target
    each = torch.arange(2)
    assert (target(made.images[:, :, ::2, ::2], each) > target(begun[:, :, ::2, ::2], each)).all()


def test_the_default_is_fusedream_and_a_recipe_need_not_say_so(dream: FuseDream):
    default, named = dream.generate("red", **QUIET), dream.generate("red", method="fusedream", **QUIET)
    assert torch.equal(default.images, named.images)
    assert "steering" not in default.row_json(0)
    assert "steering" not in named.row_json(0)


@pytest.mark.parametrize(
    ("method", "name", "options"),
    [
        ("clip-adam", "clip-adam", {}),
        ("random-search?population=4&spread=0.3", "random-search", {"population": 4, "spread": 0.3}),
        (load_method("random-search", population=4), "random-search", {"population": 4}),
        (by_hand(), None, {}),
    ],
    ids=str,
)
def test_a_recipe_says_by_which_method_and_with_which_options(
    dream: FuseDream, method: str | Method, name: str | None, options: dict
):
    written = dream.generate("red", method=method, **QUIET).row_json(0)
    assert written["steering"] == {"name": name, "options": options}
    assert written["method"] == "generate"


def test_a_method_without_a_search_builds_no_bank(make_dream: MakeDream, own_cache: Path):
    for method in ("clip-adam", "random-search?population=4"):
        make_dream().generate("red", method=method, **QUIET)
    assert not list(own_cache.rglob("*"))


def test_the_constants_of_a_method_come_before_the_recommended_and_after_those_of_the_call(make_dream: MakeDream):
    dream = make_dream(settings={"noise": 0.3, "lr": 0.2})
    method = Method(settings={"noise": 0.1, "views": 2, "steps": 3})
    settings = dream.generate("red", method=method, steps=4, **QUIET).recipe.settings
    assert (settings.noise, settings.views, settings.steps, settings.lr) == (0.1, 2, 4, 0.2)
    assert dream.settings.noise == 0.3


def test_a_generation_is_a_step_and_its_best_member_is_shown(dream: FuseDream):
    states = list(dream.iterate(PROMPTS, method="random-search?population=5", steps=3))
    assert [state.step for state in states] == [0, 1, 2, 3]
    for state in states:
        assert state.params["z"].shape == (2, 5, 4)
        assert state.evaluation.images.shape == (2, 3, 16, 16)


@pytest.mark.parametrize("method", ["clip-adam", "random-search?population=4"])
def test_a_method_begins_at_what_it_is_told(dream: FuseDream, method: str):
    latents = random_latents(dream.generator, 1, 9)
    first = next(dream.iterate("red", method=method, start=latents)).params["z"].reshape(-1, 4)[:1]
    torch.testing.assert_close(first, latents["z"])


def test_an_unknown_method_is_told_the_nearest(dream: FuseDream):
    with pytest.raises(UnknownPlugin, match=r"methods: expected one of .*; got 'clip-adan'. Did you mean 'clip-adam'"):
        dream.generate("red", method="clip-adan")


def test_a_method_that_is_installed_is_found_by_its_name(install: Callable[..., Path], dream: FuseDream):
    source = """
        from fusedream_sdk import Method
        def still(*, views=1): return Method(settings={"steps": 1, "views": views})
        def none(): return 3
        """
    install("own-methods", "[fusedream_sdk.methods]\nstill = own_methods:still\nnone = own_methods:none\n", own_methods=source)
    assert "still" in fd.list_methods()
    recipe = dream.generate("red", method="still?views=2", **QUIET).recipe
    assert (recipe.settings.steps, recipe.settings.views, recipe.method.name) == (1, 2, "still")
    with pytest.raises(fd.FuseDreamError, match="method: expected 'none' to make a Method, got a int"):
        dream.generate("red", method="none")


def test_settings_that_a_method_has_no_use_for_are_refused_whatever_their_value(dream: FuseDream):
    changes: list[dict[str, Any]] = [{"samples": 1}, {"bank": 96}, {"lr": 0.05}]
    for change in changes:
        with pytest.raises(InvalidInput, match=f"^{next(iter(change))}: expected nothing, as random-search has no use for it"):
            dream.generate("red", method="random-search", **change)
