"""The site as it is built: strictly, with the whole reference, and without anything from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

import fusedream_sdk as fd
from tests.cli.toys import ROOT

pytest.importorskip("material")
pytest.importorskip("mkdocstrings")
pytest.importorskip("latex2mathml")

TAGS = r'<(?:script|img|iframe|source|video|link(?! rel="(?:canonical|next|prev|edit)"))\b'
FETCHED = re.compile(TAGS + r'[^>]*?(?:src|href)="?(?:https?:)?//')
STYLED = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `mkdocs build --strict` does, which refuses links and anchors that lead nowhere."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def test_nothing_is_asked_of_another_machine(site: Path):
    pages = [*site.rglob("*.html")]
    assert len(pages) > 30
    assert not [str(page) for page in pages if FETCHED.search(page.read_text())]
    assert not [str(sheet) for sheet in site.rglob("*.css") if STYLED.search(sheet.read_text())]


def test_every_public_name_has_a_place_in_the_reference(site: Path):
    found = {name for page in (site / "api").rglob("*.html") for name in re.findall(r'id="([\w.]+)"', page.read_text())}
    assert not {name for name in dir(fd) if name != "__version__"} - {path.rpartition(".")[2] for path in found}


def test_formulas_are_drawn_by_the_browser(site: Path):
    text = unescape((site / "composition" / "index.html").read_text())
    assert text.count("<math") > 10
    assert not re.findall(r"<m[ion][^>]*>\\\w+", text)  # a command that was not understood stays as it is
    assert "arithmatex" not in text
