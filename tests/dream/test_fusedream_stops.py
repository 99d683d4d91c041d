"""Runs that are watched, interrupted or broken, on toy models."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.latents import Latents
from fusedream_sdk.optim.state import State
from fusedream_sdk.testing import ToyGenerator
from tests.dream.test_fusedream import PROMPTS, MakeDream, same_rows


def test_the_watcher_sees_every_state_and_the_rows_it_belongs_to(make_dream: MakeDream):
    seen: list[tuple[int, Sequence[int]]] = []
    dream = make_dream(memory_gb=1e-9)
    dream.generate(PROMPTS, progress=False, watch=lambda state, rows: seen.append((state.step, rows)))
    assert seen == [(step, range(row, row + 1)) for row in range(2) for step in range(7)]


def test_the_watcher_of_a_composition_sees_every_candidate_and_may_end_it(make_dream: MakeDream):
    seen: set[int] = set()

    def watch(state: State, rows: Sequence[int]) -> None:
        seen.update(rows)
        if 2 in rows and state.step == 1:
            raise KeyboardInterrupt

    dream = make_dream(perceptual=lambda a, b: (a - b).square().mean(dim=(1, 2, 3)))
    made = dream.compose("red", places=["left", "right", "top", "bottom"], progress=False, watch=watch)
    assert seen == {0, 1, 2}
    assert made.candidates.status == ("done", "done", "cancelled")


def interrupt_at(step: int, chunk: int = 0) -> Callable[[State, Sequence[int]], None]:
    def watch(state: State, rows: Sequence[int]) -> None:
        if state.step == step and rows[0] == chunk:
            raise KeyboardInterrupt

    return watch


@pytest.mark.usefixtures("together")
def test_ctrl_c_returns_the_best_so_far(dream: FuseDream):
    result = dream.generate(PROMPTS, progress=False, watch=interrupt_at(3))
    assert result.status == ("cancelled", "cancelled")
    assert result.history["augclip"].shape == (4, 2)
    assert torch.isfinite(result.images).all()
    assert (result.best_step <= 3).all()


def test_ctrl_c_in_a_later_chunk_keeps_the_rows_that_are_ready(make_dream: MakeDream):
    dream = make_dream(memory_gb=1e-9)
    result = dream.generate("red", seeds=[0, 1, 2], progress=False, watch=interrupt_at(2, chunk=1))
    assert result.status == ("done", "cancelled")
    assert result.history["augclip"].shape == (7, 2)
    assert result.history["augclip"][3:, 1].isnan().all()
    same_rows(result[0], dream.generate("red", seeds=0, progress=False))


def test_ctrl_c_before_a_later_chunk_has_begun_keeps_the_rows_that_are_ready(make_dream: MakeDream):
    ended: list[int] = []

    class Interrupted(ToyGenerator):
        def __call__(self, latents: Latents) -> Tensor:
            if ended and latents["colour"].requires_grad:  # the first point of the second chunk; a report has no gradient
                raise KeyboardInterrupt
            return super().__call__(latents)

    def watch(state: State, rows: Sequence[int]) -> None:
        if state.step == 6:
            ended.append(rows[0])

    dream = make_dream(Interrupted(16), memory_gb=1e-9, settings={"samples": 1, "basis": 1})
    result = dream.generate(["red", "blue"], progress=False, watch=watch)
    assert ended == [0]
    assert result.prompts == ("red",)
    assert result.status == ("done",)


SIGNALLED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background would have it ignored
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.testing import ToyGenerator, ToyScorer

dream = FuseDream(generator=ToyGenerator(16), scorer=ToyScorer(8), dtype="float32")

def watch(state, rows):
    if state.step == 5:
        print("running", flush=True)

result = dream.generate("red", steps=10**6, progress=False, watch=watch)
result.save(sys.argv[1])
print(result.status[0], len(result.history["augclip"]) > 5, flush=True)
"""


def test_a_real_ctrl_c_in_a_real_process_saves_the_best_so_far(tmp_path: Path, child_env: dict[str, str]):
    command = [sys.executable, "-c", SIGNALLED, str(tmp_path / "a.png")]
    with subprocess.Popen(command, env=child_env, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "running\n"
            time.sleep(0.2)
            child.send_signal(signal.SIGINT)
            assert child.stdout.readline() == "cancelled True\n"
            assert child.wait(timeout=60) == 0
        finally:
            child.kill()
    assert (tmp_path / "a.png").stat().st_size > 0


def test_a_row_that_turns_nan_is_reported_while_the_others_go_on(make_dream: MakeDream):
    class Cracking(ToyGenerator):
        def __call__(self, latents: Latents) -> Tensor:
            cracked = (latents["colour"].abs().amax(dim=1) > 2.2)[:, None, None, None]
            return super().__call__(latents).masked_fill(cracked, torch.nan)

    options = {"progress": False, "samples": 1, "basis": 1, "lr": 0.1, "steps": 8}
    result = make_dream(Cracking(16)).generate("red", seeds=range(6), **options)
    whole = make_dream(ToyGenerator(16)).generate("red", seeds=range(6), **options)
    done = [i for i, s in enumerate(result.status) if s == "done"]
    assert 0 < len(done) < 6
    assert set(result.status) == {"done", "failed"}
    torch.testing.assert_close(result.images[done], whole.images[done])
