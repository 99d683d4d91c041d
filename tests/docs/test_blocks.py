from __future__ import annotations

import importlib
import importlib.util
import shlex
import sys
import tomllib
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from fusedream_sdk.cli import main
from fusedream_sdk.testing import ToyGenerator, ToyScorer
from tests.cli.toys import ROOT, add_distribution
from tests.docs.blocks import PAGES, Block, blocks, commands

FOLLOWED = {"write-a-plugin.md", "write-a-method.md"}  # as a whole, in tests of their own
PIECEWISE = [page for page in PAGES if page.name not in FOLLOWED]
WITH_CODE = [page for page in PIECEWISE if any(block.language in ("python", "sh") for block in blocks(page))]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_a_page_runs(page, toys, monkeypatch):
    monkeypatch.setattr("fusedream_sdk.cli.web.wait", lambda: None)  # nobody looks at the page, and it is an extra
    monkeypatch.setattr("fusedream_sdk.web.serve.check_extra", lambda: None)
    monkeypatch.setattr("fusedream_sdk.web.serve.served", lambda *about: nullcontext([]))
    install_shown_package(blocks(page), toys, monkeypatch)
    names: dict[str, Any] = {"my_generator": ToyGenerator(), "my_scorer": ToyScorer()}
    for block in blocks(page):
        if block.language == "python":
            code = compile(block.text, f"{page.name}: {block.title or 'block'}", "exec")
            if block.title is None and not block.internet:
                exec(code, names)
        elif block.language == "sh" and not block.internet:
            for command in commands(block):
                run(command)


def install_shown_package(shown: list[Block], toys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the package whose files a page shows, and run its own tests."""
    files = {block.title: block.text for block in shown if block.title}
    if not files:
        return
    project = tomllib.loads(files.pop("pyproject.toml"))["project"]
    groups = project["entry-points"].items()
    lines = [line for group, points in groups for line in (f"[{group}]", *(f"{n} = {v}" for n, v in points.items()))]
    modules = {name.removesuffix(".py"): text for name, text in files.items()}
    folder = add_distribution(toys.parent / "shown", project["name"], "\n".join(lines), modules)
    monkeypatch.syspath_prepend(str(folder))
    for name in modules:
        monkeypatch.delitem(sys.modules, name, raising=False)
    for module in (importlib.import_module(name) for name in modules if name.startswith("test_")):
        for name in dir(module):
            if name.startswith("test_"):
                getattr(module, name)()


def run(command: str) -> None:
    """A verb is run; of a module it is known that it exists; the set-up is left to .ci/run."""
    words = shlex.split(command)
    if words[0] == "fusedream":
        assert main(words[1:]) == 0, command
    elif words[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(words[2]) is not None, command
    else:
        assert command in (ROOT / ".ci" / "run").read_text().replace("--models emoji", "--models toy"), command
