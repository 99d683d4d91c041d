"""From captions to rows and to units of them."""

from __future__ import annotations

import pytest

from fusedream_sdk.batch.captions import Caption
from fusedream_sdk.batch.plan import distinct_settings, in_units, settled, wanted_rows
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.run import estimate
from fusedream_sdk.run.settings import Settings


def test_every_caption_has_every_seed_unless_it_has_its_own():
    rows = wanted_rows([Caption("a dog"), Caption("a cat", seed=7)], [0, 1])
    assert [row.stem for row in rows] == ["00-a-dog-seed0", "01-a-dog-seed1", "02-a-cat-seed7"]


def test_a_seed_that_is_none_is_told_with_its_line():
    with pytest.raises(InvalidInput, match=r"captions line 3: seed: expected an integer from 0"):
        wanted_rows([Caption("a dog", seed=-1, line=3)], 0)


def test_numbers_are_wide_enough_to_sort_by():
    assert wanted_rows([Caption("a dog")] * 101, 0)[7].stem == "007-a-dog-seed0"


def test_a_caption_that_comes_twice_is_two_rows_of_two_names():
    assert len({row.stem for row in wanted_rows([Caption("a dog")] * 2, 0)}) == 2


def test_a_name_stands_in_place_of_number_and_prompt():
    rows = wanted_rows([Caption("a dog", name="COCO/42"), Caption("a cat")], [0, 1])
    assert [row.stem for row in rows] == ["coco-42-seed0", "coco-42-seed1", "02-a-cat-seed0", "03-a-cat-seed1"]


@pytest.mark.parametrize("second", [Caption("a cat", name="dog", line=5), Caption("a cat", name="DOG!", line=5)])
def test_two_captions_of_one_name_are_told_with_their_lines(second: Caption):
    with pytest.raises(InvalidInput, match=r"captions line 5: name: expected another .*'dog-seed0' of captions line 2 too"):
        wanted_rows([Caption("a dog", name="Dog", line=2), second], 0)
    assert len(wanted_rows([Caption("a dog", 1, name="dog"), Caption("a cat", 2, name="dog")], 0)) == 2


def test_a_name_cannot_be_that_of_a_numbered_row():
    with pytest.raises(InvalidInput, match="name: expected another for each picture"):
        wanted_rows([Caption("a dog"), Caption("a cat", name="00-a-dog", line=2)], 0)


def test_too_many_rows_are_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(estimate, "MOST_ROWS", 5)
    with pytest.raises(InvalidInput, match="at most 5 pictures, got 6"):
        wanted_rows([Caption("a dog")] * 3, [0, 1])


def test_rows_that_say_the_same_share_their_settings_and_others_have_their_own():
    rows = wanted_rows(
        [Caption("a"), Caption("b", settings={"steps": 5}), Caption("c"), Caption("d", settings={"steps": 5})], 0
    )
    jobs = settled(rows, lambda own: Settings(steps=9).replace(**own))
    assert [job.settings.steps for job in jobs] == [9, 5, 9, 5]
    assert distinct_settings(jobs) == [Settings(steps=9), Settings(steps=5)]
    assert jobs[1].settings is jobs[3].settings


def test_settings_that_do_not_go_together_are_told_with_the_line():
    rows = wanted_rows([Caption("a dog", settings={"samples": 30_000}, line=4)], 0)
    with pytest.raises(InvalidInput, match="captions line 4: samples: expected at most bank"):
        settled(rows, lambda own: Settings().replace(**own))


def test_units_hold_rows_that_follow_each_other_and_share_their_settings():
    captions = [Caption("a"), Caption("b"), Caption("c"), Caption("d", settings={"steps": 5}), Caption("e")]
    jobs = settled(wanted_rows(captions, 0), lambda own: Settings().replace(**own))
    assert [[job.number for job in unit] for unit in in_units(jobs, 2)] == [[0, 1], [2], [3], [4]]
    assert [len(unit) for unit in in_units(jobs, 1)] == [1] * 5
