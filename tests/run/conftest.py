from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fusedream_sdk.dream.fusedream import FuseDream
from tests.run.toys import content, draw


@pytest.fixture
def undisturbed(make_dream: Callable[..., FuseDream], tmp_path: Path) -> dict[str, bytes]:
    """What lies in the folder of a run that nothing ended early."""
    draw(make_dream(), tmp_path / "whole")
    return content(tmp_path / "whole")
