"""Models ready to run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from fusedream_sdk.errors import PluginContractError, UnknownPlugin
from fusedream_sdk.latents import Latents
from fusedream_sdk.models.compiled import CompiledGenerator, CompiledScorer
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.run.judge import Judge
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.testing import ToyGenerator, ToyScorer
from tests.run.toys import Drawing, engine

RED = [(Prompt("red"), 0)]
TOYS = {"toys": "def distance(*, scorer=None, device=None): return Distance(scorer)\n"}
TOYS["toys"] += """
class Distance:
    def __init__(self, scorer): self.scorer = scorer
    def __call__(self, a, b): return (a - b).square().mean(dim=(1, 2, 3))
"""


def test_models_that_lack_a_member_are_refused_when_the_engine_is_made():
    with pytest.raises(PluginContractError, match="generator: expected the members"):
        engine(ToyScorer(8))
    with pytest.raises(PluginContractError, match="scorer: expected"):
        engine(scorer=ToyGenerator(16))


def test_the_contracts_are_tried_out_on_the_first_rows_and_never_again():
    toy = Drawing()
    made = engine(toy)
    assert toy.drawn == 0
    made.rows(RED)
    tried = toy.drawn
    assert tried > 0
    rows = made.rows([(Prompt("red"), 0), (Prompt("blue"), 5)])
    made.check_once()
    assert toy.drawn == tried
    assert rows.seeds == (0, 5)
    torch.testing.assert_close(rows.target.embeddings, ToyScorer(8).encode_text(["red", "blue"]))  # pyright: ignore[reportAttributeAccessIssue]


def test_a_model_that_breaks_its_contract_is_told_on_every_try():
    class Loud(ToyGenerator):
        def __call__(self, latents: Latents) -> Tensor:
            return 3 * super().__call__(latents)

    made = engine(Loud(16))
    for _ in range(2):
        with pytest.raises(PluginContractError, match=r"expected images in \[0, 1\]"):
            made.rows(RED)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_models_run_in_the_format_of_the_engine(dtype: torch.dtype):
    with engine(dtype=dtype).precision():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_a_named_distance_is_loaded_on_its_first_use_once_and_shares_the_scorer(install: Callable[..., Path]):
    made = engine(perceptual="toy-distance")  # not there yet
    install("toys", "[fusedream_sdk.perceptual]\ntoy-distance = toys:distance\n", **TOYS)
    assert made.perceptual is made.perceptual
    assert made.perceptual.name == "toy-distance"
    assert made.perceptual.model.scorer is made.scorer.model


def test_another_distance_is_loaded_by_its_name_once(install: Callable[..., Path]):
    install("toys", "[fusedream_sdk.perceptual]\ntoy-distance = toys:distance\n", **TOYS)
    made = engine()
    assert made.distance("toy-distance") is made.distance("toy-distance")
    assert made.distance("toy-distance").model.scorer is made.scorer.model
    with pytest.raises(UnknownPlugin, match="perceptual: expected one of"):
        made.distance("there-is-none")


def test_a_distance_that_is_not_installed_is_missed_only_where_it_is_used():
    made = engine(perceptual="there-is-none")
    made.rows(RED)
    with pytest.raises(UnknownPlugin, match="perceptual: expected one of"):
        made.perceptual  # noqa: B018


def test_an_engine_with_another_generator_keeps_all_else():
    def distance(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).abs().mean(dim=(1, 2, 3))

    judge = Judge("nobody", torch.device("cpu"))
    one = engine(dtype=torch.bfloat16, budget=5.0, perceptual=distance, judge=judge)
    other = Loaded(ToyGenerator(24), "other")
    made = one.drawing_with(other)
    assert made.generator is other
    assert made.scorer is one.scorer
    assert (made.dtype, made.budget, made.device) == (torch.bfloat16, 5.0, one.device)
    assert made.perceptual.model is distance
    assert made.judge is judge


def test_an_objective_has_compiled_models_and_nothing_else_has(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    plain, compiling = engine(), engine(compiles=True)
    assert plain.at_work == (plain.generator.model, plain.scorer.model)
    assert plain.uncompiled is plain
    drawer, reader = compiling.at_work
    assert isinstance(drawer, CompiledGenerator)
    assert isinstance(reader, CompiledScorer)
    assert (drawer.model, reader.model) == (compiling.generator.model, compiling.scorer.model)
    assert compiling.about == f"{plain.about}, compiled"
    assert compiling.drawing_with(Loaded(ToyGenerator(32), None)).compiles
    assert not compiling.uncompiled.compiles
    assert compiling.uncompiled.generator is compiling.generator
