"""Rules that keep the house small: who may import whom, sizes, and habits."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fusedream_sdk"
FILES = sorted(PACKAGE.rglob("*.py"))
ROOT_FILES = {"__init__", "__main__"}  # the package's face and its door: no room of their own


def name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def levels() -> dict[str, int]:
    """The table of docs/design.md: a line for each room."""
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", (ROOT / "docs" / "design.md").read_text(), re.MULTILINE)
    return {room: int(level) for level, rooms in rows for room in re.findall(r"`(\w+)/?`", rooms)}


def imported(path: Path) -> set[str]:
    """Rooms of the core that a file imports anywhere, but for what only a type checker sees."""
    tree = parse(path)
    typing = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    hidden = {id(inner) for node in typing for inner in ast.walk(node)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("fusedream_sdk.")}
        elif isinstance(node, ast.ImportFrom) and node.module == "fusedream_sdk":
            found |= {alias.name for alias in node.names if alias.name in levels()}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fusedream_sdk."):
            found.add(str(node.module).split(".")[1])
    return found


def test_every_room_has_a_line_in_the_page_for_newcomers():
    assert set(levels()) == {room_of(path) for path in FILES} - ROOT_FILES


@pytest.mark.parametrize("path", [path for path in FILES if room_of(path) not in ROOT_FILES], ids=name)
def test_a_file_imports_only_from_rooms_below_its_own(path: Path):
    level, room = levels(), room_of(path)
    assert not {other for other in imported(path) - {room} if level[other] >= level[room] > 0}
    assert level[room] or imported(path) <= {other for other, height in level.items() if height == 0}


@pytest.mark.parametrize("path", [path for path in FILES if path.name == "__init__.py" and path.parent != PACKAGE], ids=name)
def test_the_door_of_a_room_holds_its_purpose_alone(path: Path):
    tree = parse(path)
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1 or room_of(path) == "cli"  # which is an entry point of its own


@pytest.mark.parametrize("path", [path for path in FILES if path.stem not in ROOT_FILES], ids=name)
def test_every_file_has_tests_at_the_same_place(path: Path):
    tests = ROOT / "tests" / path.parent.relative_to(PACKAGE)
    assert (tests / f"test_{path.stem}.py").is_file()


def test_tests_stand_in_no_room_that_is_not_there():
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    others = {"benchmarks", "docs", "hostile", "plugins"}
    assert {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")} <= rooms | others


SETTERS = {"setattr", "object.__setattr__", "delattr"}
THEIRS = {"x.grad", "warnings.showwarning"}  # torch's place for a gradient, the standard library's for a printer


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_attribute_is_set_from_outside_its_class(path: Path):
    assert not [ast.unparse(target) for target in stored(parse(path)) if ast.unparse(target) not in THEIRS]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_private_is_read_from_outside_its_class(path: Path):
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Attribute) and re.match(r"_[^_]", node.attr):
            assert is_own(node.value, set()), ast.unparse(node)
        if isinstance(node, ast.ImportFrom):
            assert not [alias.name for alias in node.names if re.match(r"_[^_]", alias.name)]


def stored(tree: ast.Module) -> Iterator[ast.expr]:
    """Attributes, and entries of attributes, of other objects than one's own that are assigned or deleted."""
    made = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == "cls.__new__(cls)"
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, (ast.Store, ast.Del)) and not is_own(node.value, made):
            yield node
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, (ast.Store, ast.Del)):
            inner = node.value
            if isinstance(inner, ast.Attribute) and not is_own(inner.value, made):
                yield node
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SETTERS and not is_own(node.args[0], made):
            yield node


def is_own(owner: ast.expr, made: set[str]) -> bool:
    """Whether it is the object itself, its class, or one that its class is making."""
    return isinstance(owner, ast.Name) and owner.id in {"self", "cls", *made}


def public(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Public functions and classes of a module, and the public methods of those classes."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (n for n in node.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_"))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("path", FILES, ids=name)
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


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_public_function_and_class_has_a_docstring(path: Path):
    missing = [n.name for n in public(parse(path)) if not ast.get_docstring(n) and n.name not in CONTRACTS | UNDOCUMENTED]
    assert not missing


@pytest.mark.parametrize("path", FILES, ids=name)
def test_functions_are_annotated_and_take_at_most_eight_arguments(path: Path):
    verbs = room_of(path) == "cli"  # a verb of the command line has an argument for every option
    for function in functions(parse(path)):
        arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        named = [a for a in arguments if a.arg not in ("self", "cls")]
        assert function.returns is not None, function.name
        assert all(a.annotation is not None for a in named), function.name
        assert verbs or len(named) <= 8, function.name


def test_no_two_files_give_one_public_name_two_meanings():
    homes: dict[str, list[Path]] = {}
    for path in FILES:
        for node in parse(path).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(path)
    twice = {key: paths for key, paths in homes.items() if len({path for path in paths if room_of(path) != "cli"}) > 1}
    assert not twice  # a verb of the command line has the name of the function that it calls


def test_the_core_imports_no_plugin_package():
    plugins = {p.name for p in (PACKAGE.parent / "plugins").iterdir() if p.is_dir()}
    for path in FILES:
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Import):
                assert not plugins & {alias.name.split(".")[0] for alias in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in plugins, path
