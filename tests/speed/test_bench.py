"""What a step takes, measured on toy models."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import fusedream_sdk as fd
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, PluginFault
from fusedream_sdk.latents import Latents
from fusedream_sdk.speed import bench as benching
from fusedream_sdk.speed.stages import WORK
from fusedream_sdk.speed.table import LOOKS
from fusedream_sdk.testing import ToyConditioned, ToyGenerator, ToyReward, ToyScorer


@pytest.fixture(autouse=True)
def small_product(monkeypatch) -> None:
    monkeypatch.setitem(benching.SIDES, "cpu", 64)


def test_it_is_public():
    assert fd.bench is benching.bench


def test_every_stage_is_there_and_together_they_are_the_step(dream: FuseDream):
    found = fd.bench(dream, views=2, rounds=3)
    assert [stage.name for stage in found.stages] == [*WORK, LOOKS]
    assert all(stage.seconds > 0 for stage in found.stages)
    assert found.rest + sum(stage.seconds for stage in found.stages) == pytest.approx(found.step)
    assert (found.views, found.rows, found.rounds, found.check_every) == (2, 1, 3, 2)
    assert min(found.limit, found.reference, found.ratio, found.without_looks) > 0
    assert found.ratio < found.without_looks
    assert found.memory is None  # objects have no name
    assert found.models == "a ToyGenerator with a ToyScorer: 16 x 16 pixels, float32 on cpu"


def test_operations_are_counted_where_they_are_done(make_dream):
    found = fd.bench(make_dream(), views=5, rounds=1)
    flop = {stage.name: stage.flop for stage in found.stages}
    product = 2 * 5 * 48 * 24  # of the toy scorer, 48 pixels to 24 numbers
    assert flop["scorer"] == flop["back through the scorer"] == product
    assert flop["generator"] == flop["back through the generator"] == 0
    assert flop[LOOKS] >= 2 * 4 * 48 * 24 / 2  # 4 held-out views in every second step
    assert found.flop == sum(flop.values())


def test_numbers_are_of_one_row(make_dream):
    one, three = (fd.bench(make_dream(), views=5, rounds=1, rows=rows) for rows in (1, 3))
    assert three.rows == 3
    assert [stage.flop for stage in one.stages] == [stage.flop for stage in three.stages]


def test_fifty_views_are_those_of_the_public_code_and_without_random_ones_there_is_one(dream: FuseDream):
    assert fd.bench(dream, rounds=1).views == 50
    assert fd.bench(dream, rounds=1, augment=fd.NO_VIEWS).views == 1
    assert fd.bench(dream, rounds=1, views=2, augment=fd.PUBLIC_VIEWS).views == 2


def test_the_last_point_is_not_looked_for(make_dream):
    found = fd.bench(make_dream(settings={"keep": "last"}), views=2, rounds=1)
    assert found.stages[-1].seconds == found.stages[-1].flop == 0


def test_a_generator_that_depends_on_the_prompt_and_a_reward_will_do(make_dream):
    assert fd.bench(make_dream(ToyConditioned(16), ToyReward()), views=2, rounds=1).ratio > 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"views": 0}, "views: expected an integer of at least 1, got 0"),
        ({"rounds": 0}, "rounds: expected an integer of at least 1, got 0"),
        ({"rounds": True}, "rounds: expected an integer of at least 1"),
        ({"rows": 0}, "rows: expected an integer of at least 1, got 0"),
        ({"rows": 1001}, "rows: expected an integer of at least 1 and at most 1,000, got 1001"),
        ({"progress": 3}, "progress: expected True or False"),
        ({"steps": 3}, "steps: expected nothing, as single steps are timed, got 3"),
        ({"view": 3}, "view"),
        ({"views": 3, "augment": fd.NO_VIEWS}, "views: expected nothing, as without random views there is one"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(dream: FuseDream, given: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        fd.bench(dream, **given)


@pytest.mark.parametrize("strange", [None, 5, "emoji", object()])
def test_what_is_no_fusedream_is_refused(strange: Any):
    with pytest.raises(InvalidInput, match=r"dream: expected a FuseDream, got .*Make one"):
        fd.bench(strange)


def test_a_fault_of_a_model_has_its_name(make_dream):
    class Faulty(ToyGenerator):
        calls = 0

        def __call__(self, latents: Latents) -> torch.Tensor:
            self.calls += 1
            if self.calls > 8:
                raise ZeroDivisionError("divided by zero")
            return super().__call__(latents)

    with pytest.raises(PluginFault, match=r"Faulty.*divided by zero"):
        fd.bench(make_dream(Faulty(16)), views=2, rounds=20)


def test_a_processor_has_a_name_also_where_the_system_does_not_say(monkeypatch, tmp_path):
    assert benching.device_name(torch.device("cpu"))
    monkeypatch.setattr(benching, "PROCESSORS", tmp_path / "none")
    assert benching.device_name(torch.device("cpu"))


@pytest.mark.parametrize("scorer", [ToyScorer(8), ToyReward()])
def test_a_compiled_step_is_timed_in_turns_with_one_that_is_not(monkeypatch, scorer: Any):
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    dream = FuseDream(generator=ToyGenerator(16), scorer=scorer, settings={"steps": 7}, compile=True)
    found = fd.bench(dream, views=5, rounds=1, rows=2)
    assert found.models.endswith(", compiled")
    assert found.compiling is not None
    assert found.compiling.steps == 7
    assert min(found.compiling.seconds, found.compiling.uncompiled, found.compiling.ratio) > 0
    assert found.memory is None
    assert (found.stages[2].flop > 0) == isinstance(scorer, ToyScorer)
