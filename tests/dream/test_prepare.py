from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.prepare import prepare
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import map_latents
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.clip_adam import clip_adam
from fusedream_sdk.testing import random_latents

MakeDream = Callable[..., FuseDream]


def test_every_prompt_is_a_row_with_every_seed_and_begins_where_the_method_says(make_dream: MakeDream):
    dream = make_dream()
    task, begin = prepare(dream.engine, dream.settings, (["red", "blue"], [3, 4]), Method(), None, {}, progress=False)
    assert [str(prompt) for prompt in task.rows.prompts] == ["red", "red", "blue", "blue"]
    assert task.rows.seeds == (3, 4, 3, 4)
    assert begin.latents["z"].shape == (4, dream.settings.basis, 4)
    assert begin.fingerprints == ()


def test_the_method_s_settings_come_before_the_call_s_and_after_what_is_recommended(make_dream: MakeDream):
    dream = make_dream()
    task, _ = prepare(dream.engine, dream.settings, ("red", 0), clip_adam(), None, {"steps": 9}, progress=False)
    assert (task.settings.steps, task.settings.basis, task.settings.report_views) == (9, 1, 8)


def test_rows_that_are_told_where_to_begin_are_not_mixed(make_dream: MakeDream):
    dream = make_dream()
    latents = random_latents(dream.generator, 1)
    task, begin = prepare(dream.engine, dream.settings, ("red", [0, 1]), Method(), latents, {}, progress=False)
    assert task.settings.basis == 1
    twice = map_latents(lambda x: x.repeat_interleave(2, dim=0).unsqueeze(1), latents)
    assert all(torch.equal(begin.latents[name], x) for name, x in twice.items())
    assert len(set(begin.fingerprints)) == 1


def test_a_start_that_does_not_fit_is_refused_before_a_model_runs(make_dream: MakeDream):
    dream = make_dream()
    with pytest.raises(InvalidInput, match=r"start: expected the entries \['colour', 'z'\]"):
        prepare(dream.engine, dream.settings, ("red", 0), Method(), {"z": torch.zeros(1, 4)}, {}, progress=False)
