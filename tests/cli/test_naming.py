"""Errors of the Python API, as the command line names things."""

from __future__ import annotations

import pytest

from fusedream_sdk.cli import fusedream
from fusedream_sdk.cli.naming import as_typed
from fusedream_sdk.errors import InvalidInput


@pytest.mark.parametrize(
    ("words", "argument", "shown"),
    [
        (["generate", "a", "--seed", "1"], "seeds", "--seed"),
        (["generate", "a"], "basis", "--basis"),
        (["generate", "a"], "prompts[1]", "prompts[1]"),
        (["generate", "a"], "memory_gb", "--memory-gb"),
        (["compose", "a"], "places", "--place"),
        (["compose", "a"], "background", "--background"),
        (["replay", "a.png"], "background", "--background-picture"),
        (["replay", "a.png"], "image_prompts[0]", "--image-prompt[0]"),
        (["bank", "build"], "dtype", "--dtype"),
        (["convert", "a", "b"], "target", "target"),
        (["nothing"], "steps", "steps"),
        ([], "", ""),
    ],
)
def test_an_argument_has_the_name_that_was_typed(words: list[str], argument: str, shown: str):
    error = InvalidInput(argument, expected="more", got=0, fix="Ask for more.")
    assert as_typed(error, fusedream, words) == f"{shown}: expected more, got 0. Ask for more."
