"""Every method with every kind of generator and scorer: each pair draws, or says in one sentence why it cannot.

Methods are picked up by name. A new one needs no line here.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import contains
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.models.registry import list_methods, takes
from fusedream_sdk.run.result import Result
from fusedream_sdk.search.starts import drawn_starts
from fusedream_sdk.testing import check_generator
from tests.methods.matrix_toys import GENERATORS, SCORERS

SMALL = {"population": 4, "updates": 1, "last": 1, "published": False}  # for every method that takes such an option
QUICK: dict[str, Any] = {"samples": 8, "bank": 64, "basis": 2, "check_every": 1, "check_views": 2, "report_views": 2}
FEW = {"steps": 2, "views": 2}
EVERYWHERE = ("fusedream", "random-search")  # no part of theirs asks anything of a generator or a scorer


def small(name: str) -> Method:
    """A method that is quick on toys."""
    return load_method(name, **{option: value for option, value in SMALL.items() if takes("methods", name, option)})


def toys(generator: str, scorer: str) -> FuseDream:
    models = {"generator": GENERATORS[generator](), "scorer": SCORERS[scorer]()}
    return FuseDream(**models, dtype="float32", settings={**QUICK, "lr": 0.05, "noise": 0.0})


def drawn(dream: FuseDream, method: Method) -> Result | InvalidInput:
    """Two steps of two rows, from a start where the method asks for one; or why there are none."""
    changes: dict[str, Any] = {name: value for name, value in FEW.items() if name not in method.unused}
    asked: dict[str, Any] = {"method": method, "progress": False, **changes}
    try:
        return dream.generate(["a red disc", "a blue disc"], **asked)
    except InvalidInput as error:
        if error.argument != "start":
            return error
    start = {name: x[:, 0] for name, x in drawn_starts(dream.generator, ["a red disc"], [7]).items()}
    try:
        return dream.generate(["a red disc", "a blue disc"], start=start, **asked)
    except InvalidInput as error:
        return error


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("name", list_methods())
def test_a_method_draws_or_says_why_it_cannot(name: str, generator: str, scorer: str):
    dream = toys(generator, scorer)
    made = drawn(dream, small(name))
    if isinstance(made, InvalidInput):
        assert name not in EVERYWHERE
        assert made.fix
        assert "\n" not in str(made)
        return
    assert made.images.shape == (2, 3, 16, 16)
    assert all(bool(torch.isfinite(x).all()) for x in (made.images, made.scores["augclip"], *made.latents.values()))
    assert contains(made.latents, dream.generator.space)
    torch.testing.assert_close(dream.generator(made.latents).clamp(0, 1), made.images)
    assert made.row_json(0).get("steering", {"name": "fusedream"})["name"] == name


@pytest.mark.parametrize("name", list_methods())
def test_every_method_draws_with_some_toys(name: str):
    assert any(isinstance(drawn(toys(generator, "scorer"), small(name)), Result) for generator in GENERATORS)


@pytest.mark.parametrize("name", ["labels", "grid"])
def test_the_toys_keep_the_contract(name: str):
    check_generator(GENERATORS[name]())
