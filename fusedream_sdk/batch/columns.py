"""What the columns of a table of captions say: the prompt, a seed, a name, settings; others are carried along."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from fusedream_sdk.errors import InvalidInput, did_you_mean
from fusedream_sdk.run.settings import PLACES, Settings, check_changes
from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.checks import check_choice, names_of
from fusedream_sdk.scoring.views import NAMED_VIEWS

PROMPTS = ("prompt", "caption")
SEED, NAME = "seed", "name"
SETTINGS = tuple(names_of(Settings))
KNOWN = (*PROMPTS, SEED, NAME, *SETTINGS)
TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
NEAR = 0.8  # likeness from which a column is taken for a misspelt one: "step" has 0.89 to "steps", "views2" 0.91, "id" less


def plain_name(name: str) -> str:
    """A column's name, as it is looked up: in small letters if that makes it a known one."""
    folded = name.strip().casefold()
    return folded if folded in KNOWN else name.strip()


def prompt_column(names: Iterable[str], column: str | None, where: str) -> str:
    """Which column has the prompts.

    Args:
        names: of all columns.
        column: which one it was said to be, if it was.
        where: what an error calls the table.

    Raises:
        InvalidInput: it is not there; there are two; or another one is a misspelt name of a setting.
    """
    listed = list(names)
    twice = next((name for name in listed if listed.count(name) > 1), None)
    if twice is not None:
        raise InvalidInput("captions", expected="columns of different names", got=f"two named {twice!r} in {where}")
    found = [name for name in listed if name == column] if column is not None else [n for n in listed if n in PROMPTS]
    if len(found) != 1:
        wanted = f"a column {column!r}" if column is not None else "one column named 'prompt' or 'caption'"
        got = f"{where} with {', '.join(map(repr, listed[:20])) or 'none'}"
        raise InvalidInput("captions", expected=wanted, got=got, fix="Name it in the first line, or say which it is: --column.")
    for name in listed:
        near = difflib.get_close_matches(name, (SEED, *SETTINGS), n=1, cutoff=NEAR)
        if name not in (*KNOWN, column) and near:
            fix = f"{did_you_mean(name, near)} Otherwise give it another name."
            raise InvalidInput("captions", expected="names of settings as they are", got=f"{name!r} in {where}", fix=fix)
    return found[0]


def settings_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a line, those cells that are not empty. Raises InvalidInput for one that cannot be used."""
    given = {name: record[name] for name in SETTINGS if name in record and record[name] not in ("", None)}
    changes = {name: value_of(name, value) for name, value in given.items()}
    check_changes(changes)
    return changes


def value_of(name: str, value: Any) -> Any:
    """What a cell says as the value of a setting: a number, views by their name, places. Other words stay as they are."""
    if name in ("augment", "search_augment"):
        check_choice(name, value, tuple(NAMED_VIEWS))
        return NAMED_VIEWS[value]
    if not isinstance(value, str):
        return tuple(value) if isinstance(value, list) else value
    word = value.strip()
    if name == "judge":
        return TRUTHS.get(word.casefold(), word)
    if name in PLACES:
        return tuple(int(place) for place in word.replace(",", " ").split()) if re.fullmatch(r"[\d ,]{1,9999}", word) else word
    return number_of(word, whole=bounds.SETTINGS[name].whole) if name in bounds.SETTINGS else word


def number_of(word: str, *, whole: bool) -> Any:
    """A number that is written so; the word itself where it is none."""
    try:
        return int(word) if whole else float(word)
    except ValueError:  # also an integer of thousands of digits
        return word
