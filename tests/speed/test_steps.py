"""A step of ours, one of the public code's loop, a look."""

from __future__ import annotations

import pytest
import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.speed.steps import MAKERS, PROMPT, our_look, our_step, share_of_looks, task_of, their_step
from fusedream_sdk.testing import ToyConditioned, ToyReward, ToyScorer


def test_rows_are_one_prompt_from_several_seeds(dream: FuseDream):
    task = task_of(dream.engine, dream.settings, 3)
    assert task.rows.seeds == (0, 1, 2)
    assert {str(prompt) for prompt in task.rows.prompts} == {PROMPT}


def test_a_step_of_ours_is_one_of_the_loop_of_all_rows_and_looks_at_no_held_out_view(dream: FuseDream, monkeypatch):
    task = task_of(dream.engine, dream.settings.replace(check_every=1), 2)
    step, seen = our_step(task), []
    encode = ToyScorer.encode_image
    monkeypatch.setattr(ToyScorer, "encode_image", lambda self, images: (seen.append(len(images)), encode(self, images))[1])
    first, second = step(), step()
    assert (first.step, second.step) == (0, 1)  # pyright: ignore[reportAttributeAccessIssue]
    assert sum(seen) == 2 * 2 * dream.settings.views


def test_nothing_is_searched(dream: FuseDream, monkeypatch):
    monkeypatch.setattr(type(dream.engine), "bank", lambda *args, **kwargs: pytest.fail("built a bank"))
    for make in MAKERS.values():
        make(task_of(dream.engine, dream.settings, 1))()


def test_a_step_of_the_public_loop_is_of_one_row_and_so_many_views(dream: FuseDream, monkeypatch):
    step, seen = their_step(task_of(dream.engine, dream.settings, 3)), []
    encode = ToyScorer.encode_image
    monkeypatch.setattr(ToyScorer, "encode_image", lambda self, images: (seen.append(len(images)), encode(self, images))[1])
    a, b = step(), step()
    assert seen == [dream.settings.views] * 2
    assert any(not torch.equal(x, b[name]) for name, x in a.items())  # pyright: ignore


def test_a_look_sees_the_held_out_views_of_every_row_without_a_gradient(dream: FuseDream, monkeypatch):
    look, seen = our_look(task_of(dream.engine, dream.settings, 2)), []
    encode = ToyScorer.encode_image

    def counted(self: ToyScorer, images: torch.Tensor) -> torch.Tensor:
        seen.append((len(images), images.requires_grad))
        return encode(self, images)

    monkeypatch.setattr(ToyScorer, "encode_image", counted)
    look()
    assert sum(count for count, _ in seen) == 2 * dream.settings.check_views
    assert not any(graph for _, graph in seen)


@pytest.mark.parametrize(
    ("settings", "share"), [({"check_every": 4}, 0.25), ({"keep": "last"}, 0.0), ({"keep": "last", "patience": 3}, 0.5)]
)
def test_the_share_of_looks_is_that_of_the_selection(make_dream, settings, share: float):
    dream = make_dream(settings=settings)
    assert share_of_looks(task_of(dream.engine, dream.settings, 1)) == share


def test_a_generator_that_depends_on_the_prompt_and_a_reward_will_do(make_dream):
    dream = make_dream(ToyConditioned(16), ToyReward())
    for make in MAKERS.values():
        make(task_of(dream.engine, dream.settings, 1))()
