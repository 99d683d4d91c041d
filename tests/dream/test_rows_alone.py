"""A picture is its prompt, seed, models and settings, and nothing else: the same to the bit whatever else is asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.replay import replay
from fusedream_sdk.run.result import Result
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer
from tests.scenes.toys import SquareDistance, composer

MakeDream = Callable[..., FuseDream]
PROMPTS, SEEDS = ["a red ball", "a blue ball | red:-0.4"], [3, 4, 5]
CHANGES: dict[str, dict[str, Any]] = {
    "default": {"noise": 0.05},
    "random mix": {"mix": "random"},
    "no search": {"samples": 1, "basis": 1},
    "population": {"method": "random-search?population=5"},
    "plain": {"method": "clip-adam"},
}


def same_bits(a: Result, b: Result) -> None:
    assert torch.equal(a.images, b.images)
    assert (a.prompts, a.seeds, a.status) == (b.prompts, b.seeds, b.status)
    for ours, theirs in ((a.latents, b.latents), (a.scores, b.scores), (a.history, b.history)):
        assert ours.keys() == theirs.keys()
        for name in ours:  # NaN where a step was not looked at
            assert torch.allclose(ours[name], theirs[name], rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_a_row_alone_is_the_row_in_a_batch_to_the_bit(make_dream: MakeDream, changes: dict[str, Any], dtype: str):
    options = {"progress": False, "steps": 20, **changes}
    together = make_dream(dtype=dtype).generate(PROMPTS, seeds=SEEDS, **options)
    for row, (prompt, seed) in enumerate(zip(together.prompts, together.seeds, strict=True)):
        same_bits(make_dream(dtype=dtype).generate(prompt, seeds=seed, **options), together[[row]])


def test_a_reward_s_row_alone_is_the_row_in_a_batch_to_the_bit(make_dream: MakeDream):
    options = {"progress": False, "samples": 8, "bank": 8, "steps": 20}
    together = make_dream(scorer=ToyReward()).generate(["red", "blue"], seeds=[0, 1], **options)
    same_bits(make_dream(scorer=ToyReward()).generate("blue", seeds=1, **options), together[[3]])


@pytest.mark.parametrize("memory_gb", [1e-9, 4])
def test_memory_does_not_change_a_picture(make_dream: MakeDream, memory_gb: float):
    whole = make_dream().generate(PROMPTS, seeds=SEEDS, progress=False)
    same_bits(make_dream(memory_gb=memory_gb).generate(PROMPTS, seeds=SEEDS, progress=False), whole)


def test_driven_by_hand_the_rows_come_to_the_same_bits(make_dream: MakeDream):
    result = make_dream().generate(PROMPTS, seeds=SEEDS, progress=False)
    *_, last = make_dream().iterate(PROMPTS, seeds=SEEDS)
    assert all(torch.equal(last.best.latents[name], x) for name, x in result.latents.items())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_row_of_a_batch_replays_to_the_very_picture(make_dream: MakeDream, tmp_path: Path, dtype: str):
    paths = make_dream(dtype=dtype).generate(PROMPTS, seeds=SEEDS, progress=False, steps=12).save(tmp_path)
    again = replay(paths[4], generator=ToyGenerator(16), scorer=ToyScorer(8), progress=False)  # a difference would warn
    assert isinstance(again, Result)
    assert torch.equal(again.images[0], Result.load(tmp_path).images[4])


def test_a_candidate_of_a_composition_replays_to_the_very_picture(tmp_path: Path):
    dream = composer(settings={"steps": 20})
    made = dream.compose(["red and blue", "a white ball"], seeds=[0, 1], places=["left", "top"], halving=2, progress=False)
    paths = made.save(tmp_path)
    given: dict[str, Any] = {"generator": ToyGenerator(16), "scorer": ToyScorer(8), "perceptual": SquareDistance()}
    for row in (0, 3):
        again = replay(paths[row], **given, progress=False)
        assert not isinstance(again, Result)
        assert torch.equal(again.result.images[0], made.result.images[row])


THREADS = """
import hashlib, sys, torch
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.testing import ToyGenerator, ToyScorer
torch.set_num_threads(int(sys.argv[1]))
quick = {"steps": 20, "views": 3, "bank": 96, "samples": 48, "basis": 3, "report_views": 8}
dream = FuseDream(generator=ToyGenerator(16), scorer=ToyScorer(8), settings=quick)
print(hashlib.sha256(dream.generate("a red ball", seeds=3, progress=False).images.numpy().tobytes()).hexdigest())
"""


def test_the_toys_draw_the_same_bits_with_one_thread_and_with_two(child_env: dict[str, str]):
    command = [sys.executable, "-c", THREADS]
    drawn = [
        subprocess.run(
            [*command, n], env={**child_env, "OMP_NUM_THREADS": n}, capture_output=True, text=True, check=True
        ).stdout
        for n in ("1", "2")
    ]
    assert drawn[0] == drawn[1] != ""
