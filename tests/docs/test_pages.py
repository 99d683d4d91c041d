from __future__ import annotations

import ast
import re

import click
import pytest

from fusedream_sdk.cli import fusedream
from tests.cli.toys import ROOT
from tests.docs.blocks import PAGES

CORE = ROOT / "fusedream_sdk"


def levels() -> dict[str, int]:
    """The table of docs/design.md."""
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", (ROOT / "docs" / "design.md").read_text(), re.MULTILINE)
    return {module: int(level) for level, modules in rows for module in re.findall(r"`(\w+)`", modules)}


def imports(source: str) -> set[str]:
    """Modules of the core that a module imports anywhere, but for those that only a type checker sees."""
    tree = ast.parse(source)
    typing = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    hidden = {id(inner) for node in typing for inner in ast.walk(node)}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and id(node) not in hidden]
    return {node.module.split(".")[1] for node in found if node.module and node.module.startswith("fusedream_sdk.")} | {
        alias.name
        for node in found
        if node.module == "fusedream_sdk"
        for alias in node.names
        if (CORE / f"{alias.name}.py").exists()
    }


def modules() -> dict[str, str]:
    """Module or package of the core -> its source."""
    single = {path.stem: path.read_text() for path in CORE.glob("*.py") if not path.stem.startswith("__")}
    return {**single, "cli": "\n".join(path.read_text() for path in (CORE / "cli").glob("*.py"))}


def test_every_module_has_a_level():
    assert set(levels()) == set(modules())


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_module_imports_only_from_levels_below_its_own(module):
    level = levels()
    above = {name for name in imports(modules()[module]) - {module} if level[name] >= level[module]}
    assert not above


def test_the_core_never_imports_a_plugin():
    for name, source in modules().items():
        assert not re.search(r"^\s*(from|import) fusedream_(biggan|clip|emoji)", source, re.MULTILINE), name


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text()
    for page in PAGES[1:]:
        assert f": {page.relative_to(ROOT / 'docs')}\n" in navigation


def test_every_option_of_the_pages_exists():
    def options(command: click.Command) -> set[str]:
        own = {name for parameter in command.params for name in parameter.opts}
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
