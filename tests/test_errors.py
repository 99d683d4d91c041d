"""Exceptions and what they say."""

from __future__ import annotations

import copy
import pickle

import pytest

from fusedream_sdk import errors
from fusedream_sdk.errors import FuseDreamError, InvalidInput


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
