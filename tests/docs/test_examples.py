from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.toys import ROOT
from tests.docs.blocks import on_toys

SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_every_example_runs_and_leaves_a_picture(script, toys):
    exec(compile(on_toys(script.read_text()), script.name, "exec"), {"__name__": "__main__"})
    assert [path.suffix for path in Path().iterdir()] == [".png"]


def test_the_list_of_examples_is_whole():
    listed = (ROOT / "examples" / "README.md").read_text()
    for path in (ROOT / "examples").iterdir():
        assert path.name == "README.md" or f"`{path.name}" in listed
