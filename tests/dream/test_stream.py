"""Rows of many captions as they come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fusedream_sdk.batch.captions import Caption
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.stream import Drawer, as_captions, jobs_of
from fusedream_sdk.errors import InvalidInput, PluginFault
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.testing import ToyGenerator

MakeDream = Callable[..., FuseDream]


def test_rows_are_those_of_generate_one_by_one(dream: FuseDream):
    rows = list(dream.stream(["red", "blue"], seeds=[0, 1]))
    whole = dream.generate(["red", "blue"], seeds=[0, 1], progress=False)
    assert [(row.prompts, row.seeds) for row in rows] == [(whole[i].prompts, whole[i].seeds) for i in range(4)]
    assert torch.equal(torch.cat([row.images for row in rows]), whole.images)
    assert [row.row_json(0) for row in rows] == [whole.row_json(i) for i in range(4)]


def test_captions_may_be_a_file_and_have_seeds_and_settings_of_their_own(dream: FuseDream, tmp_path: Path):
    (tmp_path / "c.csv").write_text("prompt,seed,steps\nred,5,2\nblue,,\n")
    rows = list(dream.stream(tmp_path / "c.csv", range(2), steps=3))
    assert [(row.prompts[0], row.seeds[0], row.recipe.settings.steps) for row in rows] == [
        ("red", 5, 2),
        ("blue", 0, 3),
        ("blue", 1, 3),
    ]


def test_who_stops_listening_stops_the_work(make_dream: MakeDream):
    drawn: list[int] = []

    class Counting(ToyGenerator):
        def __call__(self, latents: Any) -> Any:
            drawn.append(1)
            return super().__call__(latents)

    rows = make_dream(Counting(16)).stream(["red"] * 50)
    next(rows)
    seen = len(drawn)
    rows.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert len(drawn) == seen
    assert next(rows, None) is None


def test_what_cannot_be_used_is_told_before_the_first_row(dream: FuseDream):
    with pytest.raises(InvalidInput, match="steps"):
        dream.stream("red", steps=0)
    with pytest.raises(InvalidInput, match="captions line 3: samples"):
        dream.stream([Caption("red", settings={"samples": 97}, line=3)])
    with pytest.raises(InvalidInput, match="progress"):
        dream.stream("red", progress=1)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput, match="a run of at most a year"):
        dream.stream("red", seeds=range(100_000), steps=1_000_000, views=1000)


def test_ctrl_c_in_the_midst_of_a_row_is_one(make_dream: MakeDream):
    class Stopping(ToyGenerator):
        left = 10**6

        def __call__(self, latents: Any) -> Any:
            Stopping.left -= 1
            if Stopping.left == 0:
                raise KeyboardInterrupt
            return super().__call__(latents)

    rows = make_dream(Stopping(16), settings={"samples": 1, "basis": 1, "steps": 40}).stream(["red", "blue"])
    next(rows)
    Stopping.left = 20
    with pytest.raises(KeyboardInterrupt):
        next(rows)


def test_the_fault_of_a_model_names_it(make_dream: MakeDream):
    class Faulty(ToyGenerator):
        calls = 0

        def __call__(self, latents: Any) -> Any:
            Faulty.calls += 1
            return super().__call__(latents) if Faulty.calls < 40 else 1 / 0

    rows = make_dream(Faulty(16), settings={"samples": 1, "basis": 1, "steps": 20}).stream(["red", "blue", "green"])
    with pytest.raises(PluginFault, match="the generator"):
        list(rows)


def test_other_things_are_no_captions():
    assert as_captions("red") == [Caption(Prompt("red"))]
    with pytest.raises(InvalidInput, match="captions: expected a Path of a file"):
        as_captions(7)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput, match="at least one sentence"):
        as_captions([])


@pytest.mark.usefixtures("together")
def test_rows_that_run_together_agree_with_those_alone(dream: FuseDream):
    method = load_method("fusedream")
    from fusedream_sdk.batch.plan import wanted_rows

    jobs = jobs_of(dream.settings, method, wanted_rows(as_captions(["red", "blue"]), 0), {})
    drawer = Drawer(dream.engine, method)
    torch.testing.assert_close(drawer(jobs).images[1:], drawer(jobs[1:]).images, atol=1e-4, rtol=0)
