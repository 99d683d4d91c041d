"""Rules that keep the house small: sizes and habits. (Who may import whom: tests/docs, from the table in docs/design.md.)"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "fusedream_sdk"
FILES = sorted(PACKAGE.rglob("*.py"))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def public(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Public functions and classes of a module, and the public methods of those classes."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (n for n in node.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_"))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_are_short_and_keep_the_habits(path: Path):
    text, tree = path.read_text(encoding="utf-8"), parse(path)
    assert len(text.splitlines()) <= 300
    assert ast.get_docstring(tree)
    assert ".cuda(" not in text
    for node in ast.walk(tree):
        assert not isinstance(node, (ast.Assert, ast.Global)), f"line {getattr(node, 'lineno', 0)}"
        printed = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        assert not printed, f"print in line {getattr(node, 'lineno', 0)}"


UNDOCUMENTED = {"convert"}  # click's own contract


def inherited(tree: ast.Module) -> set[str]:
    """Names whose contract stands in `protocols` or `latents`, and which others only fulfil."""
    return {n.name for n in public(tree) if isinstance(n, ast.FunctionDef) and ast.get_docstring(n)}


CONTRACTS = {name for module in ("protocols", "latents") for name in inherited(parse(PACKAGE / f"{module}.py"))}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_public_function_and_class_has_a_docstring(path: Path):
    missing = [n.name for n in public(parse(path)) if not ast.get_docstring(n) and n.name not in CONTRACTS | UNDOCUMENTED]
    assert not missing


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_functions_are_annotated_and_take_at_most_eight_arguments(path: Path):
    verbs = path.relative_to(PACKAGE).parts[0] == "cli"  # a verb of the command line has an argument for every option
    for function in functions(parse(path)):
        arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        named = [a for a in arguments if a.arg not in ("self", "cls")]
        assert function.returns is not None, function.name
        assert all(a.annotation is not None for a in named), function.name
        assert verbs or len(named) <= 8, function.name


def test_the_core_imports_no_plugin_package():
    plugins = {p.name for p in (PACKAGE.parent / "plugins").iterdir() if p.is_dir()}
    for path in FILES:
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Import):
                assert not plugins & {alias.name.split(".")[0] for alias in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in plugins, path
