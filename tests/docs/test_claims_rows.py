"""`tests.benchmarks.claims`: rows that are kept, prompts, and what single claims compute of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.evaluation.bootstrap import Bootstrap, Interval
from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.testing import ToyScorer
from tests.benchmarks.claims import composition, figures, smoothness
from tests.benchmarks.claims.composition import SUMS, tuned
from tests.benchmarks.claims.frame import (
    Asked,
    Paired,
    Values,
    coloured,
    couples,
    judged,
    one_by_one,
    paired,
    row_file,
    row_sheet,
    two_things,
)
from tests.benchmarks.claims.optimisers import geometric
from tests.benchmarks.claims.verdict import Sheet
from tests.benchmarks.judging import candidates
from tests.benchmarks.two_objects import things

# What is asked for, and rows


def asked_of(folder: Path, prompts: int = 2, seeds: tuple[int, ...] = (0, 1), **settings: int) -> Asked:
    return Asked(folder, prompts, seeds, settings, bootstrap=Bootstrap(resamples=200))


def counted() -> tuple[list[tuple[str, str, int]], Callable[[str, str, int], Values]]:
    calls: list[tuple[str, str, int]] = []

    def make(way: str, prompt: str, seed: int) -> Values:
        calls.append((way, prompt, seed))
        return {"x": len(prompt) + 10 * seed + (way == "b"), "first": way == "b"}

    return calls, make


def test_a_folder_is_gone_on_with_by_resume_alone_and_with_the_same_settings(tmp_path: Path):
    folder = tmp_path / "runs" / "claim"
    asked_of(folder, steps=3).open(3, resume=False)
    with pytest.raises(InvalidInput, match="--resume"):
        asked_of(folder, steps=3).open(3, resume=False)
    asked_of(folder, prompts=9, seeds=(4,), steps=3).open(3, resume=True)
    for other, claim in ((asked_of(folder, steps=4), 3), (asked_of(folder, steps=3), 4)):
        with pytest.raises(InvalidInput, match="the same options"):
            other.open(claim, resume=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    with pytest.raises(InvalidInput, match="begun"):
        asked_of(tmp_path / "mine").open(3, resume=True)


def test_prompts_that_are_drawn_together_are_the_same_rows(tmp_path: Path):
    _, make = counted()
    blocks: list[tuple[str, list[str], list[int]]] = []

    def draw(way: str, prompts: list[str], seeds: list[int]) -> Sequence[Values]:
        blocks.append((way, prompts, seeds))
        return one_by_one(make)(way, prompts, seeds)

    prompts = ["one", "three", "fourth"]
    together = paired(replace(asked_of(tmp_path / "some"), together=2), prompts, ["a", "b"], draw)
    assert blocks[:3] == [("a", prompts[:2], [0, 1]), ("b", prompts[:2], [0, 1]), ("a", prompts[2:], [0, 1])]
    assert together == paired(asked_of(tmp_path / "each"), prompts, ["a", "b"], one_by_one(make))
    row_file(asked_of(tmp_path / "some"), "b", "three", 1).unlink()
    blocks.clear()
    assert paired(replace(asked_of(tmp_path / "some"), together=3), prompts, ["a", "b"], draw) == together
    assert blocks == [("b", ["three"], [0, 1])]


def test_rows_that_are_there_are_not_measured_again(tmp_path: Path):
    calls, make = counted()
    first = paired(asked_of(tmp_path), ["one", "three"], ["a", "b"], one_by_one(make))
    assert calls[:3] == [("a", "one", 0), ("b", "one", 0), ("a", "one", 1)]  # all ways of a row, then the next
    assert len(calls) == 8
    again = paired(asked_of(tmp_path), ["one", "three"], ["a", "b"], one_by_one(make))
    assert len(calls) == 8
    assert again == first
    row_file(asked_of(tmp_path), "b", "three", 0).write_text("{half")
    paired(asked_of(tmp_path), ["one", "three", "fourth"], ["a", "b"], one_by_one(make))
    assert calls[8:] == [("b", "three", 0), *((way, "fourth", seed) for seed in (0, 1) for way in ("a", "b"))]


def test_the_pictures_of_rows_are_judged_again_and_not_drawn(tmp_path: Path):
    asked, (calls, make) = asked_of(tmp_path, seeds=(0, 3)), counted()
    rows = paired(asked, ["one", "three"], ["a", "b"], one_by_one(make))
    for way, shade in (("a", 0.0), ("b", 1.0)):
        for prompt in ("one", "three"):
            for seed in asked.seeds:
                to_pil(torch.full((3, 16, 16), shade)).save(row_file(asked, way, prompt, seed, ".png"))

    def say(pictures: Tensor, prompts: list[str]) -> list[Values]:
        return [{"light": float(one.mean()), "long": len(prompt)} for one, prompt in zip(pictures, prompts, strict=True)]

    found = judged(asked, rows, say)
    assert found.column("b", "light").tolist() == [1.0] * 4
    assert found.column("a", "long").tolist() == [3, 3, 5, 5]
    assert found.column("a", "x").tolist() == rows.column("a", "x").tolist()
    assert len(calls) == 8


def test_a_sheet_has_a_line_for_each_way_and_says_what_stands_where(tmp_path: Path):
    asked, prompts = asked_of(tmp_path, seeds=(5, 0)), [f"prompt {n}" for n in range(12)]
    for way, shade in (("a", 0.0), ("b", 200 / 255)):
        for prompt in prompts:
            path = row_file(asked, way, prompt, 5, ".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            to_pil(torch.full((3, 16, 16), shade)).save(path)
    found = row_sheet(asked, "Some", {"b": "light", "a": "dark"}, prompts)
    assert found.says == f"From top to bottom: light; dark. From left to right: {'; '.join(prompts)}."
    assert found.picture.size == (10 * 18 - 2, 4 * 18 - 2)  # ten prompts, then two, and nothing beside them
    lines = [[found.picture.convert("L").getpixel((18 * x + 8, 18 * y + 8)) for x in (0, 1, 2)] for y in range(4)]
    assert lines == [[200] * 3, [0] * 3, [200, 200, 255], [0, 0, 255]]
    few = row_sheet(asked, "Some", {"b": "light", "a": "dark"}, prompts[:3]).picture
    assert few.size == (3 * 18 - 2, 2 * 18 - 2)


def test_long_captions_that_begin_alike_have_files_of_their_own(tmp_path: Path):
    one, other = (row_file(asked_of(tmp_path), "a", "word " * 30 + end, 0) for end in ("x", "y"))
    assert one != other


def test_an_effect_is_paired_and_its_interval_is_over_prompts(tmp_path: Path):
    _, make = counted()
    rows = paired(asked_of(tmp_path), [f"{'x' * n}" for n in range(1, 13)], ["a", "b"], one_by_one(make))
    assert rows.counts == (12, 24)
    assert rows.apart("b", "a", "x") == Interval(1.0, 1.0, 1.0)  # whatever the prompts' own spread
    wide = rows.mean(rows.column("a", "x"))
    assert wide.low < wide.value < wide.high
    some = rows.column("a", "x")
    some[2:] = np.nan
    assert rows.mean(some).value == pytest.approx(1 + 10 * 0.5)  # the rows that are there


@pytest.mark.parametrize("draw", [coloured, couples, two_things])
def test_more_prompts_keep_those_that_are_there(draw: Callable[[int], list]):
    many = draw(60)
    assert draw(7) == many[:7]
    assert len(set(many)) == 60


def test_every_prompt_has_its_hundred_captions():
    assert all(len(set(candidates(prompt, 0))) == 100 for prompt in coloured(43)[40:])
    assert all(len({*things(prompt)}) == 3 for prompt in two_things(60))


# What single claims compute


def rows_of(prompts: list[str], **ways: list[float]) -> Paired:
    return Paired(prompts, {way: [{"judge": x} for x in values] for way, values in ways.items()}, Bootstrap(resamples=200))


def test_a_coefficient_is_chosen_on_other_pictures_than_those_it_is_judged_by():
    prompts = ["p", "p", "q", "q"]
    scores = dict(zip(SUMS, ([0.9, 0.1, 0.2, 0.2], [0.5, 0.5, 0.1, 0.1], [0.0, 0.0, 0.4, 0.3]), strict=True))
    found = tuned(rows_of(prompts, **scores), "judge")
    assert found["others"].tolist() == [
        0.0,
        0.0,
        0.2,
        0.2,
    ]  # p by what is best for q, and the other way about (a tie: the first)
    assert found["own"].tolist() == [
        0.5,
        0.1,
        0.4,
        0.3,
    ]  # by the other seed: the second sum for p's first, the first for its second
    alone = tuned(rows_of(["p", "q"], **{way: [0.1, 0.2] for way in SUMS}), "judge")
    assert np.isnan(alone["own"]).all()


def test_the_sums_and_the_inverse_may_be_drawn_for_fewer_prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def drawn(asked: Asked, prompts: list[str], ways: Sequence[str], draw: object) -> Paired:
        every = [prompt for prompt in prompts for _ in asked.seeds]
        values = {way: [{name: float(way == "bi-level") for name in measures}] * len(every) for way in ways}
        return Paired(every, values, asked.bootstrap)

    def shown(asked: Asked, title: str, labels: dict[str, str], prompts: list[str]) -> Sheet:
        sheets.append((list(labels), prompts))
        return Sheet("", "", "", Image.new("RGB", (1, 1)))

    measures, sheets = (*composition.SHARES, *composition.SCORES), []
    monkeypatch.setattr(composition, "paired", drawn)
    monkeypatch.setattr(composition, "judged", lambda asked, rows, say: rows)
    monkeypatch.setattr(composition, "row_sheet", shown)
    found = composition.composition(replace(asked_of(tmp_path, prompts=31), weighed=10))
    of = {one.statement.key: (one.prompts, one.rows) for one in found.found}
    assert (of.pop("two"), of.pop("both")) == ((31, 62), (31, 62))
    assert set(of.values()) == {(10, 20)}
    few = [f"{way}, 10 prompts" for way in composition.WAYS]  # beside the sums, what they compare with
    assert [one.way for one in found.means] == [*composition.TWO, *few] * len(measures)
    # what is shown was drawn by all of them
    assert sheets == [(list(composition.WAYS), two_things(10)), (list(composition.TWO), two_things(31))]
    every = composition.composition(asked_of(tmp_path, prompts=31))
    assert every.found[-1].prompts == 31
    assert [one.way for one in every.means] == list(composition.WAYS) * len(measures)


def test_the_plainest_border_is_that_of_what_was_pasted_wherever_it_lies():
    pictures = torch.full((3, 3, 64, 64), 0.5)
    pictures[1, :, 32:, :32] = 0.75  # bottom-left
    pictures[2, :, 16:48, 16:48] = 0.0  # centre
    assert composition.plainest(pictures).tolist() == pytest.approx([0.0, 0.25, 0.5])


def test_times_are_averaged_as_ratios():
    rows = rows_of(["p", "q"], a=[1.0, 1.0])
    assert geometric(rows, np.array([2.0, 8.0])).value == pytest.approx(4.0)


def squares(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().mean(dim=(1, 2, 3))


def test_the_largest_step_of_an_even_walk_is_one_of_its_steps_and_of_a_cut_all_of_it():
    even = torch.linspace(0, 1, 25).view(25, 1, 1, 1).expand(25, 3, 4, 4)
    assert smoothness.largest_step(even, squares) == pytest.approx(1 / 24, rel=1e-4)
    assert smoothness.largest_step((even > 0.5).float(), squares) == pytest.approx(1.0)
    assert math.isnan(smoothness.largest_step(even[:1].expand(25, 3, 4, 4), squares))


def test_diversity_is_the_mean_distance_of_two_and_unknown_of_one():
    images = torch.tensor([0.0, 0.5, 1.0]).view(3, 1, 1, 1).expand(3, 3, 4, 4)
    assert smoothness.spread(images, squares) == pytest.approx((0.5 + 1.0 + 0.5) / 3)
    assert math.isnan(smoothness.spread(images[:1], squares))


def test_a_system_is_not_ahead_of_itself():
    captions = [f"caption {n}" for n in range(12)]
    judge = ToyScorer(8)
    right, wrong = judge.encode_text(captions), judge.encode_text(captions[:1]).expand(12, -1)
    one, other = (figures.Seen({figures.JUDGE: x}) for x in (right, wrong))
    same = figures.differences(judge, [one, one], one, captions, Bootstrap(resamples=50))
    assert all(abs(x) < 1e-6 for found in same.values() for x in (found.value, found.low, found.high))
    ahead = figures.differences(judge, [one, other], one, captions, Bootstrap(resamples=50))
    assert ahead["is"].low > 0
    assert ahead["fid"].high < 0
    assert figures.firsts(judge, right, captions) == [True] * 12
    assert sum(figures.firsts(judge, wrong, captions)) <= 1
