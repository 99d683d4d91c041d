"""Notebooks of examples/: run in a kernel of their own, and written without what is of one machine alone.

    python -m tests.docs.notebooks                      # run all again, and write them as they are committed
    python -m tests.docs.notebooks --quick a.ipynb      # run a copy on toy models, few steps, and write nothing

Working folder: the current one. A cell that is tagged "parameters" says how long a notebook takes; a quick run changes it.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.cli.toys import ROOT
from tests.docs.blocks import on_toys

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
LONGEST = 1800  # seconds of a cell, on a busy machine
NUMBER = re.compile(r"^([A-Z]+) = \d+", re.MULTILINE)


def quick(notebook: Any) -> Any:
    """The same on toy models, with every number of the parameter cell at 2."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = on_toys(cell.source)
        if "parameters" in cell.metadata.get("tags", ()):
            cell.source = NUMBER.sub(r"\1 = 2", cell.source)
    return notebook


def executed(notebook: Any, folder: Path) -> Any:
    """A notebook that was run in a folder. Raises CellExecutionError."""
    client = NotebookClient(notebook, kernel_name="python3", timeout=LONGEST, resources={"metadata": {"path": str(folder)}})
    return client.execute()


def stripped(notebook: Any) -> Any:
    """Without times, versions, what went to stderr, and outputs that were cleared again."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {name: value for name, value in cell.metadata.items() if name == "tags"}
        if cell.cell_type == "code":
            cell.outputs = [_plain(output) for output in cell.outputs if not _empty(output)]
    return notebook


def _empty(output: Any) -> bool:
    return output.get("name") == "stderr" or output.get("data", {}).get("text/html") == ""


def _plain(output: Any) -> Any:
    """Without the addresses of objects; where there is a picture or a table, without the words in its place."""
    data = output.get("data", {})
    if len(data) > 1:
        data.pop("text/plain", None)
    output.pop("transient", None)
    return output


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path, default=NOTEBOOKS)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    for path in args.notebooks:
        notebook = nbformat.read(path, as_version=4)
        with TemporaryDirectory() as folder:
            made = executed(quick(notebook) if args.quick else notebook, Path(folder))
        if not args.quick:
            nbformat.write(stripped(made), path)


if __name__ == "__main__":
    main()
