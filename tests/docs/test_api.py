"""The reference holds every public name, where it is defined."""

from __future__ import annotations

import ast
import importlib
import re
from itertools import pairwise
from pathlib import Path

import pytest

import fusedream_sdk as fd
from tests.cli.toys import ROOT

PAGES = sorted((ROOT / "docs" / "api").glob("*.md"))
ENTRY = re.compile(r"^::: ([\w.]+)\n((?:    .*\n)*)", re.MULTILINE)


def of_module(source: Path, options: str) -> set[str]:
    """The names that an entry for a whole module shows: those that it lists, or all public ones that are documented."""
    listed = re.search(r"members: \[(.*)\]", options)
    if listed:
        return set(listed[1].split(", "))
    body = ast.parse(source.read_text()).body
    made = {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node)}
    for node, after in pairwise(body):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(after, ast.Expr):
            made.add(ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0]))
    return {name for name in made if name[0] != "_"}


def entries() -> list[str]:
    """Every object that the pages show, by its dotted path."""
    found = []
    for path, options in (entry for page in PAGES for entry in ENTRY.findall(page.read_text() + "\n")):
        source = (ROOT / path.replace(".", "/")).with_suffix(".py")
        found += [f"{path}.{name}" for name in of_module(source, options)] if source.is_file() else [path]
    return found


SHOWN = entries()


@pytest.mark.parametrize("name", [name for name in dir(fd) if name != "__version__"])
def test_every_public_name_is_in_the_reference(name: str):
    paths = [path for path in SHOWN if path.rpartition(".")[2] == name]
    assert [getattr(importlib.import_module(path.rpartition(".")[0]), name) is getattr(fd, name) for path in paths] == [True]


def test_nothing_is_in_the_reference_twice():
    assert sorted(set(SHOWN)) == sorted(SHOWN)
