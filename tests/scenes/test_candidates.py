"""The candidates of a composition: rows of one batch, which can be run in any part."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from fusedream_sdk.latents import contains
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.report import RENDER_BATCH
from fusedream_sdk.scenes.candidates import Candidates
from fusedream_sdk.scenes.compose import compose
from fusedream_sdk.scenes.placement import Placement
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.testing import ToyGenerator, random_latents
from tests.scenes.toys import PROMPT, QUIET, SPOTS, asked, composer


def prepared(memory_gb: float | None = None, **wanted: Any) -> Candidates:
    dream = composer(ToyGenerator(24), memory_gb=memory_gb)
    return Candidates.prepare(dream.engine, asked(dream, **wanted), (), progress=False)


def watched(free: bool = False, **changes: Any) -> tuple[Composed, list[tuple[list[int], State]]]:
    """A composition, and every state on the way."""
    dream, seen = composer(), []
    spots = [Placement(0.5, -1, 0), Placement(0.5, 0.9, 1)]
    request = asked(dream, spots=spots, free=free, **changes)
    made = compose(dream.engine, request, progress=False, watch=lambda rows, state: seen.append((rows, state)))
    return made, seen


def test_the_candidates_of_a_picture_stand_side_by_side_with_its_seed_and_its_start():
    found = prepared(prompts=["red", "blue"], seeds=[3, 4])
    assert len(found) == 8
    assert found.groups == [range(2), range(2, 4), range(4, 6), range(6, 8)]
    assert found.task.rows.seeds == (3, 3, 4, 4, 3, 3, 4, 4)
    assert [str(p) for p in found.task.rows.prompts] == ["red"] * 4 + ["blue"] * 4
    for name in ("background.z", "foreground.z"):
        assert found.starts[name].shape == (8, 3, 4)
        assert torch.equal(found.starts[name][::2], found.starts[name][1::2])
    assert found.starts["position"][:, 0].tolist() == [[-1, 0], [1, -1]] * 4
    assert found.starts["scale"].unique().tolist() == [0.5]


def test_two_candidates_at_one_place_see_the_same_views_and_noise():
    found = prepared(spots=[SPOTS[0], SPOTS[0]], noise=0.05)
    for state in found.states([0, 1], 3, None):
        loss = state.evaluation.primary
        torch.testing.assert_close(loss[0], loss[1])


def test_a_picture_of_yours_is_not_copied_for_a_basis_of_which_it_has_one():
    ground = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))
    found = prepared(layers=(ground, None), seeds=[0, 1])
    assert found.starts["background.pixels"].shape == (4, 1, 3, 20, 30)
    assert found.starts["foreground.z"].shape == (4, 3, 4)


def test_only_a_free_placement_has_a_basis_to_be_mixed():
    assert prepared().starts["position"].shape == (2, 1, 2)
    assert prepared(free=True).starts["position"].shape == (2, 3, 2)
    assert not prepared(free=True).scene.space["position"].frozen


@pytest.mark.parametrize("changes", [{}, {"update": "plain"}, {"free": True}, {"direction": "linear"}], ids=str)
def test_states_go_on_from_where_they_stand_as_if_they_had_never_stopped(changes: dict):
    found = prepared(noise=0.02, **changes)
    *_, whole = found.states([1], 5, None)
    *_, half = found.states([1], 2, None)
    *_, rest = found.states([1], 5, half)
    assert rest.step == whole.step == 5
    assert torch.equal(rest.evaluation.images, whole.evaluation.images)
    assert torch.equal(rest.best.loss, whole.best.loss)


@pytest.mark.usefixtures("together")
def test_rows_are_run_as_many_at_a_time_as_the_memory_holds():
    assert prepared(memory_gb=1e-9).at_a_time() == 1
    assert prepared(memory_gb=4).at_a_time() >= 2


@pytest.mark.usefixtures("together")
def test_the_consistency_is_that_of_clean_pictures_however_many_there_are():
    found = prepared(reading="fused", noise=0.3)
    latents = random_latents(found.scene, RENDER_BATCH + 3)
    back, front = found.scene.layers(latents)
    expected = (found.scene.fuse([back, front], latents) - back).square().mean(dim=(1, 2, 3))
    torch.testing.assert_close(found.consistency(latents), expected)


@pytest.mark.parametrize("changes", [{}, {"free": (0.2, 0.8)}, {"feather": 0.2, "reading": "border"}], ids=str)
def test_a_candidate_alone_equals_the_candidate_in_the_brute_force(changes: dict):
    options = {"noise": 0.02, "mix": "random", "steps": 4, **QUIET, **changes}
    spots = [Placement.at("left", 0.5), Placement.at("top", 0.3), Placement(0.4, 0.3, -0.2)]
    together = composer().compose([PROMPT, "green"], places=spots, seeds=[3, 4], **options)
    assert len(together.candidates) == 12
    for row in (1, 11) if not changes else (8,):
        prompt, seed = together.candidates.prompts[row], together.candidates.seeds[row]
        alone = composer().compose(prompt, places=together.starts[row], seeds=seed, **options)
        torch.testing.assert_close(alone.candidates.images[0], together.candidates.images[row], atol=1e-4, rtol=0)
        torch.testing.assert_close(alone.held_out[0], together.held_out[row], atol=1e-4, rtol=0)
        assert alone.candidates.best_step[0] == together.candidates.best_step[row]


def test_free_placements_move_and_stay_inside_their_bounds_after_every_step():
    made, seen = watched(free=True, lr=0.3, noise=0.0)
    for _, state in seen:
        assert contains(state.evaluation.latents, made.scene.space)
    assert any(a != b for a, b in zip(made.placements, made.starts, strict=True))
    assert all(0.25 <= p.scale <= 0.75 for p in made.placements)


def test_discrete_placements_stay_where_they_are():
    made, _ = watched(lr=0.3, noise=0.3)
    assert made.placements == made.starts == (Placement(0.5, -1, 0), Placement(0.5, 0.9, 1))
