"""The sizes on the page of costs are those of the command."""

from __future__ import annotations

import pytest

from tests.benchmarks.costs import PAIRS, SIZES, size_line
from tests.cli.toys import ROOT

PAGE = (ROOT / "docs" / "costs.md").read_text()


@pytest.mark.parametrize("name", ["biggan-deep-128", "CLIP ViT-B/32"])
def test_a_size_is_counted_as_the_page_says(name: str):
    assert size_line(name) in PAGE


def test_every_model_of_the_command_has_a_line():
    assert not [name for name in (*SIZES, *PAIRS) if f"\n| {name} | " not in PAGE]
