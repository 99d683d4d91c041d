"""A stranger's code, called: what it raises, what it changes, and what it draws."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch

from fusedream_sdk.errors import PluginContractError
from fusedream_sdk.models.calls import (
    called,
    check_repeatable,
    check_rows_alone,
    check_unchanged,
    global_randomness,
    in_words,
    own_randomness,
)


def fails(*arguments: object, **options: object) -> None:
    raise RuntimeError("mat1 and mat2 shapes cannot be multiplied.\nand more")


def test_what_was_called_with_what_is_said_and_the_cause_is_chained():
    words = (
        r"generator: expected an answer to generator\(\{'z': \(2, 3\) float32\}, n=4\), got RuntimeError: mat1 and mat2 shapes "
    )
    with pytest.raises(PluginContractError, match=words + "cannot be multiplied.$") as caught:
        called("generator", fails, {"z": torch.zeros(2, 3)}, n=4)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert called("generator", max, 1, 2) == 2


@pytest.mark.parametrize("kind", [MemoryError, torch.OutOfMemoryError, PluginContractError, KeyboardInterrupt])
def test_what_is_no_breach_or_already_said_stays_what_it_is(kind: type[BaseException]):
    def raises() -> None:
        raise kind("as it is")

    with pytest.raises(kind, match=r"^as it is$"):
        called("generator", raises)


def test_arguments_are_shown_in_a_few_words():
    assert in_words(["a", "b", "c", "d"]) == "['a', 'b', 'c', ...]"
    assert in_words(torch.Generator()) == "..."
    assert in_words({"x": [torch.zeros(1, dtype=torch.long)]}) == "{'x': [(1,) int64]}"


@pytest.mark.parametrize(
    ("use", "library"), [(lambda: torch.rand(1), "torch"), (lambda: np.random.rand(), "numpy"), (random.random, "random")]
)
def test_the_use_of_a_global_generator_is_found_and_undone(use: Callable[[], object], library: str):
    before = global_randomness()
    message = f"scorer: expected no use of {library}'s global random state.* Do not."
    with pytest.raises(PluginContractError, match=message), own_randomness("scorer", "Do not."):
        use()
    assert global_randomness() == before


def test_the_use_of_a_global_generator_is_the_reason_of_what_else_is_broken():
    with pytest.raises(PluginContractError, match="expected no use of torch's") as caught, own_randomness("scorer", ""):
        check_repeatable("scorer", torch.rand(2), torch.rand(2), 1e-4, "")
    assert "the same answer twice" in str(caught.value.__cause__)
    with pytest.raises(PluginContractError, match="the same answer twice"), own_randomness("scorer", ""):
        check_repeatable("scorer", torch.zeros(2), torch.ones(2), 1e-4, "")


def test_who_draws_from_a_generator_of_its_own_is_left_alone():
    with own_randomness("scorer", ""):
        torch.rand(1, generator=torch.Generator().manual_seed(0))


def test_a_change_in_place_is_named():
    latents = {"z": torch.zeros(2), "y": torch.ones(2)}
    check_unchanged("generator", latents, dict(latents))
    with pytest.raises(PluginContractError, match="generator: expected what it is given 'y' to stay as it was"):
        check_unchanged("generator", latents, {**latents, "y": torch.zeros(2)})
    with pytest.raises(PluginContractError, match="to stay as it was"):
        check_unchanged("generator", latents, {**latents, "extra": torch.zeros(2)})


def test_rows_and_repetitions_are_compared_up_to_a_tolerance():
    check_rows_alone("x", torch.ones(2), torch.ones(2) + 1e-5, 1e-4)
    check_repeatable("x", torch.ones(2), torch.ones(2) + 1e-5, 1e-4, "")
    for wrong in (torch.ones(2) + 1, torch.full((2,), torch.nan), torch.ones(3)):
        with pytest.raises(PluginContractError):
            check_rows_alone("x", torch.ones(2), wrong, 1e-4)
        with pytest.raises(PluginContractError):
            check_repeatable("x", torch.ones(2), wrong, 1e-4, "Fix it.")
