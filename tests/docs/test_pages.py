from __future__ import annotations

import re

import click

from fusedream_sdk.cli import fusedream
from tests.cli.toys import ROOT
from tests.docs.blocks import PAGES


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text()
    for page in PAGES[1:]:
        assert f": {page.relative_to(ROOT / 'docs')}\n" in navigation


def test_every_option_of_the_pages_exists():
    def options(command: click.Command) -> set[str]:
        own = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        verbs = command.commands.values() if isinstance(command, click.Group) else ()
        return own.union(*(options(verb) for verb in verbs))

    known = options(fusedream) | {"--help"}
    shown = set(re.findall(r"`(--[a-z-]+)`", (ROOT / "docs" / "cli.md").read_text()))
    assert shown
    assert shown <= known


def test_local_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_page_of_results_names_the_methods_of_the_benchmark():
    from tests.benchmarks.single_objects import METHODS

    table = re.findall(r"^\| (`.+?) \|", (ROOT / "docs" / "results.md").read_text(), re.MULTILINE)
    assert {name for row in table for name in re.findall(r"`([\w-]+)`", row)} == set(METHODS)


def test_the_page_for_newcomers_fits_on_two_screens():
    lines = (ROOT / "docs" / "design.md").read_text().splitlines()
    assert len(lines) <= 100
    assert max(map(len, lines)) <= 140
