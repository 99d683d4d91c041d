"""How many rows fit."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from fusedream_sdk.runtime.memory import bytes_of_graph, bytes_of_row, rows_that_fit
from fusedream_sdk.scoring.augclip import AugCLIP
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.testing import ToyGenerator, ToyScorer, random_latents


def objective(n: int = 1, *, side: int = 16, count: int = 4, generator: ToyGenerator | None = None) -> AugCLIP:
    target = make_target(ToyScorer(8), ["red"] * n)
    return AugCLIP(generator or ToyGenerator(side), target, list(range(n)), count=count)


ROWS = random_latents(ToyGenerator(), 2)
ROW = {name: x[:1] for name, x in ROWS.items()}


class Heavy(ToyGenerator):
    """One whose weights are far larger than a picture."""

    weight = torch.ones(1 << 20)

    def __call__(self, latents):
        return super().__call__(latents) * (latents["z"][:, :1] * self.weight).mean(dim=1).sigmoid()[:, None, None, None]


def test_a_larger_picture_and_more_views_need_more_memory():
    small = bytes_of_graph(objective(), ROW)
    assert small > 3 * 16 * 16 * 4
    assert bytes_of_graph(objective(side=64), ROW) > 2 * small
    assert bytes_of_graph(objective(count=64), ROW) > 2 * small


def test_twice_the_budget_holds_twice_the_rows_and_the_smallest_holds_one():
    row = 2 * (bytes_of_graph(objective(2), ROWS) - bytes_of_graph(objective(1), ROW))
    assert rows_that_fit(objective, ROWS, 5.5 * row) == 5
    assert rows_that_fit(objective, ROWS, 11 * row) == 11
    assert rows_that_fit(objective, ROWS, 1) == 1


def test_the_weights_of_a_model_do_not_count_for_every_row():
    heavy = partial(objective, generator=Heavy(16))
    assert bytes_of_graph(heavy(1), ROW) >= 4 << 20
    assert rows_that_fit(heavy, ROWS, 100 << 20) > rows_that_fit(objective, ROWS, 100 << 20) / 2


def test_a_row_is_what_two_rows_take_more_than_one_and_as_much_again():
    assert bytes_of_row(objective, ROWS) == 2 * (bytes_of_graph(objective(2), ROWS) - bytes_of_graph(objective(1), ROW))


def test_where_two_rows_do_not_fit_one_is_tried_and_another_error_is_passed_on():
    def build(error: Exception, n: int) -> AugCLIP:
        if n == 2:
            raise error
        return objective(n)

    assert rows_that_fit(partial(build, torch.OutOfMemoryError("CUDA out of memory.")), ROWS, None) == 1
    with pytest.raises(RuntimeError, match="another"):
        rows_that_fit(partial(build, RuntimeError("another")), ROWS, None)


def test_without_a_budget_free_memory_decides():
    assert rows_that_fit(objective, ROWS, None) > 100


@pytest.mark.parametrize("name", ["z", "colour"])
def test_measuring_leaves_the_latents_alone(name: str):
    before = ROWS[name].clone()
    rows_that_fit(objective, ROWS, None)
    assert torch.equal(ROWS[name], before)
    assert not ROWS[name].requires_grad
