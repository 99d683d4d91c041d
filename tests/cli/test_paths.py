from __future__ import annotations

from pathlib import Path

import click
import pytest

from fusedream_sdk.cli.paths import PATH


def test_a_path_is_kept_as_it_was_written():
    assert PATH.convert("~/a.png", None, None) == Path("~/a.png")
    assert PATH.convert(Path("a"), None, None) == Path("a")


@pytest.mark.parametrize("value", ["", "a\0b", "~nobody-here/a", "\ud800"])
def test_what_is_no_path_is_a_mistake_of_usage(value: str):
    with pytest.raises(click.UsageError, match="expected a path"):
        PATH.convert(value, None, None)
