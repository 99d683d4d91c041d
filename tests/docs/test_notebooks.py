"""The notebooks run, and what is committed of them is whole, small, and of no machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.toys import ROOT

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("matplotlib")

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
MOST = 1_000_000  # bytes
ONE_MACHINE = re.compile(r"(?<![\w.:/<])/\w+/|[A-Z]:\\\\|object at 0x|site-packages")  # whole paths, addresses


def cells(notebook: Path) -> list[dict[str, Any]]:
    return json.loads(notebook.read_text())["cells"]


def code_of(notebook: Path) -> list[dict[str, Any]]:
    return [cell for cell in cells(notebook) if cell["cell_type"] == "code"]


def test_there_are_notebooks():
    assert {path.name for path in NOTEBOOKS} >= {"quickstart.ipynb", "your_own_gan.ipynb"}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_from_its_first_cell_to_its_last(notebook: Path, toys: Path, child_env: dict[str, str]):
    # in a process of its own: a kernel's client warns of many things that are none of ours
    path = os.pathsep.join([child_env["PYTHONPATH"], str(toys)])
    command = [sys.executable, "-m", "tests.docs.notebooks", "--quick", notebook]
    done = subprocess.run(command, env={**child_env, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_what_is_committed_was_run_in_order_and_went_well(notebook: Path):
    found = code_of(notebook)
    assert [cell["execution_count"] for cell in found] == list(range(1, len(found) + 1))
    outputs = [output for cell in found for output in cell["outputs"]]
    assert all(output["output_type"] in ("execute_result", "display_data", "stream") for output in outputs)
    assert all(output.get("name") != "stderr" for output in outputs)
    shown = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(shown) >= 5


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_what_is_committed_is_small_and_says_nothing_of_a_machine(notebook: Path):
    text = notebook.read_text()
    assert len(text) < MOST
    whole = json.loads(text)
    assert set(whole["metadata"]) == {"kernelspec", "language_info"}
    assert all(set(cell["metadata"]) <= {"tags"} for cell in whole["cells"])
    for cell in code_of(notebook):
        for output in cell["outputs"]:
            words = json.dumps({name: x for name, x in output.get("data", {}).items() if not name.startswith("image/")})
            words = re.sub(r"base64,[\w+/=]+", "", words + json.dumps(output.get("text", "")))
            assert not ONE_MACHINE.search(words)


def test_a_quick_run_draws_little():
    import nbformat

    from tests.docs.notebooks import quick

    for path in NOTEBOOKS:
        made = quick(nbformat.read(path, as_version=4)).cells
        (numbers,) = [cell.source for cell in made if "parameters" in cell.metadata.get("tags", ())]
        assert set(re.findall(r"= (\d+)", numbers)) == {"2"}
