"""`tests.benchmarks.equal_score`: what is counted, and when a score is reached."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.testing import ToyScorer
from tests.benchmarks import equal_score
from tests.benchmarks.equal_score import OurRun, Ruler, Scores, Times, our_line, our_run, parsed, reference_result, speed_up
from tests.benchmarks.reference import Pair

LEAST, MOST = Scores(-1.0, -1.0, 0.0, 0), Scores(1.1, 1.1, 0.0, 0)
TIMES = [Times(batch=0.01, step=0.09, ours=scale, look=2 * scale, search=10 * scale, bank=100 * scale) for scale in (0.1, 1, 2)]
PROMPT = "a red apple"


@pytest.fixture
def ruler(monkeypatch: pytest.MonkeyPatch) -> Ruler:
    for name, value in {"BATCHES": 2, "STEPS": 2, "VIEWS": 2, "FRESH": 4}.items():
        monkeypatch.setattr(equal_score, name, value)
    return Ruler(ToyScorer(8), ToyScorer(8))


def test_changes_are_read_as_json_and_views_by_their_names():
    assert parsed("views=4,lr=0.1,mix=best,augment=public") == {
        "views": 4,
        "lr": 0.1,
        "mix": "best",
        "augment": fd.PUBLIC_VIEWS,
    }
    assert parsed("") == {}


def test_the_time_of_a_step_counts_search_evaluations_and_looks():
    one = TIMES[1]
    assert one.until(20, 10, bank=False) == 10 + 21 + 3 * 2
    assert one.until(20, 10, bank=True) == 10 + 21 + 3 * 2 + 100
    assert one.reference == 100


def test_a_prompt_that_is_never_reached_is_never_sooner():
    assert speed_up(TIMES, [20], 10, bank=False) == pytest.approx(100 / 37)
    assert speed_up(TIMES, [20, None, None], 10, bank=False) == 0
    assert speed_up(TIMES, [20, 0, None], 10, bank=False) == pytest.approx(100 / 37)


def test_the_first_look_that_is_as_good_is_the_one_that_counts(dream: fd.FuseDream, ruler: Ruler):
    assert our_run(dream, PROMPT, ruler, LEAST).reached == {"ours": 0, "public": 0}
    never = our_run(dream, PROMPT, ruler, MOST)
    assert never.reached == {"ours": None, "public": None}
    middle = Scores(never.end.ours, -1.0, 0.0, 0)
    reached = our_run(dream, PROMPT, ruler, middle).reached
    assert reached["ours"] is not None
    assert reached["ours"] % dream.settings.check_every == 0
    assert reached["public"] == 0


def test_both_are_scored_by_one_ruler(ruler: Ruler):
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    found = ruler(picture, PROMPT)
    assert found == ruler(picture, PROMPT)
    assert found.ours != found.public
    assert 0 <= found.place < 100


def test_what_is_kept_of_the_reference_is_read_again(dream: fd.FuseDream, ruler: Ruler, tmp_path: Path, monkeypatch):
    pair = Pair(dream.generator, dream.scorer)  # pyright: ignore[reportArgumentType]
    found = reference_result(pair, PROMPT, ruler, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["a-red-apple.safetensors"]
    draw = type(dream.generator).__call__

    def no_more(self: object, latents: dict[str, Tensor]) -> Tensor:
        pytest.fail("drew again")

    monkeypatch.setattr(type(dream.generator), "__call__", no_more)
    assert reference_result(pair, PROMPT, ruler, tmp_path / "cache") == found
    monkeypatch.setattr(type(dream.generator), "__call__", draw)
    monkeypatch.setattr(equal_score, "PROCEDURE", "another")
    reference_result(pair, PROMPT, ruler, tmp_path / "cache")
    assert reference_result(pair, PROMPT, ruler, None) == found


def test_a_row_has_a_cell_for_every_heading():
    run = OurRun({"ours": 20, "public": None}, Scores(0.6, 0.5, 0.4, 0))
    said = our_line("views=4", [run], TIMES, fd.Settings(steps=40)).split(" | ")
    assert len(said) == len(equal_score.HEAD)
    assert said[:7] == ["| views=4", "1 of 1", "2.7", "0.7", "0 of 1", "0.0", "0.0"]
    assert said[-4:] == ["0.600", "0.500", "0.400", "100% |"]
