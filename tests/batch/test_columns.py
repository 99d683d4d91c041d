"""What the columns of a table mean."""

from __future__ import annotations

import pytest

from fusedream_sdk.batch.columns import plain_name, prompt_column, settings_of, value_of
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.scoring.views import NO_VIEWS, PUBLIC_VIEWS


def test_known_names_are_found_whatever_their_capitals_and_others_stay_as_they_are():
    assert [plain_name(name) for name in (" Caption", "STEPS ", "Image_ID")] == ["caption", "steps", "Image_ID"]


@pytest.mark.parametrize("names", [["prompt"], ["id", "caption", "seed"]])
def test_the_prompt_is_in_the_column_of_that_name(names: list[str]):
    assert prompt_column(names, None, "it") in ("prompt", "caption")
    assert prompt_column(["text", "caption"], "text", "it") == "text"


@pytest.mark.parametrize(
    ("names", "column", "words"),
    [
        (["text", "id"], None, "one column named 'prompt' or 'caption', got it with 'text', 'id'"),
        (["prompt", "caption"], None, "one column named"),
        (["prompt"], "text", "a column 'text'"),
        (["prompt", "seed", "seed"], None, "two named 'seed'"),
        (["prompt", "step"], None, "Did you mean 'steps'"),
        (["prompt", "seeds"], None, "Did you mean 'seed'"),
        ([], None, "with none"),
    ],
)
def test_a_table_without_the_column_or_with_a_misspelt_one_is_told(names: list[str], column: str | None, words: str):
    with pytest.raises(InvalidInput, match=words):
        prompt_column(names, column, "it")


def test_cells_are_read_as_what_the_setting_is():
    cells = {
        "steps": "20",
        "lr": "1e-2",
        "mix": "best",
        "judge": "No",
        "pin": "3, 17",
        "augment": "none",
        "basis": "",
        "id": "7",
    }
    changes = {"steps": 20, "lr": 0.01, "mix": "best", "judge": False, "pin": (3, 17), "augment": NO_VIEWS}
    assert settings_of(cells) == changes


def test_values_of_json_are_taken_as_they_are():
    given = {"steps": 20, "judge": True, "drop": [2], "search_augment": "public", "patience": None}
    assert settings_of(given) == {"steps": 20, "judge": True, "drop": (2,), "search_augment": PUBLIC_VIEWS}


@pytest.mark.parametrize(
    "cells", [{"steps": "many"}, {"steps": "0"}, {"lr": "nan"}, {"judge": "perhaps"}, {"pin": "x"}, {"augment": "all"}]
)
def test_what_is_no_value_of_the_setting_is_refused(cells: dict[str, str]):
    with pytest.raises(InvalidInput, match=next(iter(cells))):
        settings_of(cells)


def test_an_integer_of_thousands_of_digits_is_a_word():
    assert value_of("steps", "9" * 5000) == "9" * 5000
