"""From a sentence to a composed picture, on toy models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, PluginContractError
from fusedream_sdk.optim.halving import stages
from fusedream_sdk.scenes.compose import cost
from fusedream_sdk.scenes.placement import PLACES
from fusedream_sdk.testing import ToyReward, ToyScorer
from tests.scenes.toys import PROMPT, QUIET, SquareDistance, composer, same_candidates

TWO: dict[str, Any] = {"places": ["left", "top-right"], **QUIET}


def test_every_place_at_every_scale_competes_and_the_best_on_held_out_views_wins():
    made = composer().compose(PROMPT, places="all", scales=[0.3, 0.6], seeds=[0, 1], **QUIET, steps=2)
    assert len(made.candidates) == 36
    assert made.groups == (tuple(range(18)), tuple(range(18, 36)))
    assert {(p.place, p.scale) for p in made.starts[:18]} == {(place, scale) for place in PLACES for scale in (0.3, 0.6)}
    assert made.placements == made.starts
    for group, winner in zip(made.groups, made.winner, strict=True):
        assert made.held_out[winner] == made.held_out[list(group)].max()


def test_the_scene_draws_the_images_of_the_result_again():
    made = composer().compose(PROMPT, seeds=[0, 1], noise=0.1, steps=2, **TWO)
    with torch.no_grad():
        torch.testing.assert_close(made.scene(made.result.latents), made.result.images, atol=1e-6, rtol=0)


def test_chunks_of_one_row_give_the_same_result_as_one_batch():
    options = {**TWO, "seeds": [0, 1], "halving": 2}
    same_candidates(composer(memory_gb=1e-9).compose(PROMPT, **options), composer(memory_gb=4).compose(PROMPT, **options))


@pytest.mark.parametrize("changes", [{}, {"free": True}, {"update": "plain", "lr": 1.0}], ids=str)
def test_a_survivor_of_halving_has_the_run_that_it_has_in_the_brute_force(changes: dict):
    """Steps, Adam's moments, views and noise go on from where they were: the two runs are one."""
    options = {"places": ["left", "top", "right"], "noise": 0.02, "steps": 8, **QUIET, **changes}
    dream = composer(memory_gb=1e-9)  # one row at a time: another width of the batch would round otherwise
    whole, halved = dream.compose(PROMPT, **options), dream.compose(PROMPT, halving=2, **options)
    survivors = [row for row, status in enumerate(halved.candidates.status) if status == "done"]
    assert len(survivors) == 1
    assert halved.candidates.status.count("dropped") == 2
    ours, theirs = halved.candidates[survivors], whole.candidates[survivors]
    assert torch.equal(ours.images, theirs.images)
    assert torch.equal(ours.best_step, theirs.best_step)
    for name in ours.history:
        assert torch.allclose(ours.history[name], theirs.history[name], rtol=0, atol=0, equal_nan=True)


def test_a_dropped_candidate_is_reported_with_its_course_and_never_wins():
    made = composer().compose(PROMPT, halving=3, steps=8, **QUIET)
    dropped = [row for row, status in enumerate(made.candidates.status) if status == "dropped"]
    assert len(dropped) == 8
    assert made.winner[0] not in dropped
    lengths = torch.isfinite(made.candidates.history["augclip"]).sum(dim=0)
    assert (lengths[dropped] < 9).all()
    assert lengths[made.winner[0]] == 9
    assert int(lengths.sum()) == cost(stages(9, 8, 3, 2), 9) < 9 * 9
    assert torch.isfinite(made.held_out).all()


def test_the_bi_level_composition_lowers_both_losses():
    """The consistency falls without costing the score, where it is nothing that the two fight about."""
    red = {"places": "left", "steps": 40, "views": 6, "lr": 0.05, **QUIET}
    made = composer().compose("red", **red)
    course = made.candidates.history
    assert (course["augclip"][-1] < course["augclip"][0] - 0.02).all()
    assert (course["consistency"][-1] < course["consistency"][0]).all()


def test_a_fixed_background_stays_exactly_as_it_is_outside_the_box():
    picture = torch.rand(3, 24, 40, generator=torch.Generator().manual_seed(0))
    made = composer().compose(PROMPT, background=picture, scales=0.5, noise=0.1, **TWO)
    for image, place in zip(made.candidates.images, made.placements, strict=True):
        outside = torch.ones(24, 40, dtype=torch.bool)
        box = (slice(6, 18), slice(12)) if place.place == "left" else (slice(12), slice(28, 40))
        outside[box] = False
        assert torch.equal(image[:, outside], picture[:, outside])
        assert not torch.equal(image[:, ~outside], picture[:, ~outside])


def test_a_picture_of_yours_may_be_a_file_or_the_foreground(tmp_path: Path):
    Image.new("RGB", (20, 20), "red").save(tmp_path / "red.png")
    made = composer().compose(PROMPT, foreground=tmp_path / "red.png", places="top-left", scales=0.5, steps=2, **QUIET)
    assert torch.allclose(made.result.images[0, :, :8, :8], torch.tensor([1.0, 0, 0])[:, None, None], atol=1e-6)
    assert made.candidates.recipe.to_json()["layers"][1]["picture"] is True


def test_a_reward_without_embeddings_composes_too():
    made = composer(scorer=ToyReward()).compose("red", steps=2, bank=20, samples=20, **TWO)
    assert torch.isfinite(made.held_out).all()


class Interrupting(SquareDistance):
    """Ctrl-C at the n-th look at the consistency."""

    def __init__(self, at: int) -> None:
        self.at, self.calls = at, 0

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt
        return super().__call__(a, b)


@pytest.mark.usefixtures("together")
def test_ctrl_c_returns_the_best_so_far():
    made = composer(perceptual=Interrupting(2 + 4)).compose(PROMPT, seeds=[0, 1], **TWO)  # two looks at a row's size
    assert made.candidates.status == ("cancelled",) * 2  # the second picture had not begun
    assert made.candidates.history["augclip"].shape == (3, 2)
    assert torch.isfinite(made.result.images).all()


def test_ctrl_c_in_a_later_chunk_keeps_what_is_ready_and_leaves_out_what_had_not_begun():
    dream = composer(perceptual=Interrupting(7 + 3 + 2), memory_gb=1e-9)  # two looks at a row's size come first
    made = dream.compose(PROMPT, places=["left", "top", "right"], seeds=[0, 1], **QUIET)
    assert made.candidates.status == ("done", "cancelled")
    assert made.groups == ((0, 1),)
    whole = composer().compose(PROMPT, places="left", **QUIET)
    torch.testing.assert_close(made.candidates.images[0], whole.candidates.images[0], atol=1e-4, rtol=0)


@pytest.mark.usefixtures("together")
def test_ctrl_c_in_a_later_stage_of_halving_keeps_the_survivors():
    made = composer(perceptual=Interrupting(2 + 5 + 2)).compose(PROMPT, places=["left", "top"], halving=2, steps=6, **QUIET)
    assert sorted(made.candidates.status) == ["cancelled", "dropped"]
    assert made.candidates.status[made.winner[0]] == "cancelled"


def test_ctrl_c_before_anything_is_judged_is_passed_on():
    with pytest.raises(KeyboardInterrupt):
        composer(perceptual=Interrupting(1), memory_gb=4).compose(PROMPT, places="left", **QUIET)


def test_a_row_that_turns_nan_loses_and_the_others_go_on():
    class Cracking(ToyScorer):
        def encode_image(self, images: Tensor) -> Tensor:
            broken = (images[:, :, -1, -1].mean(dim=1) > 0.9)[:, None]
            return super().encode_image(images).masked_fill(broken, torch.nan)

    white = torch.ones(3, 24, 24)
    made = composer(scorer=Cracking(8)).compose(PROMPT, background=white, places=["left", "bottom-right"], scales=1.0, **QUIET)
    assert made.candidates.status.count("failed") <= 1
    assert torch.isfinite(made.held_out[list(made.winner)]).all()


def test_a_perceptual_distance_of_another_shape_breaks_its_contract():
    def whole(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().mean()

    with pytest.raises(PluginContractError, match=r"perceptual: expected distances of shape \(1,\), got \(\)"):
        composer(perceptual=whole).compose(PROMPT, places="left", **QUIET)


def test_the_recipe_names_the_scene_the_layers_and_the_distance():
    recipe = composer().compose(PROMPT, background="red", free=True, steps=2, **TWO).candidates.recipe.to_json()
    assert recipe["method"] == "compose"
    assert recipe["scene"]["free"] == [0.25, 0.75]
    assert recipe["layers"][0] == {"prompt": "red", "generator": None, "picture": False}
    assert recipe["perceptual"]["class"] == "tests.scenes.toys.SquareDistance"


def test_a_distance_that_is_none_is_refused():
    with pytest.raises(InvalidInput, match="perceptual: expected a name, or a function of two pictures, got an int"):
        composer(perceptual=3).compose(PROMPT, **TWO)


def test_the_kept_step_is_chosen_by_augclip_alone_whatever_the_consistency():
    """A distance that calls every later step worse moves nothing of the choice, as only its gradient is used."""
    options: dict[str, Any] = {"places": ["left", "top"], "steps": 6, "check_every": 1, "direction": "augclip", **QUIET}

    def rising(a: Tensor, b: Tensor) -> Tensor:
        return 1e6 * SquareDistance()(a, b)

    usual, strict = (composer(perceptual=distance).compose(PROMPT, **options) for distance in (SquareDistance(), rising))
    assert torch.equal(usual.candidates.best_step, strict.candidates.best_step)
    assert torch.equal(usual.held_out, strict.held_out)
    assert usual.winner == strict.winner


@pytest.mark.parametrize("changes", [{}, {"halving": 2}])
def test_the_last_step_of_every_candidate_is_kept_where_that_is_asked_for(changes: dict[str, Any]):
    made = composer().compose(PROMPT, places=["left", "top", "right"], steps=6, keep="last", lr=0.5, **changes, **QUIET)
    ended = [row for row, status in enumerate(made.candidates.status) if status == "done"]
    assert ended
    assert made.candidates.best_step[ended].tolist() == [6] * len(ended)
    best = composer().compose(PROMPT, places=["left", "top", "right"], steps=6, lr=0.5, check_every=1, **changes, **QUIET)
    assert (best.candidates.best_step != made.candidates.best_step).any()
    assert float(made.held_out[list(made.winner)].max()) == float(made.held_out.max())
