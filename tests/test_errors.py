"""Exceptions and what they say."""

from __future__ import annotations

import copy
import pickle

import pytest

from fusedream_sdk import errors
from fusedream_sdk.errors import FuseDreamError, InvalidInput, shown


def test_a_bad_argument_is_named_with_what_was_expected_what_came_and_the_fix():
    error = InvalidInput("steps", expected="at least 1", got=0, fix="Ask for more.")
    assert str(error) == "steps: expected at least 1, got 0. Ask for more."
    assert str(InvalidInput("start", expected="'best'", got="worst")) == "start: expected 'best', got worst."
    assert (error.argument, error.expected, error.got, error.fix) == ("steps", "at least 1", 0, "Ask for more.")


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("InvalidInput", ValueError),
        ("UnknownPlugin", LookupError),
        ("PluginImportError", ImportError),
        ("NotEnoughMemory", MemoryError),
        ("OutputError", OSError),
    ],
)
def test_errors_can_be_caught_as_the_builtin_that_they_resemble(name: str, builtin: type[Exception]):
    assert issubclass(getattr(errors, name), (FuseDreamError, builtin))
    assert issubclass(getattr(errors, name), builtin)


def test_every_error_is_one_of_the_sdks():
    found = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Exception)]
    assert all(issubclass(e, FuseDreamError) for e in found)


def test_an_error_survives_the_way_between_processes():
    error = InvalidInput("steps", expected="at least 1", got=0, fix="Ask for more.")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert str(again) == str(error)
        assert again.argument == "steps"


class Unshown:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("got", "quoted"),
    [
        ("a", "a"),
        ([1], "[1]"),
        ("x" * 700, "x" * 600 + "..."),
        (10**5000, "a int that cannot be shown"),
        (Unshown(), "a Unshown"),
    ],
    ids=["text", "value", "long", "digits", "broken"],
)
def test_what_came_is_quoted_and_no_more_than_its_beginning(got: object, quoted: str):
    assert str(InvalidInput("x", expected="less", got=got)).startswith(f"x: expected less, got {quoted}")
    assert len(shown(got)) <= 603
