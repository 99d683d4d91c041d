"""Links inside the project lead to a file and a heading that are there; those that leave it are only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.toys import ROOT
from tests.docs.links import READ, anchors, links, outside


@pytest.mark.parametrize("page", READ, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_project_leads_to_a_file_and_a_heading(page: Path):
    for target in links(page):
        if "://" in target or target.startswith("mailto:"):
            continue
        file, _, anchor = target.partition("#")
        place = (page.parent / file) if file else page
        assert place.exists(), target
        if anchor and "api" not in place.parts:  # the anchors of the reference are checked where the site is built
            assert anchor in anchors(place), target


def test_links_that_leave_the_project_are_encrypted():
    assert len(outside()) >= 15
    assert not [target for target in outside() if not target.startswith("https://")]


def test_headings_are_told_as_the_site_writes_them(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# Two words, and `code`\n\n## Again\n\n```sh\n# none\n```\n\n## Again\n\n### A [link](x.md) & more\n")
    assert anchors(page) == {"two-words-and-code", "again", "again_1", "a-link-more"}


def test_a_broken_link_is_found(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text('[a](b.md#c) `[no](link)` ![p](p.png) <https://a.org/> <img src="q.png">\n```sh\n[x](y)\n```\n')
    assert links(page) == ["b.md#c", "p.png", "https://a.org/", "q.png"]
