"""What a run would take, measured on toy models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from fusedream_sdk.dream import measure as measuring
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, NotEnoughMemory, UnknownPlugin
from fusedream_sdk.latents import Latents
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.models.loading import ModelPair
from fusedream_sdk.run.estimate import Estimate
from fusedream_sdk.run.task import Task, direct, searched
from fusedream_sdk.testing import ToyConditioned, ToyGenerator, ToyReward, ToyScorer
from tests.cli.toys import add_toys

MakeDream = Callable[..., FuseDream]
NUMBERS = ("picture_seconds", "graph_bytes", "held_bytes", "picture_bytes", "seconds", "memory", "disk")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time passes only while a toy draws: a second for each picture."""
    clock = Clock()
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: clock.now)
    return clock


class Clock:
    """Seconds that have passed."""

    now = 0.0


class Slow(ToyGenerator):
    """Takes a second of a clock for each picture."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(16)
        self._clock = clock

    def __call__(self, latents: Latents) -> Tensor:
        self._clock.now += len(latents["z"])
        return super().__call__(latents)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("method", ["fusedream", "clip-adam", "random-search?population=4"])
def test_every_number_is_above_nothing_and_the_whole_is_what_its_parts_are(dream: FuseDream, method: str):
    found = dream.estimate(["red", "blue"], seeds=[0, 1, 2], method=method)
    assert (found.pictures, found.at_once) == (6, 1)
    assert all(getattr(found, name) > 0 for name in NUMBERS)
    assert found.seconds == found.bank_seconds + 6 * found.picture_seconds
    assert found.disk == found.bank_bytes + 6 * found.picture_bytes
    assert found.memory == found.graph_bytes + found.held_bytes
    assert found.models == dream.engine.about


def test_steps_looks_report_and_bank_are_counted(make_dream: MakeDream, clock: Clock):
    found = make_dream(Slow(clock)).estimate("red")
    assert found.picture_seconds == 7 + 4 + 1  # evaluations of 6 steps, looks at 0, 2, 4 and 6, the rendered picture
    assert found.bank_seconds == 96
    fewer = make_dream(Slow(clock)).estimate("red", steps=1, check_every=1, samples=1, basis=1)
    assert (fewer.picture_seconds, fewer.bank_seconds) == (2 + 2 + 1, 0)


def test_the_steps_that_refine_members_are_counted(make_dream: MakeDream, clock: Clock):
    method = load_method("basin-cma", population=4, updates=3, last=6)
    found = make_dream(Slow(clock)).estimate("red", method=method, steps=2, check_every=2)
    assert found.picture_seconds == 4 * (2 * (3 + 1) + 6 + 1) + 2 + 1  # points of four members, looks, the rendered picture


def test_members_that_are_refined_for_years_are_refused(make_dream: MakeDream):
    with pytest.raises(InvalidInput, match="steps: expected a run of at most a year"):
        make_dream().estimate("red", method="basin-cma?updates=1000000&population=100", steps=1_000_000)


def test_twice_the_rows_take_twice_the_time_and_the_disk(make_dream: MakeDream, clock: Clock):
    dream = make_dream(Slow(clock), settings={"samples": 1, "basis": 1})
    one, two = dream.estimate("red", seeds=range(3)), dream.estimate(["red", "blue"], seeds=range(3))
    assert two.pictures == 2 * one.pictures
    assert (two.seconds, two.disk, two.held_bytes) == (2 * one.seconds, 2 * one.disk, 2 * one.held_bytes)
    assert two.graph_bytes == one.graph_bytes


def test_twice_the_steps_take_about_twice_the_time(make_dream: MakeDream, clock: Clock):
    dream = make_dream(Slow(clock))
    assert 1.9 < dream.estimate("red", steps=400).picture_seconds / dream.estimate("red", steps=200).picture_seconds < 2.1


def test_memory_grows_with_the_views_the_members_and_the_bank(dream: FuseDream):
    few, many = dream.estimate("red", views=2), dream.estimate("red", views=20)
    assert many.graph_bytes > 5 * few.graph_bytes
    assert dream.estimate("red", bank=960).held_bytes > few.held_bytes
    four, eight = (dream.estimate("red", method=f"random-search?population={n}") for n in (4, 8))
    assert eight.graph_bytes == 2 * four.graph_bytes


@pytest.mark.usefixtures("together")
def test_rows_at_once_are_those_that_fit_and_no_more_than_there_are(make_dream: MakeDream):
    alone = make_dream(memory_gb=1e-9).estimate("red", seeds=range(5))
    together = make_dream(memory_gb=4).estimate("red", seeds=range(5))
    assert (alone.at_once, together.at_once) == (1, 5)
    assert together.graph_bytes == 5 * alone.graph_bytes


def test_no_bank_is_counted_where_it_is_there_or_of_no_use(make_dream: MakeDream):
    dream = make_dream()
    missing = dream.estimate("red")
    assert missing.bank_seconds > 0
    assert missing.bank_bytes == 96 * 24 * 2
    ways: list[dict[str, Any]] = [{"samples": 1, "basis": 1}, {"method": "random-search"}]
    for options in ways:
        unused = dream.estimate("red", **options)
        assert (unused.bank_seconds, unused.bank_bytes) == (0, 0)
        assert unused.held_bytes < missing.held_bytes
    dream.bank(progress=False)
    for there in (dream.estimate("red"), make_dream().estimate("red")):  # in memory; in the cache folder
        assert (there.bank_seconds, there.bank_bytes) == (0, 0)
        assert there.held_bytes == missing.held_bytes


@pytest.mark.parametrize(
    "models", [(ToyConditioned(16), ToyScorer(8)), (ToyGenerator(16), ToyReward())], ids=["told", "reward"]
)
def test_where_no_bank_can_serve_each_picture_is_searched_for(make_dream: MakeDream, models: tuple[Any, Any]):
    dream = make_dream(*models)
    found = dream.estimate("red", samples=64, bank=640)
    assert (found.bank_seconds, found.bank_bytes) == (0, 0)
    assert dream.estimate("red", samples=640, bank=640).picture_seconds > 2 * found.picture_seconds


def test_nothing_is_written_or_built(dream: FuseDream, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    dream.estimate("red", seeds=range(4))
    assert files(own_cache) == files(tmp_path) == []
    assert dream.engine.known_bank(dream.settings) is None


def test_the_next_picture_is_what_it_would_have_been(make_dream: MakeDream):
    dream = make_dream()
    state = torch.get_rng_state()
    dream.estimate("red", seeds=[3], noise=0.1)
    assert torch.equal(torch.get_rng_state(), state)
    images = dream.generate("red", seeds=3, progress=False).images
    assert torch.equal(images, make_dream().generate("red", seeds=3, progress=False).images)


def test_the_folder_is_as_large_as_was_said_at_most(make_dream: MakeDream, tmp_path: Path):
    dream = make_dream(ToyGenerator(64), settings={"samples": 1, "basis": 1})
    said = dream.estimate("red", seeds=range(4)).disk
    dream.generate("red", seeds=range(4), progress=False, into=tmp_path / "out")
    taken = sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert said / 3 < taken < said


def test_the_bank_is_as_large_as_was_said(dream: FuseDream):
    said = dream.estimate("red").bank_bytes
    dream.bank(progress=False)
    assert said <= dream.bank_recipe().path.stat().st_size < said + 1000


def test_the_judge_of_the_pair_is_counted(make_dream: MakeDream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(add_toys(tmp_path / "packages")))
    dream = FuseDream(ModelPair("toy", "toy", settings={"steps": 2, "samples": 1, "basis": 1}, judge="toy"))
    judge, seen = dream.engine.judge, []
    assert judge is not None
    monkeypatch.setattr(type(judge), "scores", lambda self, images, prompts: seen.append(len(images)))
    dream.estimate("red", seeds=range(3))
    assert seen == [1, 1]  # loaded, then measured
    dream.estimate("red", judge=False)
    assert seen == [1, 1]


def test_a_method_of_one_s_own_is_measured_without_its_search(dream: FuseDream):
    def best(task: Task) -> Latents:
        return searched(task)

    assert isinstance(dream.estimate("red", method=Method(starts=best)), Estimate)
    assert isinstance(dream.estimate("red", method=Method(starts=best, parametrise=direct), basis=1), Estimate)
    assert dream.engine.known_bank(dream.settings) is None


def test_models_that_fail_on_the_way_are_measured_as_far_as_they_come(make_dream: MakeDream):
    class Failing(ToyReward):
        def score(self, images: Tensor, prompts: Any) -> Tensor:
            scores = super().score(images, prompts)
            return scores * torch.nan if failing and images.requires_grad else scores

    dream, failing = make_dream(scorer=Failing()), False
    dream.engine.check_once()
    failing = True
    assert dream.estimate("red", samples=4, bank=4).seconds > 0


def test_where_two_rows_do_not_fit_one_row_is_measured(make_dream: MakeDream):
    class Small(ToyGenerator):
        def __call__(self, latents: Latents) -> Tensor:
            if latents["z"].requires_grad and len(latents["z"]) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return super().__call__(latents)

    assert make_dream(Small(16)).estimate("red").graph_bytes >= make_dream().estimate("red").graph_bytes
    assert not issubclass(torch.OutOfMemoryError, NotEnoughMemory)


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        ("", {}, "prompts: expected a sentence"),
        ("red", {"seeds": -1}, r"seeds"),
        ("red", {"steps": 0}, r"steps: expected"),
        ("red", {"stepps": 3}, r"expected a setting|stepps"),
        ("red", {"method": "random-search", "lr": 0.1}, r"lr: expected nothing"),
        ("red", {"samples": 1, "basis": 1, "bank": 9}, r"bank: expected nothing"),
        ("red", {"seeds": range(10**6), "steps": 10**6, "views": 10**4}, "steps: expected a run of at most a year"),
    ],
)
def test_what_generate_refuses_is_refused(dream: FuseDream, words: str, options: dict[str, Any], message: str):
    for verb in (dream.estimate, dream.generate):
        with pytest.raises(InvalidInput, match=message):
            verb(words, **options)


def test_an_unknown_method_is_refused(dream: FuseDream):
    with pytest.raises(UnknownPlugin):
        dream.estimate("red", method="none-such")


def test_nothing_is_compiled_for_an_estimate(monkeypatch):
    def fails(function: object, **options: object) -> None:
        raise AssertionError("compiled")

    monkeypatch.setattr(torch, "compile", fails)
    dream = FuseDream(generator=ToyGenerator(16), scorer=ToyScorer(8), settings={"samples": 1, "basis": 1}, compile=True)
    assert "compiled" not in dream.estimate("red", steps=3, views=2).models
