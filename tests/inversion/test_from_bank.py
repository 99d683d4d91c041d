"""Inversion with the models of an engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, PluginContractError
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.inversion import from_bank
from fusedream_sdk.inversion.from_bank import BOLD, inversion_settings, invert_with
from fusedream_sdk.inversion.invert import invert_one
from fusedream_sdk.inversion.likeness import InversionSettings, Likeness
from fusedream_sdk.inversion.result import Inversion
from fusedream_sdk.latents import Latents
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.recipe import Recipe, Verb
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer, random_latents
from tests.inversion.toys import TOY, distance, drawn

SETTINGS = Settings(bank=96, samples=96, basis=1, lr=0.1)
HOW = InversionSettings(steps=2, candidates=12, starts=3, trial=1, lr=0.1)
SCORER = ToyScorer(8)


def engine(generator: Any = TOY, scorer: Any = SCORER, **options: Any) -> Engine:
    models = Loaded(generator, "toy"), Loaded(scorer, None)
    return Engine(*models, **{"dtype": torch.float32, "perceptual": distance, **options})


def inverted(own: Engine, pictures: list[Tensor], settings: Settings = SETTINGS, how: InversionSettings = HOW) -> Inversion:
    return invert_with(own, pictures, how, settings, progress=False)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `invert_one` is given, call by call."""
    calls: list[dict[str, Any]] = []

    def noted(likeness: Likeness, starts: Latents | None, budget: float | None, *rest: Any) -> Inversion:
        about = {name: getattr(likeness, name) for name in ("settings", "precision", "perceptual")}
        calls.append({**about, "starts": starts, "budget": budget})
        return invert_one(likeness, starts, budget, *rest)

    monkeypatch.setattr(from_bank, "invert_one", noted)
    return calls


def test_the_starts_are_the_latents_of_the_bank_that_look_most_like_each_picture(given: list[dict[str, Any]]):
    own, pictures = engine(), drawn(2)
    inverted(own, pictures)
    bank = own.bank(SETTINGS, progress=False)
    for row, picture in enumerate(pictures):
        starts = given[row]["starts"]
        scores = bank.embeddings.float() @ SCORER.encode_image(shrink(picture[None], 8))[0]
        best = bank.latents(TOY, scores.topk(3).indices[None])
        assert all(torch.equal(starts[name][0], best[name][0]) for name in best)


def test_each_seed_sees_its_own_samples_of_the_bank(given: list[dict[str, Any]]):
    few = SETTINGS.replace(samples=8)
    for seed in (0, 1):
        inverted(engine(), drawn(1), few, HOW.replace(seed=seed))
    assert not torch.equal(given[0]["starts"]["z"], given[1]["starts"]["z"])
    visible = engine().bank(few, progress=False).visible(1, 8)
    seen = engine().bank(few, progress=False).latents(TOY, visible.nonzero().T)
    assert all((seen["z"][0] == start).all(dim=1).any() for start in given[1]["starts"]["z"][0])


def test_a_picture_alone_gives_the_row_that_it_has_among_others():
    pictures = drawn(3)
    together, alone = inverted(engine(), pictures), inverted(engine(), pictures[1:2])
    assert torch.equal(together.images[1:2], alone.images)


class Encoding(ToyGenerator):
    """Knows where pictures are."""

    def encode(self, images: Tensor) -> Latents:
        return random_latents(TOY, len(images), 123)


class Conditioned(ToyGenerator):
    """Told a prompt when it draws."""

    def sample(self, n: int, *, rng: torch.Generator, prompts: tuple[str, ...] = ()) -> Latents:
        return super().sample(n, rng=rng)


@pytest.mark.parametrize(
    ("models", "changes"),
    [
        ({"generator": Encoding(32)}, {}),
        ({"generator": Conditioned(32)}, {}),
        ({"scorer": ToyReward()}, {}),
        ({}, {"samples": 1}),
    ],
    ids=["an encoder", "a condition", "a reward", "no search"],
)
def test_where_a_bank_is_of_no_use_latents_are_drawn_instead(
    models: dict[str, Any], changes: dict[str, Any], given: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Engine, "bank", None)
    found = inverted(engine(**models), drawn(1), SETTINGS.replace(**changes))
    assert given[0]["starts"] is None
    assert found.status == ("done",)


def test_no_more_is_tried_than_a_row_may_sample_and_the_recipe_says_so(given: list[dict[str, Any]]):
    found = inverted(engine(), drawn(1), SETTINGS.replace(samples=2))
    assert given[0]["settings"] == HOW.replace(candidates=2, starts=2)
    assert found.recipe.inversion == given[0]["settings"].to_json()
    assert given[0]["starts"]["z"].shape[:2] == (1, 2)


def test_the_recipe_names_the_models_the_distance_and_how():
    own = engine()
    recipe = inverted(own, drawn(1)).recipe
    assert (recipe.verb, recipe.settings, recipe.inversion) == (Verb.INVERT, SETTINGS, HOW.to_json())
    assert (recipe.generator.name, recipe.generator.fingerprint) == ("toy", own.generator.fingerprint)
    assert recipe.perceptual is not None
    assert recipe.perceptual.fingerprint == own.perceptual.fingerprint
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_whoever_watches_sees_every_state_and_its_picture_and_may_end_the_search():
    seen: list[tuple[int, list[int]]] = []

    def watch(state: State, rows: Sequence[int]) -> None:
        seen.append((state.step, list(rows)))
        if rows[0] == 1 and len(seen) > 10:
            raise KeyboardInterrupt

    pictures = drawn(3)
    found = invert_with(engine(), pictures, HOW, SETTINGS, progress=False, watch=watch)
    assert seen[0] == (0, [0])
    assert {row for _, rows in seen for row in rows} == {0, 1}
    assert (len(found), found.status[-1]) == (2, "cancelled")


def test_the_memory_and_the_precision_are_the_engines(given: list[dict[str, Any]]):
    own = engine(budget=7.0)
    inverted(own, drawn(1))
    assert given[0]["budget"] == 7.0
    assert given[0]["precision"] == own.precision
    assert given[0]["perceptual"] is distance


def test_models_that_break_their_contract_are_refused_first():
    class Loud(ToyGenerator):
        def __call__(self, latents: Latents) -> Tensor:
            return 3 * super().__call__(latents)

    with pytest.raises(PluginContractError, match=r"expected images in \[0, 1\]"):
        inverted(engine(Loud(32)), drawn(1))


def test_the_learning_rate_begins_above_the_settings_unless_it_is_given():
    assert inversion_settings(SETTINGS, {}).lr == BOLD * 0.1
    assert inversion_settings(SETTINGS, {"lr": 0.5, "steps": 9}) == InversionSettings(lr=0.5, steps=9)
    with pytest.raises(InvalidInput, match=r"stepz: expected a setting of an inversion: .* Did you mean 'steps'\?"):
        inversion_settings(SETTINGS, {"stepz": 3})
