"""The course of a run by a judge: what would be kept, at each look."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusedream_sdk.dream.course import JudgedCourse, plain_scores
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.testing import ToyReward, ToyScorer

PROMPTS = ["a red ball", "a blue ball"]
JUDGE = Loaded(ToyScorer(8), None)


def course_of(dream: FuseDream, folder: Path | None = None, judge: Loaded = JUDGE, **changes) -> JudgedCourse:
    method = load_method("fusedream")
    settings = method.settings_for(dream.settings, changes)
    return JudgedCourse(dream.generator, judge, PROMPTS, method=method, settings=settings, folder=folder)


def test_a_course_has_every_look_and_ends_at_the_score_of_the_result(dream: FuseDream):
    course = course_of(dream)
    result = dream.generate(PROMPTS, progress=False, watch=course)
    found = course.points([0, 1])
    method = load_method("fusedream")
    assert [len(points) for points in found] == [4, 4]  # steps 0, 2, 4, 6
    assert [count for count, _ in found[0]][-1] == method.evaluations(dream.settings)
    assert [points[-1][1] for points in found] == pytest.approx(plain_scores(JUDGE, result.images, PROMPTS), abs=1e-5)
    assert sorted({count for count, _ in found[0]}) == [count for count, _ in found[0]]


@pytest.mark.parametrize("changes", [{"keep": "last"}, {"patience": 1}, {"steps": 5}], ids=str)
def test_it_ends_where_the_run_does_whatever_is_kept(dream: FuseDream, changes):
    course = course_of(dream, **changes)
    result = dream.generate(PROMPTS, progress=False, watch=course, **changes)
    ends = [points[-1][1] for points in course.points([0, 1])]
    assert ends == pytest.approx(plain_scores(JUDGE, result.images, PROMPTS), abs=1e-5)


def test_it_is_kept_in_a_folder_for_a_run_that_goes_on(dream: FuseDream, tmp_path: Path):
    course = course_of(dream, tmp_path / "courses")
    dream.generate(PROMPTS, progress=False, watch=course)
    assert course_of(dream, tmp_path / "courses").points([0, 1]) == course.points([0, 1])
    (tmp_path / "courses" / "000001.json").write_text("[[3, ")
    again = course_of(dream, tmp_path / "courses").points([0, 1, 7])
    assert [bool(points) for points in again] == [True, False, False]


def test_a_row_that_begins_again_begins_its_course_again(dream: FuseDream):
    course = course_of(dream)
    for _ in range(2):
        dream.generate(PROMPTS, progress=False, watch=course)
    assert [len(points) for points in course.points([0, 1])] == [4, 4]


def test_a_reward_may_judge(dream: FuseDream):
    course = course_of(dream, judge=Loaded(ToyReward(), None))
    result = dream.generate(PROMPTS, progress=False, watch=course)
    assert course.points([0])[0][-1][1] == pytest.approx(
        plain_scores(Loaded(ToyReward(), None), result.images, PROMPTS)[0], abs=1e-5
    )
