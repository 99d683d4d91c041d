"""From a sentence to a composed picture, on toy models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, PluginContractError
from fusedream_sdk.latents import Latents, contains
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.optim.halving import stages
from fusedream_sdk.optim.loop import State
from fusedream_sdk.scenes.compose import Request, compose, cost
from fusedream_sdk.scenes.layer import Layer
from fusedream_sdk.scenes.placement import PLACES, Placement
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.scenes.settings import SceneSettings
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer
from tests.scenes.toys import QUIET, SquareDistance, composer, same_candidates

TWO: dict[str, Any] = {"places": ["left", "top-right"], **QUIET}
PROMPT = "red and blue"


def watched(free: bool = False, **changes: Any) -> tuple[Composed, list[tuple[list[int], State]]]:
    """A composition, and every state on the way."""
    dream, seen = composer(), []
    start = [Placement(0.5, -1, 0), Placement(0.5, 0.9, 1)]
    scene, settings = SceneSettings(free=free), dream.settings.replace(**changes)
    perceptual = Loaded(SquareDistance(), None)
    request = Request([PROMPT], [0], start, (Layer(), Layer()), settings, scene, perceptual)
    made = compose(dream._engine, request, progress=False, watch=lambda rows, state: seen.append((rows, state)))
    return made, seen


@pytest.mark.parametrize("changes", [{}, {"free": (0.2, 0.8)}, {"feather": 0.2, "reading": "border"}], ids=str)
def test_a_candidate_alone_equals_the_candidate_in_the_brute_force(changes: dict):
    options = {"noise": 0.02, "start": "random", "steps": 4, **QUIET, **changes}
    spots = [Placement.at("left", 0.5), Placement.at("top", 0.3), Placement(0.4, 0.3, -0.2)]
    together = composer().compose([PROMPT, "green"], places=spots, seeds=[3, 4], **options)
    assert len(together.candidates) == 12
    for row in (1, 11) if not changes else (8,):
        prompt, seed = together.candidates.prompts[row], together.candidates.seeds[row]
        alone = composer().compose(prompt, places=together.starts[row], seeds=seed, **options)
        torch.testing.assert_close(alone.candidates.images[0], together.candidates.images[row], atol=1e-4, rtol=0)
        torch.testing.assert_close(alone.held_out[0], together.held_out[row], atol=1e-4, rtol=0)
        assert alone.candidates.best_step[0] == together.candidates.best_step[row]


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
        assert torch.equal(ours.history[name], theirs.history[name])


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


def test_free_placements_move_and_stay_inside_their_bounds_after_every_step():
    made, seen = watched(free=True, lr=0.3, noise=0.0)
    for _, state in seen:
        assert contains(state.evaluation.latents, made.scene.space)
    assert any(a != b for a, b in zip(made.placements, made.starts, strict=True))
    assert all(0.25 <= p.scale <= 0.75 for p in made.placements)


def test_discrete_placements_stay_where_they_are():
    made, _ = watched(lr=0.3, noise=0.3)
    assert made.placements == made.starts == (Placement(0.5, -1, 0), Placement(0.5, 0.9, 1))


def test_the_bi_level_composition_lowers_both_losses():
    """The consistency falls without costing the score, where it is nothing that the two fight about."""
    red = {"places": "left", "steps": 40, "views": 6, "lr": 0.05, **QUIET}
    made = composer().compose("red", **red)
    course = made.candidates.history
    assert (course["augclip"][-1] < course["augclip"][0] - 0.02).all()
    assert (course["consistency"][-1] < course["consistency"][0]).all()


def test_both_layers_begin_with_different_pictures():
    for changes in ({}, {"samples": 1, "basis": 1}):
        made = composer().compose(PROMPT, places="left", steps=1, lr=1e-9, **changes, **QUIET)
        back, front = made.scene.layers(made.candidates.latents)
        assert (back - front).abs().mean() > 0.02


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
    assert made.candidates.recipe["layers"][1]["picture"] is True


def test_two_fixed_pictures_have_nothing_to_optimise():
    with pytest.raises(InvalidInput, match=r"foreground: expected at least one layer that is drawn, .* got two"):
        composer().compose(PROMPT, background=torch.rand(3, 20, 20), foreground=torch.rand(3, 20, 20), **TWO)


def test_a_layer_may_have_its_own_generator_of_another_resolution():
    made = composer(ToyGenerator(24)).compose(PROMPT, foreground=ToyGenerator(40), steps=2, **TWO)
    (back, front) = made.layers()[0]
    assert (back.size, front.size, made.pil[0].size) == ((24, 24), (40, 40), (24, 24))


def test_a_layer_may_have_its_own_prompt():
    options = {"places": "left", "steps": 1, "lr": 1e-9, "start": "best", **QUIET}
    made = composer().compose(PROMPT, background="red", foreground="blue", **options)
    back, front = (layer[0].mean(dim=(1, 2)) for layer in made.scene.layers(made.candidates.latents))
    assert back[0] - back[2] > front[0] - front[2] + 0.2
    assert made.candidates.prompts == (PROMPT,)
    assert [layer["prompt"] for layer in made.candidates.recipe["layers"]] == ["red", "blue"]


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


def test_ctrl_c_returns_the_best_so_far():
    made = composer(perceptual=Interrupting(2 + 4)).compose(PROMPT, seeds=[0, 1], **TWO)  # two looks at a row's size
    assert made.candidates.status == ("cancelled",) * 4
    assert made.candidates.history["augclip"].shape == (3, 4)
    assert torch.isfinite(made.result.images).all()


def test_ctrl_c_in_a_later_chunk_keeps_what_is_ready_and_leaves_out_what_had_not_begun():
    dream = composer(perceptual=Interrupting(7 + 3 + 2), memory_gb=1e-9)  # two looks at a row's size come first
    made = dream.compose(PROMPT, places=["left", "top", "right"], seeds=[0, 1], **QUIET)
    assert made.candidates.status == ("done", "cancelled")
    assert made.groups == ((0, 1),)
    whole = composer().compose(PROMPT, places="left", **QUIET)
    torch.testing.assert_close(made.candidates.images[0], whole.candidates.images[0], atol=1e-4, rtol=0)


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
    recipe = composer().compose(PROMPT, background="red", free=True, steps=2, **TWO).candidates.recipe
    assert recipe["method"] == "compose"
    assert recipe["scene"]["free"] == [0.25, 0.75]
    assert recipe["layers"][0] == {"prompt": "red", "generator": None, "picture": False}
    assert recipe["perceptual"]["class"] == "tests.scenes.toys.SquareDistance"


class Untouched(ToyGenerator):
    def __call__(self, latents: Latents) -> Tensor:
        raise AssertionError("drew a picture")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompts": " "}, "prompts: expected a sentence, got an empty one"),
        ({"seeds": -1}, "seeds: expected integers from 0"),
        ({"places": "middle"}, "places: expected 'all' or some of top-left, .*, got middle"),
        ({"scales": 0}, "scales: expected a number above 0 and at most 1, got 0"),
        ({"scales": [0.5, 1.5]}, "scales: expected a number above 0 and at most 1, got 1.5"),
        ({"alpha": 0}, "alpha: expected a positive number, got 0"),
        ({"method": "bilevel"}, "method: expected one of 'bi-level'"),
        ({"background": torch.zeros(3, 8, 8)}, "background: expected a picture with sides from 16 to 4096 pixels, got 8 x 8"),
        ({"background": Image.new("CMYK", (20, 20))}, "background: expected a picture in RGB, RGBA or grey, got mode CMYK"),
        ({"background": 2 * torch.ones(3, 20, 20)}, r"background: expected floating-point colours in \[0, 1\]"),
        ({"background": Path("none.png")}, "background: expected an existing picture, got none.png"),
        ({"foreground": torch.zeros(3, 16, 4000)}, "foreground: expected at least one pixel on the canvas"),
        ({"foreground": 3}, "foreground: expected a Layer, a prompt, a picture"),
        ({"free": (0.2, 0.4), "scales": [0.3, 0.5]}, "scales: expected from 0.2 to 0.4, as `free` says, got 0.5"),
        ({"step": 3}, "step: expected a setting: .* Did you mean 'steps'"),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else "",
)
def test_bad_input_is_refused_before_anything_is_drawn(arguments: dict, message: str):
    with pytest.raises(InvalidInput, match=message):
        composer(Untouched(16)).compose(**{"prompts": PROMPT, **QUIET, **arguments})


def test_a_distance_that_is_none_is_refused():
    with pytest.raises(InvalidInput, match="perceptual: expected a name, or a function of two pictures, got 3"):
        composer(perceptual=3).compose(PROMPT, **TWO)
