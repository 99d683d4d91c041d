"""Every promise of docs/promises.md is held by a test that is there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.cli.toys import ROOT

HELD = re.findall(r"^\| .+ \| `(tests/[\w/]+\.py)::(\w+)` \|$", (ROOT / "docs" / "promises.md").read_text(), re.MULTILINE)


def test_there_are_promises_and_each_line_names_its_test():
    text = (ROOT / "docs" / "promises.md").read_text()
    assert len(HELD) > 15
    assert len(HELD) == text.count("`tests/")


@pytest.mark.parametrize(("file", "name"), HELD, ids=lambda value: value)
def test_the_test_that_holds_a_promise_is_there(file: str, name: str):
    tree = ast.parse((ROOT / file).read_text())
    assert name in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
