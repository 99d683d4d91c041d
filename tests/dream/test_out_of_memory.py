"""An accelerator whose memory ends in the midst of a run: the rows go on in smaller chunks, and come to the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import NotEnoughMemory
from fusedream_sdk.latents import Latents
from fusedream_sdk.testing import ToyGenerator, ToyReward, random_latents
from tests.dream.test_fusedream import same_rows
from tests.run.toys import content
from tests.scenes.toys import composer, same_candidates

MakeDream = Callable[..., FuseDream]
PROMPTS, SEEDS = ["a red ball", "a blue ball"], [3, 4, 5]


class Small(ToyGenerator):
    """Holds the graphs of so many rows.

    Args:
        most: rows.
        after: batches of more rows that it draws before its memory ends.
        always: whether passes without a gradient count too.
    """

    fingerprint = "the toy of 16"

    def __init__(self, most: int = 1000, after: int = 0, *, always: bool = False) -> None:
        super().__init__(16)
        self.most, self.after, self.always, self.sizes = most, after, always, []

    def __call__(self, latents: Latents) -> Tensor:
        rows = len(latents["z"])
        if self.always or (torch.is_grad_enabled() and latents["z"].requires_grad):
            self.sizes.append(rows)
            if rows > self.most:
                self.after -= 1
                if self.after < 0:
                    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return super().__call__(latents)


@pytest.mark.usefixtures("together")
@pytest.mark.parametrize("after", [3, 6])  # after the measure of two rows; in the midst of a chunk
@pytest.mark.parametrize("most", [1, 2, 4])
@pytest.mark.parametrize("changes", [{}, {"basis": 1}, {"method": "clip-adam"}], ids=str)
def test_generate_goes_on_with_fewer_rows_and_comes_to_the_same(make_dream: MakeDream, most: int, after: int, changes: dict):
    options = {"seeds": SEEDS, "progress": False, "noise": 0.02, **changes}
    small = Small(most, after)
    result = make_dream(small, memory_gb=4).generate(PROMPTS, **options)
    assert max(small.sizes) == 6
    assert small.sizes[-1] <= most
    same_rows(result, make_dream(Small(), memory_gb=1e-9).generate(PROMPTS, **options))


@pytest.mark.usefixtures("together")
def test_where_not_even_the_measure_of_two_rows_fits_rows_run_alone(make_dream: MakeDream):
    result = make_dream(Small(1)).generate(PROMPTS, seeds=SEEDS, progress=False)
    same_rows(result, make_dream(Small(), memory_gb=1e-9).generate(PROMPTS, seeds=SEEDS, progress=False))


@pytest.mark.usefixtures("together")
def test_a_folder_takes_every_picture_once(make_dream: MakeDream, tmp_path: Any):
    options = {"seeds": SEEDS, "progress": False}
    make_dream(Small(2, 3), memory_gb=4).generate(PROMPTS, into=tmp_path / "small", **options)
    make_dream(Small(2), memory_gb=1.0).generate(PROMPTS, into=tmp_path / "large", **options)
    assert content(tmp_path / "small").keys() == content(tmp_path / "large").keys()
    assert len(list((tmp_path / "small").glob("*.png"))) == 6


@pytest.mark.usefixtures("together")
@pytest.mark.parametrize("most", [2, 6])  # each candidate's two layers are drawn together
@pytest.mark.parametrize("after", [3, 10])
@pytest.mark.parametrize("changes", [{}, {"halving": 2}, {"free": True, "halving": 3}], ids=str)
def test_compose_goes_on_with_fewer_candidates_and_comes_to_the_same(most: int, after: int, changes: dict):
    spots = ["left", "top", "right", "centre", "bottom"]
    options = {"places": spots, "seeds": [0, 1], "noise": 0.02, "progress": False, **changes}
    small = Small(most, after)
    made = composer(small, memory_gb=4).compose("red and blue", **options)
    assert max(small.sizes) == 10
    assert small.sizes[-1] <= most
    alone = composer(Small(), memory_gb=1e-9).compose("red and blue", **options)
    same_candidates(made, alone, atol=2e-3)  # what other sizes of batch, rounded otherwise, come to after six steps


@pytest.mark.usefixtures("together")
@pytest.mark.parametrize("models", ["bank", "reward"])
def test_bank_search_and_rendering_go_on_with_fewer_pictures_too(make_dream: MakeDream, models: str):
    options: dict[str, Any] = {"seeds": SEEDS, "progress": False, "samples": 48, "bank": 70}
    scorer = ToyReward() if models == "reward" else None
    small = Small(3, always=True)
    made = make_dream(small, scorer, memory_gb=4)
    made.engine.check_once()
    result = made.generate(PROMPTS, **options)
    assert {32, 3} <= set(small.sizes) if models == "bank" else {48, 3} <= set(small.sizes)
    same_rows(result, make_dream(Small(), scorer, memory_gb=1e-9).generate(PROMPTS, **options))


@pytest.mark.usefixtures("together")
@pytest.mark.parametrize("most", [1, 2])
def test_invert_goes_on_with_fewer_starts_and_comes_to_the_same(most: int):
    with torch.no_grad():
        picture = ToyGenerator(16)(random_latents(ToyGenerator(16), 1))[0]
    options: dict[str, Any] = {"starts": 5, "trial": 4, "steps": 6, "progress": False}
    small = Small(most, 4)
    small.always = most == 2
    found = composer(small, memory_gb=4).invert(picture, **options)
    assert max(small.sizes) >= 5
    alone = composer(Small(), memory_gb=1e-9).invert(picture, **options)
    torch.testing.assert_close(found.images, alone.images, atol=1e-4, rtol=0)


@pytest.mark.parametrize("fixtures", ["together", "alone"])
def test_one_row_that_does_not_fit_is_told(make_dream: MakeDream, request: pytest.FixtureRequest, fixtures: str):
    if fixtures == "together":
        request.getfixturevalue(fixtures)
    with pytest.raises(NotEnoughMemory, match=r"one row at a time, but it ran out. Ask for fewer views \(--views\)"):
        make_dream(Small(0, 4)).generate(PROMPTS, seeds=SEEDS, progress=False)
