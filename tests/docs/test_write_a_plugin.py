"""The page "Write a plugin in ten minutes", followed to the letter: from an empty folder, in a fresh environment."""

from __future__ import annotations

import os
import re
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.toys import ROOT
from tests.docs.blocks import FENCE, with_files
from tests.fresh import fresh_environment

EXAMPLE = ROOT / "examples" / "fusedream-faces"
PAGE = (ROOT / "docs" / "write-a-plugin.md").read_text()
PROGRAMS = {"fusedream": "fusedream_sdk", "pip": "pip"}  # program of the environment -> module


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A fresh environment, with the programs that the page calls."""
    folder = fresh_environment(tmp_path / "environment")
    python = folder / "bin" / "python"
    for program, module in PROGRAMS.items():
        shim = folder / "bin" / program
        shim.write_text(f'#!/bin/sh\nexec "{python}" -m {module} "$@"\n')
        shim.chmod(0o755)
    return folder


def script(page: str) -> str:
    """Everything that a page tells one to do, in its order: write the files that have a title, run the rest."""
    steps = ["set -eu"]
    for block in FENCE.finditer(with_files(page)):
        if block["title"]:
            steps.append(f"cat > {block['title']} <<'END OF FILE'\n{block['text']}END OF FILE")
        elif block["mark"]:
            continue  # for a machine with internet
        elif block["language"] == "python":
            steps.append(f"python - <<'END OF FILE'\n{block['text']}END OF FILE")
        else:
            steps.append(block["text"])
    return "\n".join(steps)


def test_who_follows_the_page_from_an_empty_folder_gets_pictures(fresh, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    path = f"{fresh / 'bin'}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "FUSEDREAM_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(["sh", "-c", script(PAGE)], cwd=work, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]

    plugin = work / "fusedream_faces"
    assert re.search(r"^  faces +fusedream-faces \(fusedream_faces:load\)$", done.stdout, re.MULTILINE)
    assert done.stdout.count("1 passed") == 2  # the skeleton's test, and that of the faces
    assert [path.name for path in (plugin / "dist").iterdir()] == ["fusedream_faces-0.1.0-py3-none-any.whl"]
    with zipfile.ZipFile(plugin / "dist" / "fusedream_faces-0.1.0-py3-none-any.whl") as wheel:
        assert {"fusedream_faces/__init__.py", "fusedream_faces/weights/README.md"} <= set(wheel.namelist())
    assert "fusedream_faces/weights/README.md" in done.stdout  # the page looks into it
    for picture in (plugin / "face.png", *(plugin / "faces").glob("*.png")):
        with Image.open(picture) as opened:
            assert opened.size == (64, 64)
            assert np.ptp(np.asarray(opened)) > 100
    assert len(list((plugin / "faces").glob("*.png"))) == 2


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def test_the_page_ends_with_what_lies_in_the_examples():
    shown = {block["title"]: block["text"] for block in FENCE.finditer(with_files(PAGE)) if block["title"]}
    files = {str(path.relative_to(EXAMPLE)): path.read_text() for path in files_of(EXAMPLE) if path.name != "README.md"}
    assert shown == files


def test_the_wrapper_has_at_most_sixty_lines():
    assert len((EXAMPLE / "fusedream_faces" / "__init__.py").read_text().splitlines()) <= 60
