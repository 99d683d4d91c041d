"""Visitors and their pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.web.limits import KEPT
from fusedream_sdk.web.shelf import Choice
from fusedream_sdk.web.visitors import Visitor, Visitors


def keep(visitor: Visitor, title: str = "a dog") -> int:
    return visitor.keep(title, Choice(), lambda path: path.write_bytes(b"png")).number


def test_two_visitors_have_folders_and_pictures_of_their_own(tmp_path: Path):
    visitors = Visitors(tmp_path)
    one, other = visitors.visitor("a"), visitors.visitor("b")
    keep(one)
    assert one is visitors.visitor("a")
    assert one.folder != other.folder
    assert ([kept.label for kept in one.pictures()], other.pictures()) == (["1: a dog"], [])


def test_whoever_cancels_ends_an_own_run_alone_and_has_one_at_a_time(tmp_path: Path):
    visitors = Visitors(tmp_path)
    one, other = visitors.visitor("a"), visitors.visitor("b")
    with one.run() as mine, other.run() as theirs:
        assert one.cancel()
        assert (mine.is_set(), theirs.is_set()) == (True, False)
        with pytest.raises(InvalidInput, match="run: expected one at a time for each visitor, got a second"), one.run():
            pass
    assert not one.cancel()


def test_the_oldest_pictures_go_where_there_are_too_many(tmp_path: Path):
    visitor = Visitor(tmp_path)
    for _ in range(KEPT + 2):
        keep(visitor)
    assert [kept.number for kept in visitor.pictures()] == list(range(KEPT + 2, 2, -1))
    assert len(list(tmp_path.iterdir())) == KEPT


@pytest.mark.parametrize(("number", "got"), [(None, "nothing"), (9, "9"), ("1", "'1'")])
def test_a_picture_that_is_not_there_is_told(tmp_path: Path, number: object, got: str):
    visitor = Visitor(tmp_path)
    with pytest.raises(InvalidInput, match=f"b: expected a picture of the gallery, got {got}. Draw one first."):
        visitor.picture("b", number)
    keep(visitor)
    with pytest.raises(InvalidInput, match="Choose one"):
        visitor.picture("b", number)


def test_a_copy_stays_where_pictures_are_to_stay_and_none_is_replaced(tmp_path: Path):
    out, visits = tmp_path / "out", tmp_path / "visits"
    out.mkdir()
    visits.mkdir()
    visitors = Visitors(visits, out)
    keep(visitors.visitor("a"))
    keep(visitors.visitor("b"))
    visitors.leave_all()
    assert sorted(path.name for path in out.iterdir()) == ["001-a-dog-2.png", "001-a-dog.png"]
    assert list(visits.iterdir()) == []


def test_whoever_leaves_takes_run_and_pictures_along(tmp_path: Path):
    visitors = Visitors(tmp_path)
    visitor = visitors.visitor("a")
    keep(visitor)
    with visitor.run() as stop:
        visitors.leave("a")
        assert stop.is_set()
    visitors.leave("nobody")
    assert list(tmp_path.iterdir()) == []
