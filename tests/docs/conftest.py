from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.toys import add_toys


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages, with the toy models in it; an empty working folder, and a cache of its own."""
    folder = add_toys(tmp_path / "packages")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("FUSEDREAM_CACHE", str(tmp_path / "cache"))
    for module in ("toy_models", "fusedream_waves"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return folder
