from __future__ import annotations

from pathlib import Path

import pytest

from tests.batch.toys import ToyLoad
from tests.cli.toys import ROOT


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToyLoad:
    """Workers without models, which find this folder of tests."""
    monkeypatch.syspath_prepend(str(ROOT))
    (tmp_path / "begun").mkdir()
    return ToyLoad(tmp_path / "begun")
