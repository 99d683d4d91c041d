"""Models that visitors may choose."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.web.shelf import KEPT, Choice, Shelf
from tests.conftest import toy_dream

FIRST = Choice("toy")


def counted(*, fixed: bool = False) -> tuple[Shelf, list[Choice]]:
    loaded: list[Choice] = []

    def load(choice: Choice):
        loaded.append(choice)
        return toy_dream()

    return Shelf(FIRST, load, fixed=fixed), loaded


def test_models_are_loaded_once_and_nothing_chosen_means_those_of_the_page(toys: Path):
    shelf, loaded = counted()
    assert shelf.dream(Choice()) is shelf.dream(FIRST)
    assert loaded == [FIRST]


def test_only_a_few_are_kept_and_those_of_the_page_stay(toys: Path):
    shelf, loaded = counted()
    for name in ("toy-48", "faulty", "interrupted"):
        shelf.dream(Choice(generator=name))
        shelf.dream(FIRST)
    assert loaded.count(FIRST) == 1
    assert len(loaded) == 4 > KEPT


@pytest.mark.parametrize("name", ["toi", "/etc/passwd", "toy?weights=x", "somebody/something"])
def test_a_name_that_is_not_installed_is_refused_before_anything_is_loaded(toys: Path, name: str):
    shelf, loaded = counted()
    with pytest.raises(InvalidInput, match=r"generator: expected one of .*toy"):
        shelf.dream(Choice(generator=name))
    assert loaded == []


def test_what_is_not_chosen_is_as_of_the_page_and_another_pair_is_taken_whole(toys: Path):
    shelf = Shelf(Choice("toy", scorer="toy"), lambda choice: toy_dream())
    assert shelf.chosen(Choice(generator="toy-48")) == Choice("toy", "toy-48", "toy")
    assert shelf.chosen(Choice("broken")) == Choice("broken")


def test_models_that_are_there_do_not_wait_for_others_that_load(toys: Path):
    go_on = threading.Event()

    def load(choice: Choice):
        assert choice == FIRST or go_on.wait(60)
        return toy_dream()

    shelf = Shelf(FIRST, load)
    shelf.dream(FIRST)
    other = threading.Thread(target=shelf.dream, args=(Choice(generator="toy-48"),))
    other.start()
    shelf.dream(FIRST)
    go_on.set()
    other.join()


def test_where_models_are_fixed_no_others_may_be_chosen(toys: Path):
    shelf, _ = counted(fixed=True)
    assert shelf.names("models") == ["toy"]
    assert shelf.names("scorer") == []
    with pytest.raises(InvalidInput, match="scorer: expected nothing, as the models of this page are fixed, got toy"):
        shelf.chosen(Choice(scorer="toy"))
